package suites

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/peer/hello"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/suites/stage"
)

// The notes of s2s/starttls/handshake-abort-silent.
const (
	afterFailure = "the connection after a failed handshake"
	helloNoSuite = "a ClientHello without a suite that anybody has"
)

// unassigned is a number that no cipher suite has.
const unassigned = 0xC0FF

// endsSilently is what RFC 6120 section 5.4.3.2 wants.
func endsSilently() judge.Expectation { return judge.Note(afterFailure, stage.Closed, stage.Reset) }

func abortWithAlert(ctx context.Context, st *stage.Stage) error {
	s, err := atHandshake(ctx, st)
	if err != nil {
		return err
	}
	if _, err := s.BreakHandshake(ctx, "handshake_failure"); err != nil {
		return err
	}
	st.Note(afterFailure, stage.AfterHandshake(ctx, s))
	return nil
}

func abortWithoutSuite(ctx context.Context, st *stage.Stage) error {
	s, err := atHandshake(ctx, st)
	if err != nil {
		return err
	}
	st.Note(helloNoSuite, st.Answered(ctx, s, hello.ClientHello{Suites: []uint16{unassigned}}))
	st.Note(afterFailure, stage.AfterHandshake(ctx, s))
	return nil
}

// atHandshake has a peer come to the handshake with the subject.
func atHandshake(ctx context.Context, st *stage.Stage) (*peer.Session, error) {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return nil, err
	}
	s, err := p.Open(ctx)
	if err != nil {
		return nil, err
	}
	return s, s.RequestTLS(ctx, "")
}

func abortByPeer(ctx context.Context, st *stage.Stage) error {
	broken := make(chan *peer.Session, 1)
	// The peer does not close the connection: that is for the subject to do.
	breaks := onSTARTTLS(func(ctx context.Context, s *peer.Session) error {
		if _, err := s.BreakHandshake(ctx, "handshake_failure"); err != nil {
			return err
		}
		select {
		case broken <- s:
		default: // it tries again
		}
		if _, err := s.ExpectEnd(ctx); err != nil {
			return err
		}
		return errors.New("the handshake was broken off")
	})
	p, err := st.Peer(ctx, "p", append(stage.Honest(), breaks)...)
	if err != nil {
		return err
	}
	if _, err := st.Send(ctx, "bob@"+p.Domain()); err != nil {
		return err
	}
	select {
	case s := <-broken:
		st.Note(afterFailure, stage.AfterHandshake(ctx, s))
		return nil
	case <-ctx.Done():
		return errors.New("the subject did not come to a handshake")
	}
}

// The notes of s2s/starttls/no-plaintext-retry.
const (
	toFailing      = "a message to a peer with which no handshake succeeds"
	toFailingLater = "another message, two minutes later"
)

// withoutCommonSuite has a peer fail every handshake that it accepts, with an alert:
// its one suite is for an RSA key, which it has not.
var withoutCommonSuite = peer.WithTLS(func(c *tls.Config) {
	c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}
})

// retryTime is how long a subject has for trying again, and otherwise.
const retryTime = 2 * time.Minute

func retriesAfterFailure(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", append(stage.Honest(), peer.OfferStartTLS(), withoutCommonSuite)...)
	if err != nil {
		return err
	}
	first, cancel := context.WithTimeout(ctx, st.Deadline)
	defer cancel()
	how := st.Message(first, "bob@"+p.Domain())
	st.Note(toFailing, how)
	if strings.HasPrefix(how, stage.Delivered) {
		return nil
	}
	if err := st.Wait(ctx, retryTime); err != nil {
		return err
	}
	st.Note(toFailingLater, st.Message(ctx, "bob@"+p.Domain()))
	return nil
}

// oldVersions are those that RFC 8996 and RFC 7568 forbid.
var oldVersions = []struct {
	name    string
	version uint16
}{{"SSL 3.0", hello.VersionSSL30}, {"TLS 1.0", tls.VersionTLS10}, {"TLS 1.1", tls.VersionTLS11}}

// A note of s2s/starttls/old-tls-refused and bad-ciphers-refused: the control, beside
// which a refusal says something.
const helloOfToday = "a ClientHello of today"

func helloOf(version string) string { return "a ClientHello of " + version + " alone" }
func toVersion(version string) string {
	return "a message to a peer of " + version + " alone"
}

