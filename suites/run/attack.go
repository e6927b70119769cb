package run

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/attack"
	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/fixtures/tlswire"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
	"github.com/xmpp-testday/testday/suites"
)

// attack puts an attacker on the path of a cell, in both directions. The cell's
// evidence takes it away.
func (r *Run) attack(kind suites.Attack, st *stimulus) error {
	if kind == "" {
		return nil
	}
	st.attackers = map[string]*attack.Log{}
	for _, s := range st.sides {
		a, err := r.attacker(kind, s)
		if err != nil {
			return fmt.Errorf("attacker between %s and %s: %w", s.host.Host.Domain, s.peer.Host.Domain, err)
		}
		log := new(attack.Log)
		st.attackers[s.name] = log
		s.peer.domain.Attack(s.host.server.addr, func(ctx context.Context, dial func(context.Context) (net.Conn, error)) (net.Conn, error) {
			if kind == suites.SpliceDirectTLS { // onto the port for STARTTLS
				dial = func(ctx context.Context) (net.Conn, error) {
					return r.lab.Dial(ctx, netip.AddrPortFrom(s.peer.server.addr, lab.PortServer))
				}
			}
			return attack.Insert(ctx, a, log.Add, dial)
		})
	}
	return nil
}

// attacker makes the attacker for the connections that a side opens.
func (r *Run) attacker(kind suites.Attack, s *side) (attack.Attack, error) {
	switch kind {
	case suites.StripStartTLS:
		return attack.StripStartTLS(), nil
	case suites.StripRequired:
		return attack.StripRequired(), nil
	case suites.ForgeFailure:
		return attack.ForgeFailure(), nil
	case suites.HideTLS13:
		return attack.HideTLS13(), nil
	case suites.LowerToTLS10:
		return attack.LowerTLS(tls.VersionTLS10), nil
	case suites.DropModernTLS:
		return attack.DropModernTLS(), nil
	case suites.SpliceDirectTLS:
		return attack.Splice(attack.Preamble{Header: xmpp.Header{To: s.peer.Host.Domain, From: "mallory." + suites.TLD}}), nil
	case suites.RedirectToWeb:
		return r.redirect(s.peer.Host.Domain)
	case suites.PoseSelfSigned, suites.PoseMisIssued:
		asPeer, err := r.pose(kind, s.peer.Host.Domain)
		if err != nil {
			return nil, err
		}
		asSide, err := r.pose(kind, s.host.Host.Domain)
		if err != nil {
			return nil, err
		}
		asPeer.ClientAuth = tls.RequestClientCert
		return attack.Terminate(asPeer, asSide), nil
	}
	return nil, fmt.Errorf("unknown attack %q", kind)
}

// redirect leads TLS to a web server that shares a wildcard certificate with the
// domain (ALPACA, 2021). It answers what web servers answer.
func (r *Run) redirect(domain string) (attack.Attack, error) {
	cert, err := r.lab.CA.Issue(ca.Leaf{Names: []string{"*." + suites.TLD, domain}})
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert.TLS()}, MinVersion: tls.VersionTLS12,
		SessionTicketsDisabled: true, KeyLogWriter: keyWriter{r.lab.Keys}}
	return attack.Redirect(func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		web := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: loginTimeout, ErrorLog: log.New(io.Discard, "", 0)}
		r.leaving.Go(func() {
			conn := &served{Conn: far, closed: make(chan struct{})}
			_ = web.Serve(tls.NewListener(&single{conn: conn}, config)) // ends with its only connection
		})
		return near, nil
	}), nil
}

// single is a listener of one connection. The second Accept waits for its end.
type single struct {
	conn     *served
	accepted bool
}

func (l *single) Accept() (net.Conn, error) {
	if l.accepted {
		<-l.conn.closed
		return nil, net.ErrClosed
	}
	l.accepted = true
	return l.conn, nil
}

func (l *single) Addr() net.Addr { return l.conn.LocalAddr() }
func (l *single) Close() error   { return nil }

// served tells when it is closed.
type served struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *served) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// pose is the TLS of an attacker who poses as a domain. It verifies nobody.
func (r *Run) pose(kind suites.Attack, domain string) (*tls.Config, error) {
	cert, err := r.lab.CA.Make(ca.Kind(kind.Shown()), domain)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates:           []tls.Certificate{cert.TLS()},
		InsecureSkipVerify:     true,
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true, // a resumed TLS 1.2 session would log no secret
		KeyLogWriter:           keyWriter{r.lab.Keys},
	}, nil
}

// keyWriter takes an attacker's key log, a line a write.
type keyWriter struct{ keys *tlswire.KeyLog }

func (w keyWriter) Write(line []byte) (int, error) {
	w.keys.AddFrom("attacker", string(bytes.TrimSpace(line)))
	return len(line), nil
}
