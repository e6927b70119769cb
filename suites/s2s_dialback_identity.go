package suites

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/suites/stage"
)

// undelivered are the ways in which a stanza of a peer's did not come to the
// subject's user.
var undelivered = []string{"stream error *", stage.Closed, stage.Nothing}

// notDelivered expects that a stanza under an identity which nobody vouched for
// was not delivered.
func notDelivered(note string) judge.Expectation {
	return judge.Note(note, undelivered...).Or(results.Exposed, "nobody had vouched for its sender", stage.Delivered)
}

// The note of whether the subject advertises <errors/>, and its values.
const (
	errorsFeature = "dialback errors are"
	advertised    = "advertised"
	notAdvertised = "not advertised"
)

// withErrors notes whether the subject advertises dialback errors, and returns the
// name that the answer is to be noted under: rule N7 asks no other for them.
func withErrors(st *stage.Stage, s *peer.Session, note string) string {
	if s.Features().DialbackErrors {
		st.Note(errorsFeature, advertised)
		return note
	}
	st.Note(errorsFeature, notAdvertised)
	return unadvertised(note)
}

func unadvertised(note string) string { return note + ", of a server without <errors/>" }

// ifErrors expects an answer of a subject that advertises dialback errors, and of
// any other that it does none of what e calls red.
func ifErrors(e judge.Expectation) []judge.Expectation {
	without := judge.Note(unadvertised(e.Note), e.Pass...).IfNoted()
	for _, o := range e.Others {
		if o.Verdict.Red() {
			without = without.Or(o.Verdict, o.Why, o.Values...)
		}
	}
	without = without.Or(results.NotSupported, "it does not advertise dialback errors", "*")
	return []judge.Expectation{judge.Note(errorsFeature, advertised, notAdvertised), e.IfNoted(), without}
}

// The notes of s2s/dialback/self-signed-strict-refused.
const (
	strictOffer  = "EXTERNAL for a self-signed certificate is"
	strictAnswer = "how the peer is refused"
	strictAfter  = "a message of the peer, all the same"
)

func selfSignedPeer(ctx context.Context, st *stage.Stage) error {
	cert, err := st.Certificate(ca.SelfSigned, "p")
	if err != nil {
		return err
	}
	p, err := st.Peer(ctx, "p", append(stage.Honest(), peer.WithCertificate(cert))...)
	if err != nil {
		return err
	}
	s, err := p.Secure(ctx)
	switch {
	case s == nil:
		return err
	case err != nil:
		st.Note(strictAnswer, stage.End(err))
		return nil
	}
	if !slices.Contains(s.Features().Mechanisms, "EXTERNAL") {
		st.Note(strictOffer, "not offered")
	} else {
		st.Note(strictOffer, "offered")
		err := s.External(ctx, p.Domain())
		st.Note(strictAnswer, stage.End(err))
		if err == nil {
			st.Note(strictAfter, st.Deliver(ctx, s, "x@"+p.Domain()))
			return nil
		}
	}
	answer, err := s.DialbackResult(ctx, peer.Dialback{})
	st.Note(strictAnswer, stage.Told(answer, err))
	st.Note(strictAfter, st.Deliver(ctx, s, "x@"+p.Domain()))
	return nil
}

// noDialOut asks that the subject opened no stream of its own.
func noDialOut() judge.Check {
	return judge.Check{Name: "the authoritative server is not asked", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		subject, ok := judge.Scripted(obs)
		if ok && slices.ContainsFunc(obs.Streams, func(s results.Stream) bool { return s.InitiatingParty == string(subject) }) {
			return []judge.Finding{{Verdict: results.Weaker, Blame: subject, Possible: "refused without asking anybody",
				Why: "the policy has no use for dialback, and the authoritative server was connected to"}}
		}
		return nil
	}}
}

// The notes of s2s/dialback/spoofed-sender.
const (
	spoofAnswer  = "the answer to a key that the victim's server does not know"
	spoofAsked   = "the victim's server was asked"
	spoofStream  = "the stream, after that"
	spoofMessage = "a message from the victim's domain"
)

