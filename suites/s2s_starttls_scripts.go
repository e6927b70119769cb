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

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/peer/hello"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/suites/stage"
)

// asksForTLS asks that the subject sends <starttls/> on every connection that it
// opens, advertised or not.
func asksForTLS(c results.Citation) judge.Check {
	return judge.Check{Name: "STARTTLS is asked for on every connection", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		for _, s := range obs.Streams {
			if s.InitiatingParty == string(results.BlameInitiator) && len(s.Features) > 0 && !s.StartTLS.Asked {
				return []judge.Finding{{Verdict: results.Fail, Blame: results.BlameInitiator,
					Why: "the initiator opened a stream and did not ask for STARTTLS", Cites: cites(c)}}
			}
		}
		return nil
	}}
}

// messageTo has a user of the subject's send a message to a peer with these options.
func messageTo(note string, opts ...peer.Option) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		p, err := st.Peer(ctx, "p", opts...)
		if err != nil {
			return err
		}
		st.Note(note, st.Message(ctx, "bob@"+p.Domain()))
		return nil
	}
}

// The notes of s2s/starttls/required-advertised and nothing-else-before-tls.
const (
	starttlsInClear    = "STARTTLS among the features in clear"
	mechanismInClear   = "a SASL mechanism offered in clear"
	compressionInClear = "compression offered in clear"
	othersInClear      = "what else is offered in clear"
)

func featuresInClear(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Open(ctx)
	if err != nil {
		return err
	}
	f := s.Features()
	switch {
	case f.StartTLSRequired:
		st.Note(starttlsInClear, "required")
	case f.StartTLS:
		st.Note(starttlsInClear, "offered, not required")
	default:
		st.Note(starttlsInClear, "not offered")
	}
	for _, m := range orNone(f.Mechanisms) {
		st.Note(mechanismInClear, m)
	}
	for _, c := range orNone(f.Compression) {
		st.Note(compressionInClear, c)
	}
	st.Note(othersInClear, stage.Offers(xmpp.Features{Dialback: f.Dialback, DialbackErrors: f.DialbackErrors, Bidi: f.Bidi}))
	return nil
}

// orNone is a short list, of "none" where there is nothing.
func orNone(list []string) []string {
	if len(list) == 0 {
		return []string{"none"}
	}
	return list[:min(len(list), 8)]
}

// The notes of s2s/starttls/stanza-before-tls-refused and no-version-attribute.
const (
	messageInClear    = "a message in clear, right after the features"
	dialbackInClear   = "dialback in clear"
	dialbackNoVersion = "dialback in clear, on a stream without a version"
	messageThen       = "a message in clear, then"
)

func stanzaInClear(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Open(ctx)
	if err != nil {
		return err
	}
	st.Note(messageInClear, st.Deliver(ctx, s, "x@"+p.Domain()))
	return nil
}

func dialbackThenStanzaInClear(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Open(ctx)
	if err != nil {
		return err
	}
	skipTLS(ctx, st, p, s, dialbackInClear)
	return nil
}

func noVersion(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Open(ctx, peer.Version(""))
	if err != nil {
		st.Note(dialbackNoVersion, stage.End(err))
		return nil
	}
	skipTLS(ctx, st, p, s, dialbackNoVersion)
	return nil
}

// skipTLS has a peer be authorised in clear, by a key that it would vouch for, and
// send a message where the stream survives that.
func skipTLS(ctx context.Context, st *stage.Stage, p *stage.Peer, s *peer.Session, note string) {
	waiting, cancel := st.Patience(ctx)
	defer cancel()
	answer, err := s.DialbackResult(waiting, peer.Dialback{})
	st.Note(note, stage.Told(answer, err))
	if err == nil {
		st.Note(messageThen, st.Deliver(ctx, s, "x@"+p.Domain()))
	}
}

// The notes of rows in which a message shows what the subject makes of a peer.
const (
	toPlaintext  = "a message to a peer that has no TLS"
	toHiding     = "a message to a peer that does not advertise STARTTLS"
	toOffering   = "a message to a peer that merely offers STARTTLS"
	toOtherFrom  = "a message to a peer that has another name in clear"
	toOtherOffer = "a message to a peer that offers EXTERNAL in clear alone"
	toNoVersion  = "a message to a peer without a version"
	toBytewise   = "a message to a peer that sends single bytes"
)

