package suites

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/suites/stage"
)

// The scripts of section 1.2 whose question is what a stream carries, which legs it
// takes to get there, and what is said on it that nobody should understand.

// brokeOff are the ends of a stream that the subject wants no more of.
var brokeOff = []string{"stream error *", stage.Closed}

// disbelieved is how a subject may answer somebody who is not who he says.
var disbelieved = []string{"invalid", "dialback error *", "alert *", "stream error *", stage.Closed}

// The notes of s2s/dialback/second-sender-on-stream.
const (
	senderTooEarly = "a message of the second sender, before its dialback"
	secondSender   = "the answer for the second sender"
	firstMessage   = "a message of the first sender, then"
	secondMessage  = "a message of the second sender, then"
)

func secondSenderOnStream(ctx context.Context, st *stage.Stage) error {
	rooms, err := st.Hosting("rooms.p")
	if err != nil {
		return err
	}
	p, err := st.Peer(ctx, "p", append(stage.Honest(), rooms)...)
	if err != nil {
		return err
	}
	if err := p.Publish("rooms.p"); err != nil {
		return err
	}
	early, err := p.ByDialback(ctx)
	if err != nil {
		return err
	}
	st.Note(senderTooEarly, st.Deliver(ctx, early, "x@"+st.Name("rooms.p")))

	s, err := p.ByDialback(ctx)
	if err != nil {
		return err
	}
	answer, err := s.DialbackResult(ctx, peer.Dialback{From: st.Name("rooms.p")})
	st.Note(secondSender, stage.Told(answer, err))
	if answer.Type == peer.TypeValid {
		st.Note(firstMessage, st.Try(ctx, s, st.Stanza("x@"+p.Domain())))
		st.Note(secondMessage, st.Deliver(ctx, s, "x@"+st.Name("rooms.p")))
	}
	return nil
}

// The notes of s2s/dialback/second-target-on-stream.
const (
	firstTarget  = "a message to the first target"
	secondTarget = "a message to the second target"
	targetsAsked = "streams on which the two were asked for"
)

// secondTargetOnStream has alice write to two domains of a peer that says what the
// feature says.
func secondTargetOnStream(feature peer.Option) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		rooms, err := st.Hosting("rooms.p")
		if err != nil {
			return err
		}
		var mu sync.Mutex
		asked := map[*peer.Session][]string{}
		p, err := st.Peer(ctx, "p", peer.RequireStartTLS(), feature, rooms, peer.AnswerVerify(peer.CheckKey),
			peer.AnswerDialback(func(_ context.Context, s *peer.Session, d peer.Dialback) peer.Answer {
				mu.Lock()
				defer mu.Unlock()
				asked[s] = append(asked[s], d.To)
				return peer.Answer{Type: peer.TypeValid}
			}))
		if err != nil {
			return err
		}
		if err := p.Publish("rooms.p"); err != nil {
			return err
		}
		st.Note(firstTarget, st.Message(ctx, "bob@"+p.Domain()))
		st.Note(secondTarget, st.Message(ctx, "bob@"+st.Name("rooms.p")))
		mu.Lock()
		defer mu.Unlock()
		var first, second, both bool
		for _, targets := range asked {
			f, s := slices.Contains(targets, p.Domain()), slices.Contains(targets, st.Name("rooms.p"))
			first, second, both = first || f, second || s, both || f && s
		}
		how := "not both were asked for"
		switch {
		case both:
			how = "one"
		case first && second:
			how = "two"
		}
		st.Note(targetsAsked, how)
		return nil
	}
}

// oneTargetPerStream asks that the subject, who initiates, names one target domain
// on a stream.
func oneTargetPerStream() judge.Check {
	return judge.Check{Name: "each target domain is asked for on a stream of its own", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		for _, s := range obs.Streams {
			var targets []string
			for _, d := range s.Dialback {
				if d.Name == "result" && d.Type == "" && d.Direction == results.Initiating && !slices.Contains(targets, d.To) {
					targets = append(targets, d.To)
				}
			}
			if s.InitiatingParty == string(results.BlameInitiator) && len(targets) > 1 {
				return []judge.Finding{{Verdict: results.Weaker, Blame: results.BlameInitiator, Possible: "a stream for each",
					Why:   "a second target domain was asked for on the stream of the first, and the peer does not advertise dialback errors",
					Cites: cites(should("XEP-0220", "2.7.2"))}}
			}
		}
		return nil
	}}
}

