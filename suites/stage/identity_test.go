package stage

import (
	"context"
	"net"
	"testing"

	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
)

func TestStillOpen(t *testing.T) {
	for _, c := range []struct {
		subject peer.Option
		want    string
	}{
		{peer.AnswerVerify(peer.Invalid), Open},
		{peer.AnswerVerify(peer.DialbackError("item-not-found")), Open},
		{peer.Handle(xmpp.NSDialback, "verify", func(ctx context.Context, s *peer.Session, _ *xmpp.Element) error {
			return s.StreamError(ctx, "policy-violation", "")
		}), "stream error policy-violation"},
		{peer.Handle(xmpp.NSDialback, "verify", func(ctx context.Context, s *peer.Session, _ *xmpp.Element) error {
			return s.CloseStream(ctx)
		}), Closed},
	} {
		t.Run(c.want, func(t *testing.T) {
			a, b := net.Pipe()
			subject := peer.New("s.lab", c.subject).Receive(b)
			subject.Start(t.Context())
			defer subject.Close()
			s, err := peer.New("p.lab").Open(t.Context(), a, peer.To("s.lab"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := StillOpen(t.Context(), s); got != c.want {
				t.Errorf("the stream is %q, want %q", got, c.want)
			}
		})
	}
}