// notDeterred is what RFC 7590 section 3.1 wants: TLS is there for who asks for it.
var notDeterred = judge.Note(toHiding, "delivered tls *").Or(results.NoInterop, "TLS was to be had", "error *")

// Each of these peers would do dialback in clear.
var (
	plaintextPeer = []peer.Option{peer.FailStartTLS(), peer.OfferDialbackErrors(), peer.AnswerVerify(peer.CheckKey)}
	hidingPeer    = []peer.Option{peer.AnswerStartTLS(), peer.OfferExternal(), peer.OfferDialbackErrors(), peer.AnswerVerify(peer.CheckKey)}
	offeringPeer  = append(stage.Honest(), peer.OfferStartTLS())
	pre10Peer     = append(stage.Honest(), peer.EditHeader(func(s *peer.Session, h *xmpp.Header) {
		if !s.Secure() {
			h.Version = ""
		}
	}))
)

// otherFrom has a message sent to a peer that has another name until there is TLS.
func otherFrom(ctx context.Context, st *stage.Stage) error {
	return messageTo(toOtherFrom, append(stage.Honest(), peer.EditHeader(func(s *peer.Session, h *xmpp.Header) {
		if !s.Secure() {
			h.From = st.Name("other")
		}
	}))...)(ctx, st)
}

// otherOfferPeer offers EXTERNAL in clear, and inside TLS no more, where it would accept it.
var otherOfferPeer = []peer.Option{peer.RequireStartTLS(), peer.OfferDialbackErrors(), peer.AnswerVerify(peer.CheckKey),
	peer.AnswerExternal(peer.Success), peer.EditFeatures(func(s *peer.Session, f *xmpp.Element) {
		if !s.Secure() {
			f.Append(peer.Mechanisms("EXTERNAL"))
		}
	})}

// gap is how long the bytes are apart that shall not travel together.
const gap = 2 * time.Millisecond

// bytewisePeer sends a byte at a time up to <proceed/>.
var bytewisePeer = append(stage.Honest(), peer.WithSegments(1, gap), onSTARTTLS(func(ctx context.Context, s *peer.Session) error {
	s.Segments(0, 0)
	return s.Handshake(ctx)
}))

// onSTARTTLS answers <starttls/> with <proceed/>, and goes on as handshake does.
func onSTARTTLS(handshake func(context.Context, *peer.Session) error) peer.Option {
	return peer.Handle(xmpp.NSTLS, "starttls", func(ctx context.Context, s *peer.Session, _ *xmpp.Element) error {
		if err := s.Send(ctx, xmpp.New(xmpp.NSTLS, "proceed")); err != nil {
			return err
		}
		return handshake(ctx, s)
	})
}

const fromBytewise = "a message from a peer that sends single bytes"

func sendByteByByte(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Initiate(ctx)
	if err != nil {
		return err
	}
	s.Segments(1, gap)
	for _, step := range []func() error{
		func() error { return s.OpenStream(ctx) },
		func() error { return s.RequestTLS(ctx, "") },
		func() error { s.Segments(0, 0); return s.Handshake(ctx) },
		func() error { return s.OpenStream(ctx) },
		func() error { return p.Authorise(ctx, s) },
	} {
		if err := step(); err != nil {
			st.Note(fromBytewise, stage.End(err))
			return nil
		}
	}
	st.Note(fromBytewise, st.Deliver(ctx, s, "x@"+p.Domain()))
	return nil
}

// The notes of s2s/starttls/restart-fresh.
const (
	streamInside   = "the stream inside TLS"
	idInside       = "the stream id inside TLS"
	starttlsInside = "STARTTLS inside TLS"
)