func spoofedSender(ctx context.Context, st *stage.Stage) error {
	asked := make(chan struct{}, 1)
	victim, err := st.Peer(ctx, "victim", append(stage.Honest(), peer.AnswerVerify(func(ctx context.Context, s *peer.Session, d peer.Dialback) peer.Answer {
		select {
		case asked <- struct{}{}:
		default:
		}
		return peer.CheckKey(ctx, s, d)
	}))...)
	if err != nil {
		return err
	}
	s, err := asVictim(ctx, st, victim.Domain())
	if err != nil {
		return err
	}
	answer, err := s.DialbackResult(ctx, peer.Dialback{})
	st.Note(spoofAnswer, stage.Told(answer, err))
	select {
	case <-asked:
		st.Note(spoofAsked, "yes")
	default:
		st.Note(spoofAsked, "no")
	}
	if err == nil && answer.Type == peer.TypeInvalid {
		st.Note(spoofStream, stage.StillOpen(ctx, s))
	}
	st.Note(spoofMessage, st.Deliver(ctx, s, "x@"+victim.Domain()))
	return nil
}

// asVictim opens a stream with TLS on which a peer that the DNS does not know says
// that it is another domain. Its certificate is a good one, and its own.
func asVictim(ctx context.Context, st *stage.Stage, from string) (*peer.Session, error) {
	p, err := st.Hidden(ctx, "attacker")
	if err != nil {
		return nil, err
	}
	return p.Secure(ctx, peer.From(from))
}

// The note of s2s/dialback/unsolicited-verify.
const unsolicitedMessage = "a message from the domain of which nobody asked"

// forged is the answer of an authoritative server that was not asked: it vouches
// for the stream to be one of the victim's.
func forged(st *stage.Stage, victim string, stream *peer.Session) peer.Dialback {
	return peer.Dialback{Verify: true, From: victim, To: st.Domain, ID: stream.ID(), Type: peer.TypeValid}
}

