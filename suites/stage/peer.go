package stage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
)

// Honest is what a peer has to be willing to do so that any subject can deliver to
// it, and authenticate it: encryption, certificates, dialback in all its roles.
func Honest() []peer.Option {
	return []peer.Option{peer.RequireStartTLS(), peer.OfferExternal(), peer.OfferDialbackErrors(), peer.AnswerDialback(peer.Valid),
		peer.AnswerVerify(peer.CheckKey)}
}

// Peer is a scripted peer of the stage.
type Peer struct {
	*peer.Peer
	st *Stage
	// At is where it listens.
	At netip.AddrPort
}

// Peer starts a scripted peer at a domain of the stage, and publishes it as that
// domain's server-to-server service (RFC 6120 section 3.2.1). It has a good
// certificate, and does nothing unless an option says so; messages that come are
// noticed, whoever they are from.
func (st *Stage) Peer(ctx context.Context, label string, opts ...peer.Option) (*Peer, error) {
	p, err := st.Hidden(ctx, label, opts...)
	if err != nil {
		return nil, err
	}
	return p, p.Publish(label)
}

// Hidden starts a peer that the DNS does not know.
func (st *Stage) Hidden(ctx context.Context, label string, opts ...peer.Option) (*Peer, error) {
	cert, err := st.Certificate(ca.Good, label)
	if err != nil {
		return nil, err
	}
	listener, at, err := st.Lab.Listen(ctx)
	if err != nil {
		return nil, fmt.Errorf("listen for servers of %s: %w", st.Name(label), err)
	}
	p := &Peer{st: st, At: at}
	base := []peer.Option{peer.WithKeyLog(st.Lab.Keys), peer.WithCertificate(cert), peer.Handle(xmpp.NSServer, "message", p.message)}
	p.Peer = peer.New(st.Name(label), append(base, opts...)...)
	st.mu.Lock()
	st.peers = append(st.peers, p)
	st.mu.Unlock()
	st.serving.Go(func() { _ = p.Serve(st.running, listening{listener, st}) })
	return p, nil
}

// Publish makes the peer the STARTTLS service of a name of the stage.
func (p *Peer) Publish(label string) error {
	return p.st.PublishAt(label, p.At)
}

// ServeTLS has the peer serve direct TLS (XEP-0368) as well, at a port of its own,
// which is returned and not published.
func (p *Peer) ServeTLS(ctx context.Context) (netip.AddrPort, error) {
	listener, at, err := p.st.Lab.Listen(ctx)
	if err != nil {
		return at, fmt.Errorf("listen for direct TLS to %s: %w", p.Domain(), err)
	}
	p.st.serving.Go(func() { _ = p.Peer.ServeTLS(p.st.running, listening{listener, p.st}) })
	return at, nil
}

// listening is a listener whose connections show that the stage is active.
type listening struct {
	net.Listener
	st *Stage
}

func (l listening) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.st.touch(conn), nil
}

// message notices a stanza that the subject sent to the peer.
func (p *Peer) message(_ context.Context, s *peer.Session, e *xmpp.Element) error {
	how := "clear"
	if s.Secure() {
		how = "tls"
	}
	auth := "none"
	switch {
	case s.Mechanism() == "EXTERNAL":
		auth = "pkix"
	case s.Authorized(peer.Pair{From: domainOf(e.Attr("from")), To: domainOf(e.Attr("to"))}):
		auth = "dialback"
	}
	st := p.st
	body := e.Child(xmpp.NSServer, "body").Text()
	st.mu.Lock()
	defer st.mu.Unlock()
	a, ok := st.arrived[body]
	if !ok {
		a = Arrival{Peer: p, At: st.now(), How: how + " " + auth}
	}
	a.Count++
	st.arrived[body] = a
	close(st.arrival)
	st.arrival = make(chan struct{})
	return nil
}

func domainOf(jid string) string {
	jid, _, _ = strings.Cut(jid, "/")
	if _, domain, ok := strings.Cut(jid, "@"); ok {
		return domain
	}
	return jid
}

// Dial opens a TCP connection to the subject's server-to-server port, from where
// the peer is.
func (p *Peer) Dial(ctx context.Context) (net.Conn, error) {
	return p.dial(ctx, lab.PortServer)
}

// DialTLS opens a TCP connection to the subject's port for direct TLS between
// servers.
func (p *Peer) DialTLS(ctx context.Context) (net.Conn, error) {
	return p.dial(ctx, lab.PortServerTLS)
}

func (p *Peer) dial(ctx context.Context, port uint16) (net.Conn, error) {
	conn, err := p.st.Lab.Net.Dial(ctx, p.At.Addr(), netip.AddrPortFrom(p.st.Server, port))
	if err != nil {
		return nil, fmt.Errorf("connect to the subject: %w", err)
	}
	return p.st.touch(conn), nil
}

// Initiate connects to the subject and says nothing.
func (p *Peer) Initiate(ctx context.Context, opts ...peer.StreamOption) (*peer.Session, error) {
	conn, err := p.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return p.Peer.Initiate(conn, append([]peer.StreamOption{peer.To(p.st.Domain)}, opts...)...), nil
}

// Open opens a stream to the subject, in clear.
func (p *Peer) Open(ctx context.Context, opts ...peer.StreamOption) (*peer.Session, error) {
	s, err := p.Initiate(ctx, opts...)
	if err != nil {
		return nil, err
	}
	return s, s.OpenStream(ctx)
}

// Secure opens a stream to the subject, and negotiates STARTTLS.
func (p *Peer) Secure(ctx context.Context, opts ...peer.StreamOption) (*peer.Session, error) {
	s, err := p.Open(ctx, opts...)
	if err != nil {
		return s, err
	}
	return s, s.StartTLS(ctx)
}

// External opens a stream to the subject, and authenticates by certificate as
// authzid; a refusal is a *[peer.SASLError].
func (p *Peer) External(ctx context.Context, authzid string, opts ...peer.StreamOption) (*peer.Session, error) {
	s, err := p.Secure(ctx, opts...)
	if err != nil {
		return s, err
	}
	if !slices.Contains(s.Features().Mechanisms, "EXTERNAL") {
		return s, ErrNotOffered
	}
	return s, s.External(ctx, authzid)
}

// Authorised opens a stream to the subject on which the peer may speak for its
// domain: by certificate where that is offered, else by dialback.
func (p *Peer) Authorised(ctx context.Context, opts ...peer.StreamOption) (*peer.Session, error) {
	s, err := p.External(ctx, p.Domain(), opts...)
	if !errors.Is(err, ErrNotOffered) {
		return s, err
	}
	return s, dialback(ctx, s)
}

// ByDialback opens a stream to the subject with TLS, and is authorised on it by
// dialback.
func (p *Peer) ByDialback(ctx context.Context, opts ...peer.StreamOption) (*peer.Session, error) {
	s, err := p.Secure(ctx, opts...)
	if err != nil {
		return s, err
	}
	return s, dialback(ctx, s)
}

func dialback(ctx context.Context, s *peer.Session) error {
	answer, err := s.DialbackResult(ctx, peer.Dialback{})
	if err == nil && answer.Type != peer.TypeValid {
		err = fmt.Errorf("the subject answered dialback with %s", Told(answer, nil))
	}
	return err
}

// ErrNotOffered is that the subject did not offer SASL EXTERNAL.
var ErrNotOffered = errors.New("EXTERNAL was not offered")
