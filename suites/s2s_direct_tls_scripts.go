package suites

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
	"github.com/xmpp-testday/testday/fixtures/zone"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/suites/stage"
)

// looksForDirectTLS asks that the subject, who initiates, asks the DNS for direct TLS. Who
// never does has none, and all else that the row asks is not for him.
func looksForDirectTLS() judge.Check {
	return judge.Check{Name: "the DNS is asked for direct TLS", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		if slices.ContainsFunc(obs.Queries, func(q results.Query) bool { return strings.HasPrefix(q.Name, "_xmpps-server._tcp.") }) {
			return nil
		}
		return []judge.Finding{{Verdict: results.NotSupported, Why: "it never asked the DNS for direct TLS"}}
	}}
}

// beginsWithTLS asks that the subject, who initiates and knows of direct TLS alone, begins
// every connection with it.
func beginsWithTLS() judge.Check {
	return judge.Check{Name: "every connection begins with a ClientHello", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		for _, s := range obs.Streams {
			if s.InitiatingParty == string(results.BlameInitiator) && s.ClearBytes[results.Initiating] > 0 {
				return []judge.Finding{{Verdict: results.Fail, Blame: results.BlameInitiator, Cites: cites(must("XEP-0368", "3")),
					Why: "the initiator connected to an endpoint of direct TLS and sent something else"}}
			}
		}
		return nil
	}}
}

// listens expects that a handshake at the subject's port for direct TLS succeeds.
func listens(note string) judge.Expectation {
	return judge.Note(note, stage.Success).
		Or(results.NotSupported, "nothing listens for direct TLS", stage.Refused).
		Else(results.NoInterop)
}

// direct starts a peer that the DNS knows for direct TLS alone.
func direct(ctx context.Context, st *stage.Stage, label string, opts ...peer.Option) (*stage.Peer, error) {
	p, err := st.Hidden(ctx, label, append(stage.Honest(), opts...)...)
	if err != nil {
		return nil, err
	}
	at, err := p.ServeTLS(ctx)
	if err != nil {
		return nil, err
	}
	return p, st.PublishTLSAt(label, 10, at)
}

// A note of all rows in which the subject can reach a peer by direct TLS alone.
const toDirect = "a message to a peer with direct TLS alone"

func onlyDirect(ctx context.Context, st *stage.Stage) error {
	p, err := direct(ctx, st, "p")
	if err != nil {
		return err
	}
	st.Note(toDirect, st.Message(ctx, "bob@"+p.Domain()))
	return nil
}

// The notes of the rows in which the peer connects.
const (
	directHandshake = "a handshake at the port for direct TLS"
	fromDirect      = "a message by direct TLS"
)

func acceptDirect(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, how := p.HandshakeTLS(ctx)
	st.Note(directHandshake, how)
	if how != stage.Success {
		return nil
	}
	if err = s.OpenStream(ctx); err == nil {
		err = p.Authorise(ctx, s)
	}
	if err != nil {
		st.Note(fromDirect, stage.End(err))
		return nil
	}
	st.Note(fromDirect, st.Deliver(ctx, s, "x@"+p.Domain()))
	return nil
}

// The notes of s2s/direct-tls/sni-alpn.
const (
	serverName      = "the server name in the ClientHello"
	protocolOffered = "the application protocol in the ClientHello"
)

func extensions(ctx context.Context, st *stage.Stage) error {
	p, err := direct(ctx, st, "p")
	if err != nil {
		return err
	}
	came := st.Message(ctx, "bob@"+p.Domain())
	for _, s := range p.Sessions() {
		h, err := stage.ClientHello(s)
		if err != nil {
			continue // of a connection that did not come to it
		}
		switch {
		case h.ServerName == "":
			st.Note(serverName, "none")
		case strings.EqualFold(h.ServerName, p.Domain()):
			st.Note(serverName, "the domain")
		case strings.EqualFold(h.ServerName, "direct."+p.Domain()):
			st.Note(serverName, "the SRV target")
		default:
			st.Note(serverName, "another")
		}
		switch {
		case len(h.ALPN) == 0:
			st.Note(protocolOffered, "none")
		case slices.Contains(h.ALPN, peer.ALPN):
			st.Note(protocolOffered, peer.ALPN)
		default:
			st.Note(protocolOffered, "another")
		}
		return nil // what comes of the handshake is not the question
	}
	st.Note(toDirect, came)
	return nil
}

func protocolAlone(name string) string { return "a ClientHello with the protocol " + name + " alone" }