func restart(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Open(ctx)
	if err != nil {
		return err
	}
	before := s.ID()
	if err := s.RequestTLS(ctx, ""); err != nil {
		return err
	}
	if err := s.Handshake(ctx); err != nil {
		return err
	}
	if err := s.OpenStream(ctx); err != nil {
		st.Note(streamInside, stage.End(err))
		return nil
	}
	st.Note(streamInside, "a new header and features")
	switch s.ID() {
	case "":
		st.Note(idInside, "none")
	case before:
		st.Note(idInside, "the same as in clear")
	default:
		st.Note(idInside, "a new one")
	}
	if s.Features().StartTLS {
		st.Note(starttlsInside, "offered")
	} else {
		st.Note(starttlsInside, "not offered")
	}
	return nil
}

// The notes of s2s/starttls/pre-tls-state-discarded.
const (
	fromInside  = "a message from the domain of the header inside TLS"
	fromInClear = "a message from the domain of the header in clear"
)

func clearHeaderFromOther(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	other := st.Name("other")
	s, err := p.Open(ctx, peer.From(other))
	if err != nil {
		return err
	}
	if err = s.StartTLS(ctx, peer.ThenOpen(peer.From(p.Domain()))); err == nil {
		err = p.Authorise(ctx, s)
	}
	if err != nil {
		st.Note(fromInside, stage.End(err))
		return nil
	}
	if how := st.Pass(ctx, s, st.Stanza("x@"+p.Domain())); how != stage.Delivered {
		st.Note(fromInside, how)
		return nil
	}
	st.Note(fromInside, stage.Delivered)
	st.Note(fromInClear, st.Deliver(ctx, s, "x@"+other))
	return nil
}

// The notes of s2s/starttls/failure-closes.
const (
	starttlsAnswer = "what <starttls/> is answered with"
	streamThen     = "the stream behind <failure/>"
	connectionThen = "the connection behind <failure/>"
	nextStream     = "the next stream"
)

const (
	plainSTARTTLS = "<starttls xmlns='" + xmpp.NSTLS + "'/>"
	junkSTARTTLS  = "<starttls xmlns='" + xmpp.NSTLS + "'><junk xmlns='urn:example:junk'/></starttls>"
)

// failSTARTTLS sends a <starttls/> that has to fail, in clear or inside TLS.
func failSTARTTLS(open func(*stage.Peer, context.Context, ...peer.StreamOption) (*peer.Session, error), request string) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		p, err := st.Peer(ctx, "p", stage.Honest()...)
		if err != nil {
			return err
		}
		s, err := open(p, ctx)
		if err != nil {
			return err
		}
		// Who closes the stream as it has to does not come to the second request.
		if err := s.Raw(ctx, request); err != nil {
			return err
		}
		answer, err := s.Expect(ctx, peer.AnyOf(failed, peer.Proceed, peer.StreamErrorWith(""), peer.Closed))
		st.Note(starttlsAnswer, starttlsWord(answer, err))
		if err == nil && failed.Match(answer) {
			_ = s.Raw(ctx, plainSTARTTLS) // fails where the connection has ended
			answer, err = s.Expect(ctx, peer.AnyOf(peer.Closed, failed, peer.Proceed, peer.StreamErrorWith("")))
			switch word := starttlsWord(answer, err); word {
			case "<failure/>", "<proceed/>":
				st.Note(streamThen, "goes on")
			default:
				st.Note(streamThen, word)
				st.Note(connectionThen, stage.HowEnded(ctx, s))
			}
		}
		next, err := p.Open(ctx)
		if err != nil {
			st.Note(nextStream, stage.End(err))
			return nil
		}
		st.Note(nextStream, "opened")
		return next.CloseStream(ctx)
	}
}

var failed = peer.Element(xmpp.NSTLS, "failure")

// starttlsWord says in words what came in answer to <starttls/>.
func starttlsWord(ev *xmpp.Event, err error) string {
	switch {
	case err != nil:
		if word := stage.End(err); word != stage.Closed {
			return word
		}
		return "cut off"
	case failed.Match(ev):
		return "<failure/>"
	case peer.Proceed.Match(ev):
		return "<proceed/>"
	}
	if se, ok := xmpp.ParseStreamError(ev.Element); ok {
		return stage.End(se)
	}
	return stage.Closed
}

