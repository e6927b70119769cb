package stage_test

import (
	"net/netip"
	"testing"

	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites/stage"
)

func TestHandshakeTLS(t *testing.T) {
	w := newWorld(t, servers.P2)
	p, err := w.Peer(w.ctx, "p", stage.Honest()...)
	if err != nil {
		t.Fatal(err)
	}
	s, how := p.HandshakeTLS(w.ctx)
	w.is("the handshake", how, stage.Success)
	if err := s.OpenStream(w.ctx); err != nil {
		t.Fatal(err)
	}
	if err := p.Authorise(w.ctx, s); err != nil {
		t.Fatal(err)
	}
	w.is("a message", w.Deliver(w.ctx, s, "x@p.c.lab"), stage.Delivered)
	_, how = p.HandshakeTLS(w.ctx, peer.Protocols("http/1.1"))
	w.is("another protocol", how, "alert no application protocol")
	w.Server = w.Lab.Address()
	_, how = p.HandshakeTLS(w.ctx)
	w.is("where nobody listens", how, stage.Refused)
}

func TestDirectTLS(t *testing.T) {
	w := newWorld(t, servers.P2)
	p, err := w.Hidden(w.ctx, "p", stage.Honest()...)
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(w.Lab.Address(), lab.PortServerTLS)
	if err := p.ServeTLSAt(w.ctx, at); err != nil {
		t.Fatal(err)
	}
	if err := p.ServeTLSAt(w.ctx, at); err == nil {
		t.Error("a place was served twice")
	}
	if err := w.PublishTLSAt("p", 5, at); err != nil {
		t.Fatal(err)
	}
	w.is("by direct TLS alone", w.Message(w.ctx, "bob@p.c.lab"), "delivered tls pkix")
	q, err := w.Peer(w.ctx, "q", stage.Honest()...)
	if err != nil {
		t.Fatal(err)
	}
	w.is("by STARTTLS", w.Message(w.ctx, "bob@q.c.lab"), "delivered tls pkix")
	if !stage.BeganWithTLS(p.Sessions()[0]) {
		t.Error("direct TLS is said not to begin with TLS")
	}
	if stage.BeganWithTLS(q.Sessions()[0]) {
		t.Error("STARTTLS is said to begin with TLS")
	}
}