// otherProtocols makes handshakes for what the subject's port is not for, beside one for
// what it is.
func otherProtocols(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	for _, name := range []string{peer.ALPN, "http/1.1", peer.ALPNClient} {
		s, how := p.HandshakeTLS(ctx, peer.Protocols(name))
		if how == stage.Success && name != peer.ALPN {
			how = stage.Accepted
			if chosen := s.ConnectionState().NegotiatedProtocol; chosen != "" {
				how += " as " + chosen
			}
		}
		st.Note(protocolAlone(name), how)
		if how == stage.Refused {
			return nil
		}
		_ = s.Close() // the handshake was all
	}
	return nil
}

func refusesProtocol(name string) judge.Expectation {
	return judge.Note(protocolAlone(name), "alert no application protocol").
		Or(results.Weaker, "what is meant for another protocol can be led here", "accepted*").
		Or(results.Weaker, "it does not say why", "alert *", stage.Closed, stage.Reset).IfNoted()
}

func featuresInDirect(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, how := p.HandshakeTLS(ctx)
	st.Note(directHandshake, how)
	if how != stage.Success {
		return nil
	}
	err = s.OpenStream(ctx)
	switch {
	case err != nil:
		st.Note(starttlsInside, stage.End(err))
	case s.Features().StartTLS:
		st.Note(starttlsInside, "offered")
	default:
		st.Note(starttlsInside, "not offered")
	}
	return nil
}

// The notes of s2s/direct-tls/no-starttls-inside, of the subject as the initiator.
const (
	asksHonest = "<starttls/> inside direct TLS, to a peer that does not offer it"
	asksLiar   = "<starttls/> inside direct TLS, to a peer that offers it all the same"
)

// offersInDirect has a message sent to a peer that is as it should be, and to one that
// offers STARTTLS inside TLS.
func offersInDirect(ctx context.Context, st *stage.Stage) error {
	for _, which := range []struct {
		note, label string
		opts        []peer.Option
	}{
		{asksHonest, "p", nil},
		{asksLiar, "liar", []peer.Option{peer.EditFeatures(func(_ *peer.Session, f *xmpp.Element) {
			f.Append(xmpp.New(xmpp.NSTLS, "starttls"))
		})}},
	} {
		var asked atomic.Bool
		p, err := direct(ctx, st, which.label, append(which.opts, peer.Handle(xmpp.NSTLS, "starttls", func(ctx context.Context, s *peer.Session, _ *xmpp.Element) error {
			asked.Store(true)
			return s.Send(ctx, xmpp.New(xmpp.NSTLS, "failure"))
		}))...)
		if err != nil {
			return err
		}
		came := st.Message(ctx, "bob@"+p.Domain())
		if which.label == "p" {
			st.Note(toDirect, came)
		}
		st.Note(which.note, map[bool]string{true: "sent", false: "not sent"}[asked.Load()])
	}
	return nil
}

// The notes of s2s/direct-tls/same-validation. How STARTTLS fares with the same
// certificate is for the reader: section 1.3 asks about that.
const (
	badBySTARTTLS = "a message to a peer with the certificate, by STARTTLS"
	badByDirect   = "a message to a peer with the certificate, by direct TLS"
)

func sameValidation(kind ca.Kind, why string) World {
	script := func(ctx context.Context, st *stage.Stage) error {
		cert, err := st.Certificate(kind, "p")
		if err != nil {
			return err
		}
		p, err := direct(ctx, st, "p", peer.WithCertificate(cert))
		if err != nil {
			return err
		}
		if cert, err = st.Certificate(kind, "q"); err != nil {
			return err
		}
		q, err := st.Peer(ctx, "q", append(stage.Honest(), peer.WithCertificate(cert))...)
		if err != nil {
			return err
		}
		st.Note(badByDirect, st.Message(ctx, "bob@"+p.Domain()))
		st.Note(badBySTARTTLS, st.Message(ctx, "bob@"+q.Domain()))
		return nil
	}
	return initiating(string(kind), P2("good"), script, judge.Note(badByDirect, "error *").Or(results.Exposed, why, "delivered *")).
		checked(looksForDirectTLS())
}

// The notes of the rows in which a peer can be reached by STARTTLS and by direct TLS.
const (
	firstTried = "the first connection"
	toEither   = "a message to a peer with STARTTLS"
)

// What the first connection is for.
const (
	withSTARTTLS  = "STARTTLS"
	withDirectTLS = "direct TLS"
)

