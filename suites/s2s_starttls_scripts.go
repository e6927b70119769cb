package suites

import (
	"context"
	"time"

	"github.com/xmpp-testday/testday/fixtures/peer"
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
	answer, err := s.DialbackResult(ctx, peer.Dialback{})
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
	toBytewise   = "a message to a peer that sends features and <proceed/> in single bytes"
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

// gap is how long bytes are apart that shall not travel together: on their way there are
// relays which read what has come until then.
const gap = 10 * time.Millisecond

// receiveByteByByte has a message sent to a peer that sends features and <proceed/> a
// byte at a time.
func receiveByteByByte(ctx context.Context, st *stage.Stage) error {
	return messageTo(toBytewise, append(stage.Honest(),
		peer.EditFeatures(func(s *peer.Session, _ *xmpp.Element) {
			if !s.Secure() {
				s.Segments(1, st.Scale(gap))
			}
		}),
		onSTARTTLS(func(ctx context.Context, s *peer.Session) error {
			s.Segments(0, 0)
			return s.Handshake(ctx)
		}))...)(ctx, st)
}

// onSTARTTLS answers <starttls/> with <proceed/>, and goes on as handshake does.
func onSTARTTLS(handshake func(context.Context, *peer.Session) error) peer.Option {
	return peer.Handle(xmpp.NSTLS, "starttls", func(ctx context.Context, s *peer.Session, _ *xmpp.Element) error {
		if err := s.Send(ctx, xmpp.New(xmpp.NSTLS, "proceed")); err != nil {
			return err
		}
		return handshake(ctx, s)
	})
}

const fromBytewise = "a message from a peer that sends <starttls/> in single bytes"

func sendByteByByte(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Open(ctx)
	if err != nil {
		return err
	}
	s.Segments(1, st.Scale(gap))
	err = s.RequestTLS(ctx, "")
	s.Segments(0, 0)
	if err == nil {
		err = s.Handshake(ctx)
	}
	if err == nil {
		err = s.OpenStream(ctx)
	}
	if err == nil {
		err = p.Authorise(ctx, s)
	}
	if err != nil {
		st.Note(fromBytewise, how(ctx, s, err))
		return nil
	}
	st.Note(fromBytewise, st.Deliver(ctx, s, "x@"+p.Domain()))
	return nil
}

// how says what ended a step: the stream error, if there was one before the connection
// ended.
func how(ctx context.Context, s *peer.Session, err error) string {
	if word := stage.End(err); word != stage.Closed {
		return word
	}
	return stage.HowClosed(ctx, s)
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
		if err := s.Raw(ctx, request); err != nil {
			return err
		}
		answer, err := s.Expect(ctx, peer.AnyOf(failed, peer.Proceed, peer.StreamErrorWith(""), peer.Closed))
		st.Note(starttlsAnswer, starttlsWord(answer, err))
		if err == nil && failed.Match(answer) {
			// Who closes the stream does not come to a second request; writing it may fail then.
			_ = s.Raw(ctx, plainSTARTTLS)
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

// failureCloses is what RFC 6120 section 5.4.2.2 wants. The section leaves open what is
// malformed, so that there may be answers which are merely lenient.
func failureCloses(lenient ...string) []judge.Expectation {
	return []judge.Expectation{
		judge.Note(starttlsAnswer, "<failure/>").Or(results.Weaker, "it reads past what does not belong there", lenient...),
		judge.Note(streamThen, stage.Closed).IfNoted(),
		judge.Note(connectionThen, stage.Closed, stage.Reset).IfNoted(),
		judge.Note(nextStream, "opened"),
	}
}