// today is a ClientHello that any server agrees to.
func today() hello.ClientHello {
	return hello.ClientHello{Versions: []uint16{tls.VersionTLS13, tls.VersionTLS12}, Suites: append(hello.Modern(), hello.StaticRSA.Suites()...),
		RenegotiationInfo: true}
}

func offerOldTLS(ctx context.Context, st *stage.Stage) error {
	ask := []question{{helloOfToday, today()}}
	for _, v := range oldVersions {
		h := hello.ClientHello{Version: v.version, Suites: today().Suites}
		if v.version != hello.VersionSSL30 {
			h.RenegotiationInfo = true
		}
		ask = append(ask, question{helloOf(v.name), h})
	}
	return probe(ctx, st, ask)
}

// question is a ClientHello, and the note of its answer.
type question struct {
	note  string
	hello hello.ClientHello
}

// probe asks the subject, each on a connection of its own, all at once.
func probe(ctx context.Context, st *stage.Stage, ask []question) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	answers := make([]string, len(ask))
	var g errgroup.Group
	for i, q := range ask {
		g.Go(func() error {
			var err error
			answers[i], err = p.Probe(ctx, q.hello)
			return err
		})
	}
	err = g.Wait()
	for i, q := range ask {
		if answers[i] != "" {
			st.Note(q.note, answers[i])
		}
	}
	return err
}

func helloRefused(note string) judge.Expectation {
	return judge.Note(note, "alert *", stage.Closed, stage.Reset)
}

func oldTLSRefused() []judge.Expectation {
	e := []judge.Expectation{judge.Note(helloOfToday, stage.Accepted).Else(results.NoInterop)}
	for _, v := range oldVersions {
		e = append(e, helloRefused(helloOf(v.name)))
	}
	return e
}

func messageToOldTLS(ctx context.Context, st *stage.Stage) error {
	var to []destination
	for _, v := range oldVersions[1:] { // crypto/tls has no SSL
		to = append(to, destination{toVersion(v.name), append(stage.Honest(), peer.WithTLSVersions(v.version, v.version))})
	}
	_, err := messagesTo(ctx, st, to)
	return err
}

// destination is a peer, and the note of a message to it.
type destination struct {
	note string
	opts []peer.Option
}

// messagesTo has a message sent to each of several peers, all at once.
func messagesTo(ctx context.Context, st *stage.Stage, to []destination) ([]*stage.Peer, error) {
	var peers []*stage.Peer
	var sent []int
	for i, d := range to {
		p, err := st.Peer(ctx, fmt.Sprintf("p%d", i+1), d.opts...)
		if err != nil {
			return nil, err
		}
		n, err := st.Send(ctx, "bob@"+p.Domain())
		if err != nil {
			return nil, err
		}
		peers, sent = append(peers, p), append(sent, n)
	}
	for i, d := range to {
		st.Note(d.note, st.Outcome(ctx, sent[i]))
	}
	return peers, nil
}

func oldTLSAvoided() []judge.Expectation {
	var e []judge.Expectation
	for _, v := range oldVersions[1:] {
		e = append(e, judge.Note(toVersion(v.name), "error *"))
	}
	return e
}

// A note of s2s/starttls/tls13-preferred.
const versionChosen = "the version that it chooses, of TLS 1.2 and 1.3"

func chooseVersion(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Secure(ctx)
	if err != nil {
		return err
	}
	version := tls.VersionName(s.ConnectionState().Version)
	if version != "TLS 1.3" {
		alone := today()
		alone.Versions = []uint16{tls.VersionTLS13}
		answer, err := p.Probe(ctx, alone)
		if err != nil {
			return err
		}
		if answer == stage.Accepted {
			version += ", though it has TLS 1.3"
		}
	}
	st.Note(versionChosen, version)
	return nil
}

func helloWith(c hello.Class) string { return "a ClientHello with " + string(c) + " suites alone" }
func toSuites(c hello.Class) string  { return "a message to a peer with " + string(c) + " suites alone" }
func inHello(c hello.Class) string   { return string(c) + " suites in its ClientHello" }

func offerClasses(ctx context.Context, st *stage.Stage) error {
	ask := []question{{helloOfToday, today()}}
	for _, c := range hello.Classes() {
		ask = append(ask, question{helloWith(c), hello.ClientHello{Suites: c.Suites(), RenegotiationInfo: true}})
	}
	return probe(ctx, st, ask)
}

