package stage

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/peer/hello"
)

// What a ClientHello is answered with, and how the connection ends then.
func TestAfterHandshake(t *testing.T) {
	const alert = "\x15\x03\x03\x00\x02\x02\x28"
	for _, c := range []struct {
		name, says           string
		open                 bool
		answered, afterwards string
	}{
		{"silence", "", false, Closed, Closed},
		{"an alert", alert, false, "alert handshake_failure", Closed},
		{"an alert and no end", alert, true, "alert handshake_failure", LeftOpen},
		{"a closing tag", "</stream:stream>", false, InClear, InClear},
		{"a closing tag behind an alert", alert + "</stream:stream>", false, "alert handshake_failure", InClear},
		{"a ServerHello", "\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + string(make([]byte, 32)) + "\x00\xc0\x2f\x00", false, Accepted, Closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := net.Pipe()
			defer b.Close()
			go func() {
				b.Read(make([]byte, 4<<10))
				io.WriteString(b, c.says)
				if !c.open {
					b.Close()
				}
			}()
			st := New(Config{Domain: "s.lab"})
			s := peer.New("p.lab").Initiate(a)
			defer s.Close()
			if got := st.Answered(t.Context(), s, hello.ClientHello{Suites: hello.Modern()}); got != c.answered {
				t.Errorf("the answer is %q, want %q", got, c.answered)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.open {
				cancel()
			}
			if got := AfterHandshake(ctx, s); got != c.afterwards {
				t.Errorf("afterwards %q, want %q", got, c.afterwards)
			}
		})
	}
}
