package suites

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites/stage"
)

// A shown certificate is that of a peer which does nothing else wrong, at the domain
// of a label.
type shown struct {
	as    string // what tells its worlds from others of the row
	label string
	bare  bool // EXTERNAL is asked for without an authorization identity
	leaf  func(st *stage.Stage, domain string) (ca.Leaf, error)
}

// shows is a certificate of a kind.
func shows(kind ca.Kind) shown {
	return shown{label: "p", leaf: func(_ *stage.Stage, domain string) (ca.Leaf, error) { return kind.Leaf(domain) }}
}

// named gives the certificate's worlds a name of their own.
func (c shown) named(as string) shown {
	c.as = as
	return c
}

// at shows it for the domain of another label.
func (c shown) at(label string) shown {
	c.label = label
	return c
}

// withoutAuthzid asks for EXTERNAL with an empty response.
func (c shown) withoutAuthzid() shown {
	c.bare = true
	return c
}

// wildcard is a certificate for a pattern below the domain of the label "p".
func wildcard(pattern string) shown {
	return shown{label: "p", leaf: func(st *stage.Stage, _ string) (ca.Leaf, error) {
		return ca.Leaf{Names: []string{pattern + "." + st.Name("p")}}, nil
	}}
}

func (c shown) world(role string, policy servers.Policy) string {
	if c.as != "" {
		role += "-" + c.as
	}
	return role + "-" + string(policy)
}

// The notes of both scripts.
const (
	messageToIt   = "a message to the peer"
	externalOfIt  = "EXTERNAL with the peer's certificate"
	dialbackOfIt  = "dialback instead"
	messageFromIt = "a message from the peer, then"
)

// notBelieved is what a subject may say of a certificate that it does not believe.
var notBelieved = []string{"not offered", "failure *", "stream error *", "alert *", stage.Closed}

// refused makes the worlds of certificates that do not say who the peer is. Under P2
// it gets no message, and brings none in; under P1 the subject goes on with dialback,
// as if there were no certificate (rule N2). The verdict is that of a subject which
// believes the certificate.
func refused(believed results.Verdict, why string, certs ...shown) []World {
	var worlds []World
	for _, c := range certs {
		worlds = append(worlds,
			initiating(c.world("out", servers.P2), P2(servers.Good), c.receives,
				judge.Note(messageToIt, "error *").Or(believed, why, "delivered *")).checked(itWasShown(results.Receiving)),
			initiating(c.world("out", servers.P1), P1(servers.Good), c.receives,
				judge.Note(messageToIt, "delivered tls *").Or(results.NoInterop, "dialback would have done", "error *")),
			receiving(c.world("in", servers.P2), P2(servers.Good), c.initiates,
				judge.Note(externalOfIt, notBelieved...).Or(believed, why, stage.Success),
				judge.Note(dialbackOfIt, "invalid", "dialback error *", "stream error *", "alert *", stage.Closed, stage.Nothing).
					Or(believed, "the certificate was not refused", "valid").IfNoted(),
				judge.Note(messageFromIt, "stream error *", stage.Closed, stage.Nothing).Or(believed, "", stage.Delivered).IfNoted()).
				checked(itWasShown(results.Initiating)),
			receiving(c.world("in", servers.P1), P1(servers.Good), c.initiates,
				judge.Note(externalOfIt, "not offered", "failure *").Or(believed, why, stage.Success).
					Or(results.NoInterop, "dialback would have done", notBelieved...),
				judge.Note(dialbackOfIt, "valid").Else(results.NoInterop).IfNoted(),
				judge.Note(messageFromIt, stage.Delivered).Else(results.NoInterop).IfNoted()))
	}
	return worlds
}

