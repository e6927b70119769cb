package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/peer/hello"
	"github.com/xmpp-testday/testday/fixtures/tap"
	"github.com/xmpp-testday/testday/fixtures/tlswire"
)

// Words of notes about TLS, beside those of the package's documentation.
const (
	Accepted = "accepted"       // a ClientHello was answered with a ServerHello
	Reset    = "reset"          // the TCP connection was
	LeftOpen = "left open"      // the TCP connection was
	InClear  = "words in clear" // were sent where only TLS belongs
)

// Authorise authenticates the peer on a stream that is open: by certificate where
// that is offered, else by dialback.
func (p *Peer) Authorise(ctx context.Context, s *peer.Session) error {
	if !slices.Contains(s.Features().Mechanisms, "EXTERNAL") {
		return dialback(ctx, s)
	}
	return s.External(ctx, s.Header().From)
}

// Probe opens a stream to the subject, negotiates STARTTLS up to the handshake, and
// says what a ClientHello is answered with: [Accepted], "alert NAME", [Closed],
// [Reset], [InClear] or [Nothing]. The error is for what comes before.
func (p *Peer) Probe(ctx context.Context, h hello.ClientHello) (string, error) {
	s, err := p.Open(ctx)
	if err == nil {
		defer s.Close()
		err = s.RequestTLS(ctx, "")
	}
	if err != nil {
		return "", fmt.Errorf("before the handshake: %w", err)
	}
	return p.st.Answered(ctx, s, h), nil
}

// Answered is [Peer.Probe] on a session that has come to the handshake, and stays
// open. The server name is the subject's domain, where h has none and extensions.
func (st *Stage) Answered(ctx context.Context, s *peer.Session, h hello.ClientHello) string {
	if h.ServerName == "" && h.Version != hello.VersionSSL30 {
		h.ServerName = st.Domain
	}
	a, err := s.Probe(ctx, &h)
	switch {
	case errors.Is(err, hello.ErrNotTLS):
		return InClear
	case err != nil:
		return End(err)
	case a.ServerHello != nil: // maybe one that wants another key share
		return Accepted
	case a.Alert != nil:
		return "alert " + a.Alert.Name()
	case a.Closed == hello.RST:
		return Reset
	}
	return Closed
}

// AfterHandshake waits until the subject ended the connection on which a handshake
// failed, and says how: [Closed] or [Reset], which RFC 6120 section 5.4.3.2 asks for,
// [LeftOpen], or [InClear] when it said something beside TLS before.
func AfterHandshake(ctx context.Context, s *peer.Session) string {
	end, err := s.Ending(ctx)
	switch {
	case end.Clear != "":
		return InClear
	case err != nil, end.How == tap.Open:
		return LeftOpen
	case end.How == tap.RST:
		return Reset
	}
	return Closed
}

// ClientHello is the first one that the initiating entity of a session sent.
func ClientHello(s *peer.Session) (*tlswire.ClientHello, error) {
	rec := s.Recording()
	_, records := tlswire.Split(rec.Initiating.Chunks)
	h, err := tlswire.ReadClientHello(records)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", s, err)
	}
	return h, nil
}