// The notes of s2s/dialback/bad-second-pair-keeps-first.
const (
	badPair      = "the answer for the second pair"
	firstPairOn  = "a message of the first pair on the same stream, then"
	firstPairNew = "a message of the first pair on a new stream, then"
)

func badSecondPair(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	if _, err := st.Peer(ctx, "bad", append(stage.Honest(), peer.AnswerVerify(peer.Invalid))...); err != nil {
		return err
	}
	s, err := p.ByDialback(ctx)
	if err != nil {
		return err
	}
	answer, err := s.DialbackResult(ctx, peer.Dialback{From: st.Name("bad")})
	st.Note(badPair, stage.Told(answer, err))
	got := st.Try(ctx, s, st.Stanza("x@"+p.Domain()))
	st.Note(firstPairOn, got)
	if got == stage.Delivered {
		return nil
	}
	again, err := p.ByDialback(ctx)
	if err != nil {
		st.Note(firstPairNew, stage.End(err))
		return nil
	}
	st.Note(firstPairNew, st.Deliver(ctx, again, "x@"+p.Domain()))
	return nil
}

// The notes of s2s/dialback/stanza-from-unauthorised-pair.
const (
	fromOther = "a message from a domain that was not authorised"
	toOther   = "a message to a domain for which nobody was authorised"
)

func unauthorisedPair(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.ByDialback(ctx)
	if err != nil {
		return err
	}
	st.Note(fromOther, st.Deliver(ctx, s, "x@"+st.Name("c")))
	if s, err = p.ByDialback(ctx); err != nil {
		return err
	}
	st.Note(toOther, st.DeliverStanza(ctx, s, st.StanzaToOther("x@"+p.Domain())))
	return nil
}

// The notes of s2s/dialback/verify-leg-encrypted.
const (
	verifyLeg    = "the key on its way to the authoritative server"
	verifyAnswer = "the answer to the dialback request"
)

// verifyLegEncrypted shows no certificate, so that nothing but the key vouches for
// the peer.
func verifyLegEncrypted(ctx context.Context, st *stage.Stage) error {
	asked := make(chan string, 1)
	p, err := st.Peer(ctx, "p", peer.OfferStartTLS(), peer.OfferDialbackErrors(),
		peer.AnswerVerify(func(ctx context.Context, s *peer.Session, d peer.Dialback) peer.Answer {
			how := "in clear"
			if s.Secure() {
				how = "inside TLS"
			}
			select {
			case asked <- how:
			default:
			}
			return peer.CheckKey(ctx, s, d)
		}))
	if err != nil {
		return err
	}
	s, err := p.Open(ctx)
	if err != nil {
		return err
	}
	if err := s.StartTLS(ctx, peer.Certificate(tls.Certificate{})); err != nil {
		return err
	}
	answer, err := s.DialbackResult(ctx, peer.Dialback{})
	how := "not sent"
	select {
	case how = <-asked:
	default:
	}
	st.Note(verifyLeg, how)
	st.Note(verifyAnswer, stage.Told(answer, err))
	return nil
}

// claim opens a stream whose header is from one domain, asks on it to be another,
// and sends a message of somebody there. The message is empty where there was no
// stream to ask on.
func claim(ctx context.Context, st *stage.Stage, p *stage.Peer, header, domain string) (answer, message string) {
	s, err := p.Secure(ctx, peer.From(header))
	if err != nil {
		return stage.End(err), ""
	}
	d, err := s.DialbackResult(ctx, peer.Dialback{From: domain})
	return stage.Told(d, err), st.Deliver(ctx, s, "x@"+domain)
}

// The notes of s2s/dialback/cert-checked-for-this-domain and
// s2s/dialback/self-domain-asserted, of which there are two each: by the domain of
// the stream header.
const (
	victimClaimed   = "the answer to who claims another's domain, with a certificate of his own"
	victimSpoken    = "a message from the other's domain, then"
	selfClaimed     = "the answer to who claims the server's own domain"
	selfSpoken      = "a message from the server's own domain, then"
	headerOfClaimed = " (header from the domain he claims)"
	headerOfClaimer = " (header from his own)"
)

func certificateOfAnother(ctx context.Context, st *stage.Stage) error {
	victim, err := st.Peer(ctx, "victim", stage.Honest()...)
	if err != nil {
		return err
	}
	evil, err := st.Peer(ctx, "evil", stage.Honest()...)
	if err != nil {
		return err
	}
	return noteClaims(ctx, st, evil, victim.Domain(), victimClaimed, victimSpoken)
}

func selfAsserted(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	return noteClaims(ctx, st, p, st.Domain, selfClaimed, selfSpoken)
}