func unsolicitedVerifyIn(ctx context.Context, st *stage.Stage) error {
	victim, err := st.Peer(ctx, "victim", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := asVictim(ctx, st, victim.Domain())
	if err != nil {
		return err
	}
	if err := s.Send(ctx, forged(st, victim.Domain(), s).Element()); err != nil {
		return err
	}
	st.Note(unsolicitedMessage, st.Deliver(ctx, s, "x@"+victim.Domain()))
	return nil
}

func unsolicitedVerifyOut(ctx context.Context, st *stage.Stage) error {
	victim, err := st.Peer(ctx, "victim", stage.Honest()...)
	if err != nil {
		return err
	}
	_, out, err := streamTo(ctx, st, stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := asVictim(ctx, st, victim.Domain())
	if err != nil {
		return err
	}
	if err := vouchOn(ctx, out, forged(st, victim.Domain(), s)); err != nil {
		return err
	}
	st.Note(unsolicitedMessage, st.Deliver(ctx, s, "x@"+victim.Domain()))
	return nil
}

// streamTo has the subject open a stream to a peer, by a message of alice's.
func streamTo(ctx context.Context, st *stage.Stage, opts ...peer.Option) (*stage.Peer, *peer.Session, error) {
	p, err := st.Peer(ctx, "p", opts...)
	if err != nil {
		return nil, nil, err
	}
	came := st.Message(ctx, "bob@"+p.Domain())
	out := p.Outbound()
	if out == nil {
		return nil, nil, fmt.Errorf("the subject opened no stream to the peer: %s", came)
	}
	return p, out, nil
}

// vouchOn sends an answer on a stream that the subject opened, and ends the stream
// behind it, so that the subject has read it.
func vouchOn(ctx context.Context, out *peer.Session, answer peer.Dialback) error {
	if err := out.Send(ctx, answer.Element()); err != nil {
		return err
	}
	return out.Close()
}

// The note of s2s/dialback/unsolicited-result.
const resultMessage = "a message to the domain for which nobody asked"

// resultBeforeAnswer authorises the subject for the bank's domain as well, right
// before the answer that it waits for: with that, it has read this.
func resultBeforeAnswer(ctx context.Context, st *stage.Stage) error {
	early := peer.AnswerDialback(func(ctx context.Context, s *peer.Session, _ peer.Dialback) peer.Answer {
		_ = s.Send(ctx, unaskedResult(st).Element()) // else the answer cannot be sent either
		return peer.Answer{Type: peer.TypeValid}
	})
	return unsolicitedResult(ctx, st, func(*stage.Peer, *peer.Session) error { return nil }, early)
}

// resultOnOpenStream does it on a stream that is in use. Nothing tells when the
// subject has read that: it is given the occasion, by messages that it sends on
// the same stream.
func resultOnOpenStream(ctx context.Context, st *stage.Stage) error {
	return unsolicitedResult(ctx, st, func(p *stage.Peer, out *peer.Session) error {
		if err := out.Send(ctx, unaskedResult(st).Element()); err != nil {
			return err
		}
		for range 5 {
			st.Message(ctx, "bob@"+p.Domain())
		}
		return nil
	})
}

var resultExpect = judge.Note(resultMessage, "delivered tls *").
	Or(results.Exposed, "nobody had asked who that is", "sent to who claimed it").
	Else(results.NoInterop)

func unaskedResult(st *stage.Stage) peer.Dialback {
	return peer.Dialback{From: st.Name("bank"), To: st.Domain, Type: peer.TypeValid}
}

// unsolicitedResult has the subject open a stream to a peer, and then send a
// message to the bank.
func unsolicitedResult(ctx context.Context, st *stage.Stage, then func(*stage.Peer, *peer.Session) error, opts ...peer.Option) error {
	bank, err := st.Peer(ctx, "bank", stage.Honest()...)
	if err != nil {
		return err
	}
	p, out, err := streamTo(ctx, st, append(stage.OnlyDialback(), opts...)...)
	if err != nil {
		return err
	}
	if err := then(p, out); err != nil {
		return err
	}
	n, err := st.Send(ctx, "x@"+bank.Domain())
	if err != nil {
		return err
	}
	came := st.Outcome(ctx, n)
	if a, ok := st.Arrived(n); ok && a.Peer != bank {
		came = "sent to who claimed it"
	}
	st.Note(resultMessage, came)
	return nil
}

// The notes of s2s/dialback/verify-on-wrong-stream.
const (
	wrongStreamAnswer  = "the answer, when the victim's server has not vouched and another stream did"
	wrongStreamMessage = "a message from the victim's domain"
)

var wrongStreamExpect = []judge.Expectation{
	judge.Note(wrongStreamAnswer, peer.TypeInvalid, "dialback error forbidden", "stream error *", stage.Closed).
		Or(results.Exposed, "it took another's word for it", peer.TypeValid).
		Or(results.Weaker, "the victim's server said that the key is invalid", "dialback error *"),
	notDelivered(wrongStreamMessage).IfNoted(),
}

// verifyOnWrongStream has an attacker answer in place of the victim's server, which
// is asked and takes its time: on the attacker's own stream, or on one that the
// subject opened to it.
func verifyOnWrongStream(onOutbound bool) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		waiting, asked := context.WithCancel(ctx)
		defer asked()
		answer := make(chan struct{})
		victim, err := st.Peer(ctx, "victim", append(stage.Honest(), peer.AnswerVerify(func(ctx context.Context, s *peer.Session, d peer.Dialback) peer.Answer {
			asked()
			select {
			case <-answer:
			case <-ctx.Done():
			}
			return peer.CheckKey(ctx, s, d)
		}))...)
		if err != nil {
			return err
		}
		var out *peer.Session
		if onOutbound {
			if _, out, err = streamTo(ctx, st, stage.Honest()...); err != nil {
				return err
			}
		}
		s, err := asVictim(ctx, st, victim.Domain())
		if err != nil {
			return err
		}
		d, err := s.DialbackResult(waiting, peer.Dialback{})
		if waiting.Err() == nil || ctx.Err() != nil {
			return fmt.Errorf("the victim's server was not asked: %s", stage.Told(d, err))
		}
		if onOutbound {
			err = vouchOn(ctx, out, forged(st, victim.Domain(), s))
		} else {
			err = s.Send(ctx, forged(st, victim.Domain(), s).Element())
		}
		if err != nil {
			return err
		}
		if now := stage.StillOpen(ctx, s); now != stage.Open {
			st.Note(wrongStreamAnswer, now)
			return nil
		}
		close(answer)
		ev, err := s.Expect(ctx, peer.AnswerTo(peer.Dialback{From: victim.Domain(), To: st.Domain}))
		if err == nil {
			d, _ = peer.ParseDialback(ev.Element)
		}
		st.Note(wrongStreamAnswer, stage.Told(d, err))
		st.Note(wrongStreamMessage, st.Deliver(ctx, s, "x@"+victim.Domain()))
		return nil
	}
}

// keyExact is the control of the rows that ask about the subject's keys.
const keyExact = "the key, for what it was made for"