// itWasShown asks that the peer got as far as to show its certificate, on a stream on
// which it is the initiating or the receiving entity: who refuses a peer before that
// has not judged a certificate.
func itWasShown(by results.Direction) judge.Check {
	return judge.Check{Name: "the peer's certificate was seen", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		for _, s := range obs.Streams {
			party := s.InitiatingParty
			if by == results.Receiving {
				party = s.ReceivingParty
			}
			if subject, _ := judge.Scripted(obs); party != string(subject) && s.TLS != nil && len(s.TLS.Certificates[by]) > 0 {
				return nil
			}
		}
		return []judge.Finding{{Verdict: results.Inconclusive, Why: "the peer did not come to show its certificate"}}
	}}
}

// accepted makes the worlds of certificates that say well enough who the peer is,
// all under P2. The verdict is that of a subject which refuses one.
func accepted(refusal results.Verdict, why string, certs ...shown) []World {
	var worlds []World
	for _, c := range certs {
		worlds = append(worlds,
			initiating(c.world("out", servers.P2), P2(servers.Good), c.receives,
				judge.Note(messageToIt, "delivered tls *").Or(refusal, why, "error *")),
			receiving(c.world("in", servers.P2), P2(servers.Good), c.initiates,
				judge.Note(externalOfIt, stage.Success).
					Or(results.Weaker, "dialback had to do, though the certificate would", "not offered").
					Or(refusal, why, notBelieved...),
				judge.Note(dialbackOfIt, "valid").Else(refusal).IfNoted(),
				judge.Note(messageFromIt, stage.Delivered).Else(results.NoInterop).IfNoted()))
	}
	return worlds
}

// outbound keeps the worlds in which the subject opens the stream.
func outbound(worlds []World) []World {
	return slices.DeleteFunc(worlds, func(w World) bool { return !w.Scene.Initiates })
}

// inbound keeps the worlds in which the peer does.
func inbound(worlds []World) []World {
	return slices.DeleteFunc(worlds, func(w World) bool { return w.Scene.Initiates })
}

// peer starts the peer, and publishes it.
func (c shown) peer(ctx context.Context, st *stage.Stage) (*stage.Peer, error) {
	leaf, err := c.leaf(st, st.Name(c.label))
	if err != nil {
		return nil, err
	}
	cert, err := st.Issue(c.label, leaf)
	if err != nil {
		return nil, err
	}
	p, err := st.Hidden(ctx, c.label, append(stage.Honest(), peer.WithCertificate(cert))...)
	if err != nil {
		return nil, err
	}
	label, err := ca.ALabels(c.label)
	if err != nil {
		return nil, err
	}
	return p, p.Publish(label)
}

// receives has the subject connect to the peer.
func (c shown) receives(ctx context.Context, st *stage.Stage) error {
	p, err := c.peer(ctx, st)
	if err != nil {
		return err
	}
	st.Note(messageToIt, st.Message(ctx, "bob@"+p.Domain()))
	return nil
}

// initiates has the peer connect to the subject. Where EXTERNAL is not offered, or
// fails, it asks for dialback as any server would; and it sends a message whatever the
// answer is, unless the subject has ended the stream instead of an answer.
func (c shown) initiates(ctx context.Context, st *stage.Stage) error {
	p, err := c.peer(ctx, st)
	if err != nil {
		return err
	}
	s, err := p.Open(ctx)
	if err != nil {
		return err
	}
	authzid := p.Domain()
	if c.bare {
		authzid = ""
	}
	err = s.StartTLS(ctx)
	switch {
	case err != nil:
	case slices.Contains(s.Features().Mechanisms, "EXTERNAL"):
		err = s.External(ctx, authzid)
	default:
		err = stage.ErrNotOffered
	}
	st.Note(externalOfIt, stage.End(err))
	message := st.Stanza("x@" + p.Domain())
	var failure *peer.SASLError
	switch {
	case err == nil:
		st.Note(messageFromIt, st.Pass(ctx, s, message))
		return nil
	case !errors.Is(err, stage.ErrNotOffered) && !errors.As(err, &failure):
		return nil
	}
	answer, err := s.DialbackResult(ctx, peer.Dialback{})
	if err != nil && failure != nil {
		// XEP-0178 section 3: EXTERNAL having failed, the receiving server may close
		// the stream.
		if s, err = p.Secure(ctx); err == nil {
			answer, err = s.DialbackResult(ctx, peer.Dialback{})
		}
	}
	st.Note(dialbackOfIt, stage.Told(answer, err))
	switch {
	case err != nil:
	case answer.Type == peer.TypeValid:
		st.Note(messageFromIt, st.Pass(ctx, s, message))
	default:
		st.Note(messageFromIt, st.DeliverStanza(ctx, s, message))
	}
	return nil
}