// noteFirst notes of what kind the first connection was that the subject made to a peer.
func noteFirst(st *stage.Stage, p *stage.Peer) {
	if all := p.Sessions(); len(all) > 0 {
		st.Note(firstTried, map[bool]string{true: withDirectTLS, false: withSTARTTLS}[stage.BeganWithTLS(all[0])])
	}
}

// bothKinds publishes STARTTLS with priority 10, and direct TLS with another.
func bothKinds(priority uint16) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		p, err := st.Peer(ctx, "p", stage.Honest()...)
		if err != nil {
			return err
		}
		at, err := p.ServeTLS(ctx)
		if err != nil {
			return err
		}
		if err := st.PublishTLSAt("p", priority, at); err != nil {
			return err
		}
		st.Note(toEither, st.Message(ctx, "bob@"+p.Domain()))
		noteFirst(st, p)
		return nil
	}
}

// portsOfDirectTLS are those at which an initiator could look for direct TLS without
// having been told so.
var portsOfDirectTLS = []uint16{lab.PortServerTLS, 443}

// directDot publishes STARTTLS, that there is no direct TLS, and an address of the domain
// itself where there is some all the same.
func directDot(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	addr := st.Lab.Address()
	for _, port := range portsOfDirectTLS {
		if err := p.ServeTLSAt(ctx, netip.AddrPortFrom(addr, port)); err != nil {
			return err
		}
	}
	if err := st.Publish(zone.SRV("_xmpps-server._tcp.p", 0, 0, 0, "."), zone.Address("p", addr)); err != nil {
		return err
	}
	st.Note(toEither, st.Message(ctx, "bob@"+p.Domain()))
	return nil
}

// notAtDomain asks that the subject does not look for direct TLS at the address of the
// domain, of which the DNS says that it has none.
func notAtDomain() judge.Check {
	return judge.Check{Name: "no connection to a port for direct TLS at the domain's own address", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		for _, s := range obs.Streams {
			to, err := netip.ParseAddrPort(s.Target)
			if err == nil && s.InitiatingParty == string(results.BlameInitiator) && slices.Contains(portsOfDirectTLS, to.Port()) {
				return []judge.Finding{{Verdict: results.Fail, Blame: results.BlameInitiator, Cites: cites(must("XEP-0368", "5")),
					Why: fmt.Sprintf("the DNS says that the domain has no direct TLS, and the initiator tried port %d of its address", to.Port())}}
			}
		}
		return nil
	}}
}

// A note of s2s/direct-tls/broken-endpoint-fallback.
const toBroken = "a message to a peer whose first endpoint is broken"

// sentToBroken is that the endpoint was taken although its certificate is no good.
const sentToBroken = "delivered at the broken endpoint"

var fallsBack = judge.Note(toBroken, "delivered tls pkix").
	Or(results.Exposed, "its certificate is somebody else's", sentToBroken).
	Or(results.Weaker, "the certificate would have done", "delivered tls dialback").
	Or(results.NoInterop, "there was a second endpoint", "error *")

// directToSTARTTLS publishes direct TLS at a port for STARTTLS.
func directToSTARTTLS(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	if err := st.PublishTLSAt("p", 5, p.At); err != nil {
		return err
	}
	st.Note(toBroken, st.Message(ctx, "bob@"+p.Domain()))
	noteFirst(st, p)
	return nil
}

// directToOther publishes direct TLS at a server that shows somebody else's certificate.
func directToOther(ctx context.Context, st *stage.Stage) error {
	good, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	cert, err := st.Certificate(ca.OtherName, "p")
	if err != nil {
		return err
	}
	bad, err := st.Hidden(ctx, "p", append(stage.Honest(), peer.WithCertificate(cert))...)
	if err != nil {
		return err
	}
	at, err := bad.ServeTLS(ctx)
	if err != nil {
		return err
	}
	if err := st.PublishTLSAt("p", 5, at); err != nil {
		return err
	}
	n, err := st.Send(ctx, "bob@"+good.Domain())
	if err != nil {
		return err
	}
	came := st.Outcome(ctx, n)
	if a, ok := st.Arrived(n); ok && a.Peer == bad {
		came = sentToBroken
	}
	st.Note(toBroken, came)
	if len(bad.Sessions()) > 0 {
		st.Note(firstTried, withDirectTLS)
	} else {
		st.Note(firstTried, withSTARTTLS)
	}
	return nil
}