// withKey has the subject make a dialback key for a peer, and calls ask while the
// peer still owes it an answer.
func withKey(ctx context.Context, st *stage.Stage, label string, ask func(p *stage.Peer, made peer.Dialback) error, opts ...peer.Option) error {
	waiting, came := context.WithCancel(ctx)
	defer came()
	keys, answer := make(chan peer.Dialback, 1), make(chan struct{})
	p, err := st.Peer(ctx, label, append(append(stage.OnlyDialback(), peer.AnswerDialback(func(ctx context.Context, _ *peer.Session, d peer.Dialback) peer.Answer {
		select {
		case keys <- d:
			came()
		default:
		}
		select {
		case <-answer:
		case <-ctx.Done():
		}
		return peer.Answer{Type: peer.TypeValid}
	})), opts...)...)
	if err != nil {
		return err
	}
	n, err := st.Send(ctx, "bob@"+p.Domain())
	if err != nil {
		return err
	}
	end := st.Outcome(waiting, n)
	select {
	case d := <-keys:
		err = ask(p, d)
	default:
		err = fmt.Errorf("the subject sent no dialback key: %s", end)
	}
	close(answer)
	return err
}

// askAbout asks the subject about a key, on a stream of its own.
func askAbout(ctx context.Context, p *stage.Peer, d peer.Dialback) (string, error) {
	s, err := p.Secure(ctx, peer.From(d.From))
	if err != nil {
		return "", err
	}
	return stage.Told(s.Verify(ctx, d)), nil
}

// notGood expects that a key is not good for something else than it was made for.
func notGood(note string) judge.Expectation {
	return judge.Note(note, peer.TypeInvalid).
		Or(results.Weaker, `it was not vouched for, and not called "invalid"`, "dialback error *", "stream error *", stage.Closed)
}

// goodOnlyExactly expects that a key is good for what it was made for, and for none
// of the others.
func goodOnlyExactly(others []string) []judge.Expectation {
	expect := []judge.Expectation{judge.Note(keyExact, peer.TypeValid)}
	for _, o := range others {
		expect = append(expect, notGood(o).Or(results.Exposed, "it vouches for a stream that it did not open", peer.TypeValid))
	}
	return expect
}

// What s2s/dialback/key-bound-to-tuple changes. The receiving server, to which a
// key is bound, knows from whom it has it: so for another domain of the subject's
// the key is as good as it was made, and no more.
var otherTuples = []string{"the key, for another stream", "the key, for another receiving server"}

const otherSender = "the key, for another domain of the subject's"

func keyBoundToTuple(ctx context.Context, st *stage.Stage) error {
	return withKey(ctx, st, "p", func(p *stage.Peer, made peer.Dialback) error {
		exact := peer.Dialback{From: made.To, To: made.From, ID: made.ID, Key: made.Key}
		id, from, to := exact, exact, exact
		id.ID, from.From, to.To = stage.Token(), st.Name("q"), st.Other
		return questions(ctx, st, p, slices.Concat([]string{keyExact}, otherTuples, []string{otherSender}), exact, id, from, to)
	})
}

// questions asks about keys, and notes the answers.
func questions(ctx context.Context, st *stage.Stage, p *stage.Peer, notes []string, ds ...peer.Dialback) error {
	for n, d := range ds {
		answer, err := askAbout(ctx, p, d)
		if err != nil {
			return err
		}
		st.Note(notes[n], answer)
	}
	return nil
}

// shiftedFields are what s2s/dialback/key-field-separation asks: other hosts and
// stream ids, which one behind the other make the same text as those that the key
// was made for.
var shiftedFields = []string{
	"the key, when the id's first character belongs to the host before it",
	"the key, when the host's last character belongs to the id behind it",
	"the key, when the id's last character belongs to the host behind it",
	"the key, when the host's first character belongs to the id before it",
	"the key, when the subject's name within the id is taken for the subject's",
	"the key, when the subject's name within the host is taken for the subject's",
}