// international is a domain with a U-label, whose certificate and DNS records have the
// A-label: who looks for the domain has to convert it.
func international() []World {
	worlds := accepted(results.Fail, "the A-label is that of the domain", shows(ca.Good).at("bücher"))
	for i, w := range worlds {
		if w.Scene.Initiates {
			worlds[i] = w.checked(asksForALabels)
		}
	}
	return worlds
}

// asksForALabels asks that a U-label is not sent to the DNS as it is.
var asksForALabels = judge.Check{Name: "the DNS is asked for A-labels", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
	for _, q := range obs.Queries {
		if strings.ContainsFunc(q.Name, func(r rune) bool { return r > '~' || r == '\\' }) {
			return []judge.Finding{{Verdict: results.Fail, Blame: results.BlameInitiator,
				Why: "the DNS was asked for " + q.Name + ", which is not in A-labels", Cites: cites(must("RFC 5891", "4.4"))}}
		}
	}
	return nil
}}

// The notes of s2s/pkix/certificate-exchange.
const (
	itsCertificate = "the certificate that the peer is shown"
	requestOfIt    = "the request for the peer's certificate"
	mechanismsToIt = "EXTERNAL among the mechanisms"
)

func certificateExchange(policies ...servers.Policy) []World {
	var worlds []World
	for _, p := range policies {
		worlds = append(worlds,
			initiating("out-"+string(p), setting(p, servers.Good), showsCertificate,
				judge.Note(itsCertificate, "that of the sender's domain").Or(results.Weaker, "", "none", "another"),
				judge.Note(messageToIt, "delivered tls *")),
			receiving("in-"+string(p), setting(p, servers.Good), asksForCertificate,
				judge.Note(requestOfIt, "sent").Or(results.Weaker, "", "not sent"),
				judge.Note(mechanismsToIt, "first").Or(results.Weaker, "", "not first", "not offered")))
	}
	return worlds
}

// showsCertificate looks at what the subject shows a peer to which it connects.
func showsCertificate(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	outcome := st.Message(ctx, "bob@"+p.Domain())
	for _, s := range p.Sessions() {
		if cs := s.ConnectionState(); cs == nil {
			continue
		} else if len(cs.PeerCertificates) == 0 {
			st.Note(itsCertificate, "none")
		} else if peer.VerifyName(st.Lab.CA.Pool(), st.Domain)(*cs) != nil {
			st.Note(itsCertificate, "another")
		} else {
			st.Note(itsCertificate, "that of the sender's domain")
		}
	}
	st.Note(messageToIt, outcome)
	return nil
}

// asksForCertificate looks at what the subject asks of a peer that connects to it.
func asksForCertificate(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Open(ctx)
	if err != nil {
		return err
	}
	request := "not sent"
	err = s.StartTLS(ctx, peer.ConfigureTLS(func(c *tls.Config) {
		present := c.GetClientCertificate
		c.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			request = "sent"
			return present(info)
		}
	}))
	st.Note(requestOfIt, request)
	switch at := slices.Index(s.Features().Mechanisms, "EXTERNAL"); {
	case err != nil:
		st.Note(mechanismsToIt, stage.End(err))
	case at < 0:
		st.Note(mechanismsToIt, "not offered")
	case at > 0:
		st.Note(mechanismsToIt, "not first")
	default:
		st.Note(mechanismsToIt, "first")
	}
	return nil
}