func noteClaims(ctx context.Context, st *stage.Stage, p *stage.Peer, domain, claimed, spoken string) error {
	for _, header := range []struct{ from, suffix string }{{domain, headerOfClaimed}, {p.Domain(), headerOfClaimer}} {
		answer, message := claim(ctx, st, p, header.from, domain)
		st.Note(claimed+header.suffix, answer)
		if message != "" {
			st.Note(spoken+header.suffix, message)
		}
	}
	return nil
}

// expectDisbelief is what is expected of the notes of noteClaims.
func expectDisbelief(claimed, spoken, why string) []judge.Expectation {
	var all []judge.Expectation
	for _, suffix := range []string{headerOfClaimed, headerOfClaimer} {
		all = append(all,
			judge.Note(claimed+suffix, disbelieved...).Or(results.Exposed, why, "valid"),
			judge.Note(spoken+suffix, brokeOff...).Or(results.Exposed, why, stage.Delivered).IfNoted())
	}
	return all
}

// The notes of s2s/dialback/external-failed-then-dialback,
// s2s/dialback/external-failed-and-closed and s2s/dialback/no-sasl-offered.
const (
	externalTried  = "what it did with EXTERNAL"
	connections    = "connections until that was decided"
	refusedMessage = "a message to a peer that refuses EXTERNAL"
	noSASLMessage  = "a message to a peer that offers no mechanisms"
)

// byDialback expects a note to be that a message came by dialback over TLS.
func byDialback(note string) judge.Expectation {
	return judge.Note(note, "delivered tls dialback").
		Or(results.NoInterop, "dialback was on offer", "error *").
		Or(results.Exposed, "it crossed in clear", "delivered clear *")
}

func externalFailedThenDialback(ctx context.Context, st *stage.Stage) error {
	var tried atomic.Bool
	p, err := st.Peer(ctx, "p", append(stage.Honest(), peer.AnswerExternal(func(*peer.Session, string) string {
		tried.Store(true)
		return "not-authorized"
	}))...)
	if err != nil {
		return err
	}
	st.Note(refusedMessage, st.Message(ctx, "bob@"+p.Domain()))
	how := "not tried"
	if tried.Load() {
		how = "tried"
	}
	st.Note(externalTried, how)
	return nil
}

// endless is how many connections for one message are too many.
const endless = 10

func externalFailedAndClosed(ctx context.Context, st *stage.Stage) error {
	var connected atomic.Int32
	deciding, decide := context.WithCancel(ctx)
	defer decide()
	p, err := st.Peer(ctx, "p", append(stage.Honest(),
		peer.OnConnect(func(context.Context, *peer.Session) error {
			if connected.Add(1) == endless {
				decide()
			}
			return nil
		}),
		peer.Handle(xmpp.NSSASL, "auth", func(ctx context.Context, s *peer.Session, _ *xmpp.Element) error {
			refusal := xmpp.New(xmpp.NSSASL, "failure").Append(xmpp.New(xmpp.NSSASL, "not-authorized"))
			return errors.Join(s.Send(ctx, refusal), errors.New("EXTERNAL was refused"))
		}))...)
	if err != nil {
		return err
	}
	got := st.Message(deciding, "bob@"+p.Domain())
	switch n := connected.Load(); {
	case n >= endless:
		st.Note(connections, "again and again")
		return nil
	case n > 2:
		st.Note(connections, "a few")
	default:
		st.Note(connections, "two at most")
	}
	st.Note(refusedMessage, got)
	return nil
}

func noSASLOffered(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", peer.RequireStartTLS(), peer.OfferDialbackErrors(), peer.AnswerDialback(peer.Valid), peer.AnswerVerify(peer.CheckKey))
	if err != nil {
		return err
	}
	st.Note(noSASLMessage, st.Message(ctx, "bob@"+p.Domain()))
	return nil
}

// incomplete are the dialback requests of s2s/dialback/addressing-missing. The names
// are those of the notes.
var incomplete = []struct {
	name   string
	verify bool
	lose   func(*peer.Dialback)
}{
	{"db:result without from", false, func(d *peer.Dialback) { d.From = "" }},
	{"db:result without to", false, func(d *peer.Dialback) { d.To = "" }},
	{"db:verify without from", true, func(d *peer.Dialback) { d.From = "" }},
	{"db:verify without to", true, func(d *peer.Dialback) { d.To = "" }},
	{"db:verify without id", true, func(d *peer.Dialback) { d.ID = "" }},
}