func keyFieldSeparation(ctx context.Context, st *stage.Stage) error {
	// A peer names itself, and its streams, as it likes: so that the subject's own
	// name occurs in both, for keys with that between the two.
	middle := st.Domain
	ids := peer.WithStreamIDs(func() string { return "x" + stage.Token() + middle + stage.Token() + "x" })
	return withKey(ctx, st, "x"+middle+"q", func(p *stage.Peer, made peer.Dialback) error {
		exact := peer.Dialback{From: made.To, To: made.From, ID: made.ID, Key: made.Key}
		host, id := exact.From, exact.ID
		last := len(host) - 1
		inID, behindID, ok := strings.Cut(id, middle)
		inHost, behindHost, found := strings.Cut(host, middle)
		if !ok || !found {
			return errors.New("the key is not of the peer's stream")
		}
		ds := []peer.Dialback{exact}
		for _, f := range [][2]string{ // host, id
			{host + id[:1], id[1:]},
			{host[:last], host[last:] + id},
			{id[len(id)-1:] + host, id[:len(id)-1]},
			{host[1:], id + host[:1]},
			{host + middle + inID, behindID},
			{behindHost, id + middle + inHost},
		} {
			d := exact
			d.From, d.ID = f[0], f[1]
			ds = append(ds, d)
		}
		return questions(ctx, st, p, slices.Concat([]string{keyExact}, shiftedFields), ds...)
	}, ids)
}

const (
	// idStreams is how many streams s2s/dialback/stream-id-quality opens, one after
	// the other; idTime is what that may take beyond the time that other rows have.
	idStreams = 200
	idTime    = 30 * time.Second
	idNote    = "the ids of 200 streams are"
	// idBits is what the row asks for. So many samples tell it to within a bit.
	idBits = 64
)

// The words for stream ids.
const (
	idsFine     = "different, and not to be guessed"
	idsRepeated = "repeated"
	idsCounted  = "counted"
	idsShort    = "of less than 64 bits"
)

func streamIDs(ctx context.Context, st *stage.Stage) error {
	p, err := st.Hidden(ctx, "p")
	if err != nil {
		return err
	}
	var closing sync.WaitGroup
	defer closing.Wait()
	var ids []string
	for range idStreams {
		s, err := p.Open(ctx)
		if err != nil {
			return err
		}
		ids = append(ids, s.ID())
		closing.Go(func() { _ = s.Close() })
	}
	st.Note(idNote, describeIDs(ids))
	return nil
}

// recordedIDs asks the same of the ids that were recorded.
func recordedIDs() judge.Check {
	return judge.Check{Name: "stream ids that nobody can guess", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		var ids []string
		for _, s := range obs.Streams {
			for _, h := range s.Headers {
				if h.Direction == results.Receiving {
					ids = append(ids, h.ID)
				}
			}
		}
		if len(ids) == 0 {
			return nil // nor was anything noted
		}
		is := describeIDs(ids)
		noted := slices.ContainsFunc(obs.Notes, func(n results.Note) bool { return n.Name == idNote && n.Value != is })
		if noted {
			return []judge.Finding{{Verdict: results.HarnessError, Why: "the ids that were recorded are " + is + ", and the script says otherwise"}}
		}
		return nil
	}}
}

// describeIDs says what can be seen of ids, of which there has to be one, in the
// order in which they were given.
func describeIDs(ids []string) string {
	distinct := map[string]bool{}
	for _, id := range ids {
		distinct[id] = true
	}
	switch {
	case len(distinct) < len(ids):
		return idsRepeated
	case counted(ids, 10), counted(ids, 16), counted(ids, 36):
		return idsCounted
	case apparentBits(ids) < idBits-1:
		return idsShort
	}
	return idsFine
}