func badCiphersRefused() []judge.Expectation {
	e := []judge.Expectation{judge.Note(helloOfToday, stage.Accepted).Else(results.NoInterop)}
	for _, c := range hello.Classes() {
		e = append(e, tolerated(c, helloRefused(helloWith(c)), stage.Accepted))
	}
	return e
}

// tolerated grades what a SHOULD NOT speaks against: RFC 9325 section 4.1 has it so for
// suites of less than 128 bits, and without forward secrecy.
func tolerated(c hello.Class, e judge.Expectation, values ...string) judge.Expectation {
	switch c {
	case hello.TripleDES:
		return e.Or(results.Weaker, "it has only 112 bits", values...).Citing(should("RFC 9325", "4.1"))
	case hello.StaticRSA:
		return e.Or(results.Weaker, "there is no forward secrecy", values...).Citing(should("RFC 9325", "4.1"))
	}
	return e
}

// The classes of which crypto/tls has suites, and the others, of which only the
// subject's own ClientHello tells.
var (
	speakable   = []hello.Class{hello.RC4, hello.TripleDES, hello.StaticRSA}
	unspeakable = []hello.Class{hello.NULL, hello.Export, hello.SingleDES, hello.Anonymous}
)

func messageToBadCiphers(ctx context.Context, st *stage.Stage) error {
	var to []destination
	for i, c := range speakable {
		cert, err := st.Certificate(ca.RSA, fmt.Sprintf("p%d", i+1))
		if err != nil {
			return err
		}
		suites := slices.DeleteFunc(c.Suites(), func(s uint16) bool { return !implemented(s) })
		to = append(to, destination{toSuites(c), append(stage.Honest(), peer.WithCertificate(cert), peer.WithTLS(func(t *tls.Config) {
			t.MaxVersion, t.CipherSuites = tls.VersionTLS12, suites
		}))})
	}
	peers, err := messagesTo(ctx, st, to)
	if err != nil {
		return err
	}
	for _, p := range peers {
		for _, s := range p.Sessions() {
			h, err := stage.ClientHello(s)
			if err != nil {
				continue // of a connection that did not come to it
			}
			for _, c := range unspeakable {
				offered := slices.ContainsFunc(c.Suites(), func(s uint16) bool { return slices.Contains(h.Suites, s) })
				st.Note(inHello(c), map[bool]string{true: "offered", false: "not offered"}[offered])
			}
			return nil
		}
	}
	return errors.New("the subject sent no ClientHello")
}

// implemented reports whether crypto/tls has a suite.
func implemented(id uint16) bool {
	is := func(s *tls.CipherSuite) bool { return s.ID == id }
	return slices.ContainsFunc(tls.CipherSuites(), is) || slices.ContainsFunc(tls.InsecureCipherSuites(), is)
}

func badCiphersAvoided() []judge.Expectation {
	var e []judge.Expectation
	for _, c := range speakable {
		e = append(e, tolerated(c, judge.Note(toSuites(c), "error *"), "delivered tls *"))
	}
	for _, c := range unspeakable {
		e = append(e, judge.Note(inHello(c), "not offered"))
	}
	return e
}

// The notes of s2s/starttls/resumption-per-identity.
const (
	sessionOfOther  = "the TLS session of another domain"
	externalAsOther = "EXTERNAL with the session of another domain"
	dialbackByOther = "dialback on it, with a guessed key"
)

// resume has one peer be authenticated by its certificate, and then resume its TLS
// session in the name of another domain.
func resume(to func(*stage.Stage) string) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		victim, err := st.Peer(ctx, "victim", stage.Honest()...)
		if err != nil {
			return err
		}
		p, err := st.Peer(ctx, "p", stage.Honest()...)
		if err != nil {
			return err
		}
		kept := &ticket{}
		keeping := peer.ConfigureTLS(func(c *tls.Config) { c.SessionTicketsDisabled, c.ClientSessionCache = false, kept })
		first, err := p.Open(ctx)
		if err == nil {
			err = first.StartTLS(ctx, keeping)
		}
		if err == nil {
			err = p.Authorise(ctx, first)
		}
		if err != nil {
			return err
		}
		if first.ConnectionState().Version < tls.VersionTLS13 {
			kept.Put("", nil) // nobody could read what follows: crypto/tls logs no secret when it resumes TLS 1.2
		}
		if err := first.Close(); err != nil {
			return err
		}
		s, err := p.Open(ctx, peer.From(victim.Domain()), peer.To(to(st)))
		if err != nil {
			return err
		}
		err = s.StartTLS(ctx, keeping)
		if s.Secure() {
			st.Note(sessionOfOther, map[bool]string{true: "resumed", false: "not resumed"}[s.ConnectionState().DidResume])
		}
		switch {
		case err != nil:
		case slices.Contains(s.Features().Mechanisms, "EXTERNAL"):
			err = s.External(ctx, victim.Domain())
		default:
			err = stage.ErrNotOffered
		}
		st.Note(externalAsOther, stage.End(err))
		var sasl *peer.SASLError
		if errors.Is(err, stage.ErrNotOffered) || errors.As(err, &sasl) {
			answer, err := s.DialbackResult(ctx, peer.Dialback{Key: "guess"})
			st.Note(dialbackByOther, stage.Told(answer, err))
		}
		return nil
	}
}