// Further notes of s2s/dialback/addressing-missing.
const (
	behindIt   = ", and a message behind it"
	afterwards = "a message from a peer that does nothing wrong, afterwards"
	ignored    = "ignored"
)

func addressingMissing(ctx context.Context, st *stage.Stage) error {
	labels := []string{"second", "third"}
	opts := stage.Honest()
	var others []string
	for _, label := range labels {
		host, err := st.Hosting(label)
		if err != nil {
			return err
		}
		opts, others = append(opts, host), append(others, st.Name(label))
	}
	p, err := st.Peer(ctx, "p", opts...)
	if err != nil {
		return err
	}
	for _, label := range labels {
		if err := p.Publish(label); err != nil {
			return err
		}
	}
	for _, what := range incomplete {
		s, err := p.Secure(ctx)
		if err != nil {
			return err
		}
		d := peer.Dialback{From: p.Domain(), To: st.Domain, Key: p.Key(st.Domain, p.Domain(), s.ID())}
		if what.verify {
			d.Verify, d.ID = true, s.ID()
		}
		what.lose(&d)
		st.Note(what.name, unaddressed(ctx, s, d, others))
		st.Note(what.name+behindIt, st.Deliver(ctx, s, "x@"+p.Domain()))
	}
	s, err := p.ByDialback(ctx)
	if err != nil {
		st.Note(afterwards, stage.End(err))
		return nil
	}
	st.Note(afterwards, st.Deliver(ctx, s, "x@"+p.Domain()))
	return nil
}

// unaddressed sends an incomplete request, and behind it a complete one from each
// of the other domains, in turn. Who answers them all and not the first has
// ignored that: an answer to it would have taken the time of one.
func unaddressed(ctx context.Context, s *peer.Session, d peer.Dialback, others []string) string {
	if err := s.Send(ctx, d.Element()); err != nil {
		return stage.HowClosed(ctx, s)
	}
	for _, other := range others {
		to := s.Header().To
		behind := peer.Dialback{From: other, To: to, Key: s.Peer().Key(to, other, s.ID())}
		if err := s.Send(ctx, behind.Element()); err != nil {
			return stage.HowClosed(ctx, s)
		}
		ev, err := s.Expect(ctx, peer.Matcher{Name: "an answer to a dialback request", Match: func(ev *xmpp.Event) bool {
			a, ok := peer.ParseDialback(ev.Element)
			return ok && a.Type != ""
		}})
		if err != nil {
			return stage.End(err)
		}
		if !peer.AnswerTo(behind).Match(ev) {
			a, _ := peer.ParseDialback(ev.Element)
			return stage.Told(a, nil)
		}
	}
	return ignored
}

func expectAddressing() []judge.Expectation {
	all := []judge.Expectation{judge.Note(afterwards, stage.Delivered)}
	for _, what := range incomplete {
		all = append(all,
			judge.Note(what.name, append([]string{ignored, "dialback error *"}, brokeOff...)...).
				Or(results.Exposed, "it believes what was not said", "valid").
				Or(results.Weaker, "it answers for domains that were not named", "invalid"),
			judge.Note(what.name+behindIt, brokeOff...).Or(results.Exposed, "it believes what was not said", stage.Delivered))
	}
	return all
}

// The notes of s2s/dialback/prefix-other-than-db.
const (
	otherPrefix     = "the answer to x:result"
	otherPrefixThen = "a message, then"
)

func prefixOtherThanDB(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Secure(ctx, func(h *xmpp.Header) {
		h.Prefixes = []xml.Attr{{Name: xml.Name{Local: "x"}, Value: xmpp.NSDialback}}
	})
	if err != nil {
		st.Note(otherPrefix, stage.End(err))
		return nil
	}
	d := peer.Dialback{From: p.Domain(), To: st.Domain, Key: p.Key(st.Domain, p.Domain(), s.ID())}
	e := d.Element()
	e.Prefix = "x"
	if err := s.Send(ctx, e); err != nil {
		st.Note(otherPrefix, stage.HowClosed(ctx, s))
		return nil
	}
	ev, err := s.Expect(ctx, peer.AnswerTo(d))
	if err != nil {
		st.Note(otherPrefix, stage.End(err))
		return nil
	}
	answer, _ := peer.ParseDialback(ev.Element)
	st.Note(otherPrefix, stage.Told(answer, nil))
	if answer.Type == peer.TypeValid {
		st.Note(otherPrefixThen, st.Deliver(ctx, s, "x@"+p.Domain()))
	}
	return nil
}