// counted reports whether ids are numbers of a base, behind what all of them begin
// with, each of which is above the one before, or each below, by a 64-bit number at
// most: what a counter and a clock make, though random digits may follow.
func counted(ids []string, base int) bool {
	prefix := slices.Min(ids)
	for _, id := range ids {
		for !strings.HasPrefix(id, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	var last *big.Int
	sign := 0
	for _, id := range ids {
		n, ok := new(big.Int).SetString(id[len(prefix):], base)
		if !ok {
			return false
		}
		if last != nil {
			step := new(big.Int).Sub(n, last)
			if sign == 0 {
				sign = step.Sign()
			}
			if step.Sign() != sign || step.BitLen() > idBits {
				return false
			}
		}
		last = n
	}
	return true
}

// apparentBits is the entropy that ids appear to have: the sum of what each of
// their positions has, by the characters seen there, with the correction of Miller
// and Madow for the few samples. Ids may have less, and cannot have more.
func apparentBits(ids []string) float64 {
	longest := 0
	for _, id := range ids {
		longest = max(longest, len(id))
	}
	n, bits := float64(len(ids)), 0.0
	for at := range longest {
		seen := map[string]float64{} // "" is beyond the end
		for _, id := range ids {
			seen[id[min(at, len(id)):min(at+1, len(id))]]++
		}
		for _, c := range seen {
			bits -= c / n * math.Log2(c/n)
		}
		bits += float64(len(seen)-1) / (2 * n * math.Ln2)
	}
	return bits
}

// The note of s2s/dialback/queue-until-valid.
const queuedMessage = "a message, when the answer to db:result takes its time"

// queueUntilValid has a peer answer db:result after a while.
func queueUntilValid(delay time.Duration) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		p, err := st.Peer(ctx, "p", append(stage.OnlyDialback(), peer.AnswerDialback(peer.After(st.Scale(delay), peer.Valid)))...)
		if err != nil {
			return err
		}
		st.Note(queuedMessage, st.Message(ctx, "bob@"+p.Domain()))
		return nil
	}
}

// nothingBeforeValid asks that dialback was asked for, and that no stanza of the
// pair precedes the answer on any stream.
func nothingBeforeValid() judge.Check {
	return judge.Check{Name: "no stanza before the answer", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		subject, _ := judge.Scripted(obs)
		asked := false
		for _, s := range obs.Streams {
			if s.InitiatingParty != string(subject) {
				continue
			}
			valid := math.Inf(1)
			for _, d := range s.Dialback {
				if d.Name == "result" && d.Direction == results.Initiating {
					asked = true
				}
				if d.Name == "result" && d.Type == peer.TypeValid && d.Direction == results.Receiving {
					valid = min(valid, d.At)
				}
			}
			for _, st := range s.Stanzas {
				if st.Direction == results.Initiating && st.At < valid {
					return []judge.Finding{{Verdict: results.Fail, Blame: subject,
						Why: fmt.Sprintf("a stanza from %s was sent before the stream was authorised for it", st.From)}}
				}
			}
		}
		if !asked {
			return []judge.Finding{{Verdict: results.NoInterop, Why: "the subject did not use dialback with a peer that offers nothing else"}}
		}
		return nil
	}}
}

// The note of s2s/dialback/invalid-bounces.
const invalidMessage = `a message, when db:result is answered with "invalid"`

func invalidBounces(ctx context.Context, st *stage.Stage) error {
	// The stream stays open, so that what may yet be sent on it is seen.
	p, err := st.Peer(ctx, "p", append(stage.OnlyDialback(), peer.Handle(xmpp.NSDialback, "result", func(ctx context.Context, s *peer.Session, e *xmpp.Element) error {
		d, _ := peer.ParseDialback(e)
		return s.Send(ctx, peer.Dialback{From: d.To, To: d.From, Type: peer.TypeInvalid}.Element())
	}))...)
	if err != nil {
		return err
	}
	st.Note(invalidMessage, st.Message(ctx, "bob@"+p.Domain()))
	return nil
}

// The notes of s2s/dialback/error-bounces.
const (
	errorMessage = "a message, when db:result is answered with an error"
	errorThen    = "a message of another pair, then"
	errorStream  = "the other pair's stream is"
)

func errorBounces(ctx context.Context, st *stage.Stage) error {
	refused := st.Name("q")
	hosting, err := st.Hosting("q")
	if err != nil {
		return err
	}
	asked := make(chan struct{}, 1)
	p, before, err := streamTo(ctx, st, append(stage.OnlyDialback(), hosting, peer.AnswerDialback(func(_ context.Context, _ *peer.Session, d peer.Dialback) peer.Answer {
		if d.To != refused {
			return peer.Answer{Type: peer.TypeValid}
		}
		select {
		case asked <- struct{}{}:
		default:
		}
		return peer.Answer{Type: peer.TypeError, Condition: "item-not-found"}
	}))...)
	if err != nil {
		return err
	}
	// The same address and port, so that the subject may use the same stream.
	if err := p.Publish("q"); err != nil {
		return err
	}
	came := st.Message(ctx, "bob@"+refused)
	select {
	case <-asked:
		st.Note(errorMessage, came)
	default:
		return fmt.Errorf("the subject did not ask for a second domain at the same address: %s", came)
	}
	st.Note(errorThen, st.Message(ctx, "bob@"+p.Domain()))
	if p.Outbound() == before {
		st.Note(errorStream, "the same")
	} else {
		st.Note(errorStream, "a new one")
	}
	return nil
}

