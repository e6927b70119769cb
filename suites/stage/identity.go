package stage

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/zone"
)

// Open is the word for a stream that the subject did not end.
const Open = "open"

// OnlyDialback is what a peer has to be willing to do so that a subject is
// authenticated by dialback, and by nothing else.
func OnlyDialback() []peer.Option {
	return []peer.Option{peer.RequireStartTLS(), peer.OfferDialbackErrors(), peer.AnswerVerify(peer.CheckKey)}
}

// StillOpen says whether the subject goes on with a stream: it asks it about a
// dialback key, as a receiving server may at any time (XEP-0220 section 2.2.1),
// and returns [Open] when that is answered, whatever the answer, or how the
// stream was ended. What was sent before has been read then.
func StillOpen(ctx context.Context, s *peer.Session) string {
	d := peer.Dialback{Verify: true, From: s.Header().From, To: s.Header().To, ID: Token(), Key: Token()}
	if err := s.Send(ctx, d.Element()); err != nil {
		return HowClosed(ctx, s)
	}
	answer := peer.AnswerTo(d)
	ev, err := s.Expect(ctx, peer.AnyOf(answer, peer.StreamErrorWith(""), peer.Closed))
	switch {
	case err != nil:
		return End(err)
	case answer.Match(ev):
		return Open
	}
	return ended(ev)
}

// Outbound is the last of the streams that the subject opened to the peer, and on
// which it may send stanzas from its domain; nil when there is none.
func (p *Peer) Outbound() *peer.Session {
	var last *peer.Session
	for _, s := range p.Sessions() {
		if s.Authorized(peer.Pair{From: p.st.Domain, To: p.Domain()}) {
			last = s
		}
	}
	return last
}

// PublishClosed publishes a name's server-to-server service at a port at which
// nobody listens.
func (st *Stage) PublishClosed(ctx context.Context, label string) error {
	listener, at, err := st.Lab.Listen(ctx)
	if err != nil {
		return fmt.Errorf("find a port for %s: %w", st.Name(label), err)
	}
	if err := listener.Close(); err != nil {
		return fmt.Errorf("close the port of %s: %w", st.Name(label), err)
	}
	return st.PublishAt(label, at)
}

// PublishAt publishes a name's server-to-server service at an address and port.
func (st *Stage) PublishAt(label string, at netip.AddrPort) error {
	service, host := "_xmpp-server._tcp", "xmpp"
	if label != "" {
		service, host = service+"."+label, host+"."+label
	}
	return st.Publish(zone.SRV(service, 10, 0, at.Port(), host), zone.Address(host, at.Addr()))
}
