package stage

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"testing"

	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
)

func TestEnd(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	go func() {
		defer b.Close()
		_ = tls.Server(b, &tls.Config{}).Handshake() // it has no certificate, and says so
	}()
	alert := tls.Client(a, &tls.Config{InsecureSkipVerify: true}).Handshake()
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, Success},
		{&xmpp.StreamError{Condition: "not-authorized"}, "stream error not-authorized"},
		{&peer.SASLError{Mechanism: "EXTERNAL", Condition: "not-authorized"}, "failure not-authorized"},
		{&peer.SASLError{Mechanism: "EXTERNAL"}, "failure"},
		{alert, "alert unrecognized name"},
		{&net.OpError{Op: "read", Err: net.ErrClosed}, Closed},
		{context.DeadlineExceeded, Nothing},
		{ErrNotOffered, "not offered"},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("a step: %w", err)
		}
		if got := End(err); got != c.want {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
	}
}