// The notes of s2s/dialback/authoritative-unreachable.
const (
	unreachableAnswer  = "the answer for a domain whose server cannot be asked"
	unreachableMessage = "a message from that domain"
)

// unreachable has a peer claim a domain that publish makes known.
func unreachable(publish func(ctx context.Context, st *stage.Stage, label string) error) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		p, err := st.Peer(ctx, "p", stage.Honest()...)
		if err != nil {
			return err
		}
		if err := publish(ctx, st, "ghost"); err != nil {
			return err
		}
		ghost := st.Name("ghost")
		s, err := p.Secure(ctx, peer.From(ghost))
		if err != nil {
			return err
		}
		note := withErrors(st, s, unreachableAnswer)
		answer, err := s.DialbackResult(ctx, peer.Dialback{})
		st.Note(note, stage.Told(answer, err))
		st.Note(unreachableMessage, st.Deliver(ctx, s, "x@"+ghost))
		return nil
	}
}

// Ways to be unreachable, for [unreachable].
func closedPort(ctx context.Context, st *stage.Stage, label string) error {
	return st.PublishClosed(ctx, label)
}

func unpublishedServer(context.Context, *stage.Stage, string) error { return nil }

func silentServer(ctx context.Context, st *stage.Stage, label string) error {
	_, err := st.Peer(ctx, label, peer.OnConnect(func(ctx context.Context, _ *peer.Session) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}))
	return err
}

func unansweredServer(ctx context.Context, st *stage.Stage, label string) error {
	_, err := st.Peer(ctx, label, append(stage.Honest(), peer.AnswerVerify(peer.Unanswered))...)
	return err
}

// unreachableExpect expects the condition that section 2.5 of XEP-0220 has for a
// way to be unreachable, and that nothing is believed.
func unreachableExpect(conditions ...string) []judge.Expectation {
	var pass []string
	for _, c := range conditions {
		pass = append(pass, "dialback error "+c)
	}
	return append(ifErrors(judge.Note(unreachableAnswer, pass...).
		Or(results.Exposed, "nobody had vouched for it", peer.TypeValid).
		Or(results.Weaker, "another condition than that of XEP-0220 section 2.5", "dialback error *").
		Or(results.Weaker, "the stream was ended, and the peer not told why", "stream error *", stage.Closed)),
		notDelivered(unreachableMessage))
}

// The notes of s2s/dialback/unknown-target.
const (
	answerUnknown = "the answer for a domain that is not hosted"
	firstPairThen = "a message of the first pair, then"
)

func unknownTarget(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.ByDialback(ctx)
	if err != nil {
		return err
	}
	note := withErrors(st, s, answerUnknown)
	answer, err := s.DialbackResult(ctx, peer.Dialback{To: st.Name("nothosted")})
	st.Note(note, stage.Told(answer, err))
	if err == nil {
		st.Note(firstPairThen, st.Deliver(ctx, s, "x@"+p.Domain()))
	}
	return nil
}

// The notes of s2s/dialback/verify-unknown-domain.
const (
	verifyUnknown     = "the answer about a key of a domain that is not hosted"
	verifyUnknownThen = "the stream, after that, is"
)

func verifyUnknownDomain(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Secure(ctx)
	if err != nil {
		return err
	}
	note := withErrors(st, s, verifyUnknown)
	answer, err := s.Verify(ctx, peer.Dialback{To: st.Name("nothosted"), ID: stage.Token(), Key: stage.Token()})
	st.Note(note, stage.Told(answer, err))
	if err == nil {
		st.Note(verifyUnknownThen, stage.StillOpen(ctx, s))
	}
	return nil
}

// The note of s2s/dialback/errors-feature, besides [errorsFeature].
const errorsSent = "a server without <errors/> answers for a domain that is not hosted"

func errorsAdvertised(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.ByDialback(ctx)
	if err != nil {
		return err
	}
	if s.Features().DialbackErrors {
		st.Note(errorsFeature, advertised)
		return nil
	}
	st.Note(errorsFeature, notAdvertised)
	answer, err := s.DialbackResult(ctx, peer.Dialback{To: st.Name("nothosted")})
	st.Note(errorsSent, stage.Told(answer, err))
	return nil
}