// ticket is a cache of the last session ticket, for whatever server it is from.
type ticket struct {
	mu    sync.Mutex
	state *tls.ClientSessionState
}

// Get implements [tls.ClientSessionCache].
func (t *ticket) Get(string) (*tls.ClientSessionState, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state, t.state != nil
}

// Put implements [tls.ClientSessionCache].
func (t *ticket) Put(_ string, state *tls.ClientSessionState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state = state
}

func ownIdentity() []judge.Expectation {
	return []judge.Expectation{
		judge.Note(externalAsOther, "not offered", "failure *", "stream error *", "alert *", stage.Closed).
			Or(results.Exposed, "the certificate is of the session, and names somebody else", stage.Success),
		judge.Note(dialbackByOther, "invalid", "dialback error *", "stream error *", stage.Closed, stage.Nothing).
			Or(results.Exposed, "the certificate is of the session, and names somebody else", "valid").IfNoted(),
	}
}

// The notes of s2s/starttls/renegotiation.
const (
	renegotiated      = "up to a hundred renegotiations"
	renegotiatedOld   = "renegotiation without renegotiation_info"
	streamAfter       = "the next stream, of another peer"
	maxRenegotiations = 100
)

// noStreamError asks that the subject ends no stream with an error: what is wrong is not
// wrong on the layer of XMPP.
func noStreamError() judge.Check {
	return judge.Check{Name: "no stream error", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		for _, s := range obs.Streams {
			for _, e := range s.Errors {
				if s.ReceivingParty == string(results.BlameReceiver) && e.Direction == results.Receiving {
					return []judge.Finding{{Verdict: results.Fail, Blame: results.BlameReceiver,
						Why: "the receiver answered what was wrong with TLS with a stream error " + e.Condition, Cites: cites(must("RFC 6120", "5.3.5"))}}
				}
			}
		}
		return nil
	}}
}

// withoutTLS12 is what renegotiation comes to where there is none: TLS 1.3 has done
// away with it.
const withoutTLS12 = "no handshake of TLS 1.2"

// renegotiate asks for another handshake inside a session, so often unless the stream
// ends before, and sees whether the subject serves another peer then.
func renegotiate(note string, most int, h func() *hello.ClientHello) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		p, err := st.Peer(ctx, "p", stage.Honest()...)
		if err != nil {
			return err
		}
		s, err := p.Open(ctx)
		if err != nil {
			return err
		}
		if err := s.RequestTLS(ctx, ""); err != nil {
			return err
		}
		if err := s.Handshake(ctx, peer.Renegotiable()); err != nil {
			st.Note(note, withoutTLS12)
			return nil
		}
		if err := s.OpenStream(ctx); err != nil {
			return err
		}
		answer := ""
		for n, goesOn := 0, true; goesOn && n < most; n++ {
			r, err := s.Renegotiate(ctx, h())
			answer, goesOn = r.String(), err == nil && r.GoesOn
			if err != nil {
				answer = strings.Trim(answer+", "+stage.End(err), ", ")
			}
		}
		st.Note(note, answer)
		q, err := st.Peer(ctx, "q", stage.Honest()...)
		if err != nil {
			return err
		}
		next, err := q.Authorised(ctx)
		if err != nil {
			st.Note(streamAfter, stage.End(err))
			return nil
		}
		st.Note(streamAfter, st.Deliver(ctx, next, "x@"+q.Domain()))
		return nil
	}
}
