package stage

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/tlswire"
	"github.com/xmpp-testday/testday/fixtures/zone"
)

// Refused is that nobody listens where the peer wanted to connect.
const Refused = "refused"

// PublishTLSAt publishes direct TLS (XEP-0368) of a name at an address and port, with
// a priority; that of [Stage.PublishAt] is 10. The target of the record is not the
// name itself.
func (st *Stage) PublishTLSAt(label string, priority uint16, at netip.AddrPort) error {
	host := "direct." + label
	return st.Publish(zone.SRV("_xmpps-server._tcp."+label, priority, 0, at.Port(), host), zone.Address(host, at.Addr()))
}

// HandshakeTLS connects to the subject's port for direct TLS and makes the handshake.
// It says what came of that: [Success], [Refused], or as [End] does.
func (p *Peer) HandshakeTLS(ctx context.Context, opts ...peer.TLSOption) (*peer.Session, string) {
	conn, err := p.DialTLS(ctx)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, Refused
	case err != nil:
		return nil, End(err)
	}
	s := p.Peer.Initiate(conn, peer.To(p.st.Domain))
	return s, End(s.Handshake(ctx, opts...))
}

// ServeTLSAt is [Peer.ServeTLS] at a place that a script chooses. Addresses of its own
// it has from the lab, which has not enough for many cells.
func (p *Peer) ServeTLSAt(ctx context.Context, at netip.AddrPort) error {
	listener, err := p.st.Lab.Net.Listen(ctx, at)
	if err != nil {
		return fmt.Errorf("listen for direct TLS to %s at %s: %w", p.Domain(), at, err)
	}
	p.st.serving.Go(func() { _ = p.Peer.ServeTLS(p.st.running, listening{listener, p.st}) })
	return nil
}

// BeganWithTLS reports whether the first thing that the initiating entity of a session
// said was TLS.
func BeganWithTLS(s *peer.Session) bool {
	rec := s.Recording()
	clear, records := tlswire.Split(rec.Initiating.Chunks)
	return len(clear) == 0 && len(records) > 0
}