// failureCloses is what RFC 6120 section 5.4.2.2 wants.
func failureCloses() []judge.Expectation {
	return []judge.Expectation{
		judge.Note(starttlsAnswer, "<failure/>"),
		judge.Note(streamThen, stage.Closed).IfNoted(),
		judge.Note(connectionThen, stage.Closed, stage.Reset).IfNoted(),
		judge.Note(nextStream, "opened"),
	}
}

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
	// A fatal alert, when the certificate comes: bad_certificate.
	err = s.Handshake(ctx, peer.ConfigureTLS(func(c *tls.Config) {
		c.VerifyConnection = func(tls.ConnectionState) error { return errors.New("no certificate is good enough") }
	}))
	if err == nil {
		return errors.New("the handshake succeeded with a certificate that was refused")
	}
	st.Note(afterFailure, st.AfterHandshake(ctx, s))
	return nil
}

func abortWithoutSuite(ctx context.Context, st *stage.Stage) error {
	s, err := atHandshake(ctx, st)
	if err != nil {
		return err
	}
	st.Note(helloNoSuite, st.Answered(ctx, s, hello.ClientHello{Suites: []uint16{unassigned}}))
	st.Note(afterFailure, st.AfterHandshake(ctx, s))
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

// withoutCommonSuite has a peer fail every handshake that it accepts, with an alert:
// its one suite is for an RSA key, which it has not.
var withoutCommonSuite = peer.WithTLS(func(c *tls.Config) {
	c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}
})

func abortByPeer(ctx context.Context, st *stage.Stage) error {
	ended := make(chan string, 1)
	// The peer does not close the connection: that is for the subject to do.
	waits := onSTARTTLS(func(ctx context.Context, s *peer.Session) error {
		err := s.Handshake(ctx)
		if err != nil {
			how := st.AfterHandshake(ctx, s)
			select {
			case ended <- how:
			default: // of another connection
			}
		}
		return err
	})
	p, err := st.Peer(ctx, "p", append(stage.Honest(), withoutCommonSuite, waits)...)
	if err != nil {
		return err
	}
	if _, err := st.Send(ctx, "bob@"+p.Domain()); err != nil {
		return err
	}
	select {
	case how := <-ended:
		st.Note(afterFailure, how)
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

// retryTime is how long a subject has for trying again, and otherwise.
const retryTime = 2 * time.Minute

func retriesAfterFailure(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", append(offeringPeer, withoutCommonSuite)...)
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

// probe asks the subject, each on a connection of its own.
func probe(ctx context.Context, st *stage.Stage, ask []question) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	for _, q := range ask {
		answer, err := p.Probe(ctx, q.hello)
		if err != nil {
			return err
		}
		st.Note(q.note, answer)
	}
	return nil
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
		kept := &ticket{}
		p, err := st.Peer(ctx, "p", append(stage.Honest(), peer.WithTLS(func(c *tls.Config) {
			c.SessionTicketsDisabled, c.ClientSessionCache = false, kept
		}))...)
		if err != nil {
			return err
		}
		first, err := p.Authorised(ctx)
		if err != nil {
			return err
		}
		if first.ConnectionState().Version < tls.VersionTLS13 {
			kept.Put("", nil) // nobody could read what follows: crypto/tls logs no secret when it resumes TLS 1.2
		}
		if err := first.Close(); err != nil {
			return err
		}
		s, err := p.Secure(ctx, peer.From(victim.Domain()), peer.To(to(st)))
		if s.Secure() {
			st.Note(sessionOfOther, map[bool]string{true: "resumed", false: "not resumed"}[s.ConnectionState().DidResume])
		}
		if err == nil && !slices.Contains(s.Features().Mechanisms, "EXTERNAL") {
			err = stage.ErrNotOffered
		} else if err == nil {
			err = s.External(ctx, victim.Domain())
		}
		st.Note(externalAsOther, stage.End(err))
		var sasl *peer.SASLError
		if errors.Is(err, stage.ErrNotOffered) || errors.As(err, &sasl) {
			waiting, cancel := st.Patience(ctx)
			defer cancel()
			answer, err := s.DialbackResult(waiting, peer.Dialback{Key: "guess"})
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
		judge.Note(dialbackByOther, "invalid", "dialback error *", "stream error *", stage.Closed).
			Or(results.Exposed, "the certificate is of the session, and names somebody else", "valid").IfNoted(),
	}
}
