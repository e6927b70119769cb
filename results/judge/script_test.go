package judge_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
)

// question is the note that the scenes of these tests are about.
const question = "the answer to a question"

// scene is what a scripted peer, who initiates, and a subject under P1 show: the
// subject answers a key with a dialback error, and a message comes to its client.
func scene() *results.Observation {
	return &results.Observation{
		Cell:      "s2s/dialback/unknown-target:peer:y@1",
		Scenario:  "s2s/dialback/unknown-target",
		Ended:     "the script ended",
		Initiator: results.Party{Subject: judge.PeerName, Domain: "c1.lab"},
		Receiver:  results.Party{Subject: "y@1", Domain: "b1.lab", Policy: "P1", Certificate: "good"},
		Notes:     []results.Note{{Name: question, Value: "dialback error item-not-found"}},
		Messages:  []results.Message{{Direction: there, From: "x@p.c1.lab", To: "bob@b1.lab", Canary: "canary", Delivered: 1, Order: 1}},
		Streams: []results.Stream{{
			ID: 1, InitiatingParty: "initiator", ReceivingParty: "receiver", Decrypted: true,
			TLS: &results.TLS{Complete: true, Version: "TLS 1.3"},
			Dialback: []results.Dialback{
				{Direction: results.Initiating, Inside: true, Name: "result", From: "p.c1.lab", To: "q.lab", Key: true},
				{Direction: results.Receiving, Inside: true, Name: "result", From: "q.lab", To: "p.c1.lab", Type: "error", Condition: "item-not-found"},
			},
			Stanzas: []results.Stanza{{Direction: results.Initiating, Inside: true, Name: "message", From: "x@p.c1.lab", To: "bob@b1.lab", Canary: "canary"}},
		}},
	}
}

// turned is the scene with the parts exchanged: the subject initiates.
func turned() *results.Observation {
	o := scene()
	o.Initiator, o.Receiver = o.Receiver, o.Initiator
	return o
}

// noted is the scene with notes of these values.
func noted(values ...string) *results.Observation {
	o := scene()
	o.Notes = nil
	for _, v := range values {
		o.Notes = append(o.Notes, results.Note{Name: question, Value: v})
	}
	return o
}

var (
	ofRow  = []results.Citation{{Document: "XEP-0220", Section: "2.2.1", Level: results.Must}}
	ofNote = []results.Citation{{Document: "RFC 6120", Section: "8.3", Level: results.Should}}
)

type judged struct {
	name   string
	obs    *results.Observation
	change func(*results.Observation)
	expect []judge.Expectation
	checks []judge.Check

	want     results.Verdict
	why      string // the beginning of it
	blame    results.Blame
	possible string
	cites    []results.Citation // ofRow when it is nil
}

func (c judged) test(t *testing.T) {
	t.Helper()
	o := c.obs
	if o == nil {
		o = scene()
	}
	if c.change != nil {
		c.change(o)
	}
	j := judge.Judge(judge.Question{Cites: ofRow, Expect: c.expect, Checks: c.checks}, o, []judge.Control{control(results.Pass)})
	if c.cites == nil {
		c.cites = ofRow
	}
	if j.Verdict != c.want || !strings.HasPrefix(j.Why, c.why) || j.Blame != c.blame || j.Possible != c.possible || !slices.Equal(j.Cites, c.cites) {
		t.Errorf("%s:\n%+v, want\n%s, %q, blamed %q, possible %q, citing %v", c.name, j, c.want, c.why, c.blame, c.possible, c.cites)
	}
}

// TestExpectation: what a note comes to.
func TestExpectation(t *testing.T) {
	either := judge.Note(question, "fine", "stream error *")
	graded := either.Or(results.Weaker, "it is less than it could be", "so-so").
		Or(results.Exposed, "it is a leak", "so-so", "bad*").
		Or(results.Pass, "", "good enough")
	for _, c := range []judged{
		{name: "a value that passes", obs: noted("fine"), expect: []judge.Expectation{either}, want: results.Pass, why: question + ": fine"},
		{name: "one that another value does not end", obs: noted("fine and dandy"), expect: []judge.Expectation{either},
			want: results.Fail, why: question + ": fine and dandy; want fine, or stream error *", blame: results.BlameReceiver},
		{name: "one of those that begin so", obs: noted("stream error not-authorized"), expect: []judge.Expectation{either},
			change: func(o *results.Observation) {
				o.Streams[0].Errors = []results.StreamError{{Direction: results.Receiving, Condition: "not-authorized"}}
			}, want: results.Pass, why: question + ": stream error not-authorized"},
		{name: "any other", obs: noted("other"), expect: []judge.Expectation{graded},
			want: results.Fail, why: question + ": other; want fine, or stream error *", blame: results.BlameReceiver},
		{name: "any other, with a verdict for that", obs: noted("other"), expect: []judge.Expectation{graded.Else(results.NoInterop)},
			want: results.NoInterop, why: question + ": other; want fine, or stream error *"},
		{name: "any other, which may be", obs: noted("other"), expect: []judge.Expectation{graded.Else(results.Pass)}, want: results.Pass, why: question + ": other"},
		{name: "the first alternative that holds", obs: noted("so-so"), expect: []judge.Expectation{graded},
			want: results.Weaker, why: question + ": so-so: it is less than it could be", possible: question + ": fine, or stream error *"},
		{name: "an alternative that others begin with", obs: noted("badly"), expect: []judge.Expectation{graded},
			want: results.Exposed, why: question + ": badly: it is a leak", blame: results.BlameReceiver},
		{name: "an alternative that passes", obs: noted("good enough"), expect: []judge.Expectation{graded}, want: results.Pass, why: question + ": good enough"},
		{name: "an alternative without a clause", obs: noted("odd"), expect: []judge.Expectation{either.Or(results.Fail, "", "odd")},
			want: results.Fail, why: question + ": odd", blame: results.BlameReceiver},
		{name: "the sentence that is broken", obs: noted("badly"), expect: []judge.Expectation{graded.Citing(ofNote...)},
			want: results.Exposed, why: question + ": badly: it is a leak", blame: results.BlameReceiver, cites: ofNote},
		{name: "the sentence that is kept", obs: noted("fine"), expect: []judge.Expectation{graded.Citing(ofNote...)}, want: results.Pass},
		{name: "the worst of those of a name", obs: noted("fine", "so-so", "badly", "fine"), expect: []judge.Expectation{graded},
			want: results.Exposed, why: question + ": badly", blame: results.BlameReceiver},
		{name: "the worst of all", obs: noted("badly"), expect: []judge.Expectation{graded, judge.Note("another")},
			want: results.HarnessError, why: `the script did not note "another"`},
		{name: "none, of a script that ended", expect: []judge.Expectation{judge.Note("another", "fine")},
			want: results.HarnessError, why: `the script did not note "another"`},
		{name: "none, of a script that stopped", expect: []judge.Expectation{judge.Note("another", "fine")},
			change: func(o *results.Observation) { o.Stopped = "the subject closed" },
			want:   results.Inconclusive, why: `the script did not come to "another": the subject closed`},
		{name: "what is proven, of a script that stopped", obs: noted("badly"), expect: []judge.Expectation{graded, judge.Note("another", "fine")},
			change: func(o *results.Observation) { o.Stopped = "the subject closed" },
			want:   results.Exposed, why: question + ": badly", blame: results.BlameReceiver},
		{name: "none, which may be", expect: []judge.Expectation{judge.Note("another", "fine").IfNoted()}, want: results.Pass},
		{name: "one that may not have been", obs: noted("other"), expect: []judge.Expectation{either.IfNoted()},
			want: results.Fail, why: question + ": other; want", blame: results.BlameReceiver},
		{name: "one that nobody expects", expect: nil, want: results.Pass, why: question + ": dialback error item-not-found"},
		{name: "one that could not be asked for", obs: noted(judge.NoClient), expect: []judge.Expectation{graded},
			want: results.Inconclusive, why: question + ": the subject's own user could not log in"},
		{name: "the initiator's", obs: turned(), change: func(o *results.Observation) { o.Notes[0].Value = "other" }, expect: []judge.Expectation{either},
			want: results.Fail, why: question + ": other; want", blame: results.BlameInitiator},
	} {
		c.test(t)
	}
}

// TestExpectationsAreValues: an expectation that is refined leaves the one that it
// was made from as it was.
func TestExpectationsAreValues(t *testing.T) {
	base := judge.Note(question, "fine").Or(results.Weaker, "", "so-so")
	one, other := base.Or(results.Fail, "", "one"), base.Or(results.Exposed, "", "one")
	_ = base.Else(results.Pass).IfNoted().Citing(ofNote...)
	if len(base.Others) != 1 || one.Others[1].Verdict != results.Fail || other.Others[1].Verdict != results.Exposed {
		t.Errorf("%+v and %+v were made from %+v", one, other, base)
	}
	if base.Otherwise != "" || base.Optional || base.Cites != nil {
		t.Errorf("refined in place: %+v", base)
	}
}

// TestExpected: what is expected, in words.
func TestExpected(t *testing.T) {
	q := judge.Question{Expect: []judge.Expectation{judge.Note(question, "fine", "stream error *"), judge.Note("another", "closed")},
		Checks: []judge.Check{{Name: "nothing in clear"}}}
	const want = "the answer to a question: fine, or stream error *; another: closed; nothing in clear"
	if got := q.Expected(scene()); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestScripted(t *testing.T) {
	for _, c := range []struct {
		obs     *results.Observation
		subject results.Blame
		ok      bool
	}{{scene(), results.BlameReceiver, true}, {turned(), results.BlameInitiator, true}, {federated(), results.NoBlame, false}} {
		if subject, ok := judge.Scripted(c.obs); subject != c.subject || ok != c.ok {
			t.Errorf("%s: the subject is the %q, %v; want %q, %v", c.obs.Cell, subject, ok, c.subject, c.ok)
		}
	}
}

// stream changes the stream of a scene.
func stream(f func(*results.Stream)) func(*results.Observation) {
	return func(o *results.Observation) { f(&o.Streams[0]) }
}

func sent(d results.Dialback) func(*results.Observation) {
	return stream(func(s *results.Stream) { s.Dialback = append(s.Dialback, d) })
}

// TestOnTheWire: what was recorded is held against what every world promises.
func TestOnTheWire(t *testing.T) {
	policy := func(p string, f func(*results.Observation)) func(*results.Observation) {
		return func(o *results.Observation) { o.Receiver.Policy = p; f(o) }
	}
	clear := stream(func(s *results.Stream) { s.Stanzas[0].Inside, s.Stanzas[0].Direction = false, results.Receiving })
	word := stream(func(s *results.Stream) {
		s.Canaries = []results.Sighting{{Canary: "canary", Direction: results.Receiving}}
	})
	key := results.Dialback{Direction: results.Receiving, Name: "result", From: "b1.lab", To: "p.c1.lab", Key: true}
	keyBy := func(change func(*results.Dialback)) func(*results.Observation) {
		d := key
		change(&d)
		return sent(d)
	}
	encryption := []results.Citation{{Document: "RFC 7590", Section: "3.1", Level: results.PolicyLevel}}
	for _, c := range []judged{
		{name: "nothing wrong", want: results.Pass},
		{name: "plaintext of the subject on TLS", change: stream(func(s *results.Stream) {
			s.BrokeTLS, s.Decrypted, s.Reason = results.Receiving, false, "record 3 is none"
		}),
			want: results.Fail, why: "the receiver sent plaintext on the encrypted stream: record 3 is none", blame: results.BlameReceiver,
			cites: []results.Citation{{Document: "RFC 8446", Section: "5.1", Level: results.Must}}},
		{name: "plaintext of the peer on TLS", change: stream(func(s *results.Stream) { s.BrokeTLS, s.Reason = results.Initiating, "record 3 is none" }), want: results.Pass},
		{name: "a stream that was not read", change: stream(func(s *results.Stream) { s.Decrypted, s.Reason = false, "no secret came" }),
			want: results.Inconclusive, why: "stream 1 cannot be decrypted: no secret came"},
		{name: "a stanza in clear", change: clear, want: results.Exposed, why: "the receiver requires TLS and sent a stanza from p.c1.lab in clear", blame: results.BlameReceiver, cites: encryption},
		{name: "a stanza in clear, under P2", change: policy("P2", clear), want: results.Exposed, why: "the receiver requires TLS", blame: results.BlameReceiver, cites: encryption},
		{name: "a stanza in clear, under P0", change: policy("P0", clear), want: results.Pass},
		{name: "a stanza in clear, of the peer", change: stream(func(s *results.Stream) { s.Stanzas[0].Inside = false }), want: results.Pass},
		{name: "a user's word in clear", change: word, want: results.Exposed, why: "the receiver requires TLS and sent a word of its user's in clear", blame: results.BlameReceiver, cites: encryption},
		{name: "a user's word in clear, under off", change: policy("off", word), want: results.Pass},
		{name: "a user's word in clear, of the peer", change: stream(func(s *results.Stream) {
			s.Canaries = []results.Sighting{{Canary: "canary", Direction: results.Initiating}}
		}), want: results.Pass},
		{name: "a user's word inside TLS", change: stream(func(s *results.Stream) {
			s.Canaries = []results.Sighting{{Canary: "canary", Direction: results.Receiving, Inside: true}}
		}), want: results.Pass},
		{name: "a key in clear", change: sent(key), want: results.Exposed, why: "the receiver requires TLS and sent a dialback key in clear", blame: results.BlameReceiver, cites: encryption},
		{name: "a key in clear, under P0", change: policy("P0", sent(key)), want: results.Pass},
		{name: "a key inside TLS", change: keyBy(func(d *results.Dialback) { d.Inside = true }), want: results.Pass},
		{name: "a key in clear, of the peer", change: keyBy(func(d *results.Dialback) { d.Direction = results.Initiating }), want: results.Pass},
		{name: "an answer in clear that repeats the key", change: keyBy(func(d *results.Dialback) { d.Type = "invalid" }), want: results.Pass},
		{name: "a result in clear without a key", change: keyBy(func(d *results.Dialback) { d.Key = false }), want: results.Pass},
		{name: "a key that is verified in clear", change: keyBy(func(d *results.Dialback) { d.Name = "verify" }),
			want: results.Weaker, why: "the receiver requires TLS and verified a dialback key in clear", possible: "the verification could have gone over TLS",
			cites: []results.Citation{{Document: "XEP-0220", Section: "2.1.2", Level: results.May}}},
		{name: "a message that came twice", change: func(o *results.Observation) { o.Messages[0].Delivered = 2 },
			want: results.Fail, why: "a message from x@p.c1.lab was delivered 2 times", blame: results.BlameReceiver,
			cites: []results.Citation{{Document: "RFC 6120", Section: "10.1", Level: results.Must}}},
		{name: "the initiator's stanza in clear", obs: turned(), change: stream(func(s *results.Stream) { s.Stanzas[0].Inside = false }),
			want: results.Exposed, why: "the initiator requires TLS and sent a stanza", blame: results.BlameInitiator, cites: encryption},
		{name: "what a check found", checks: []judge.Check{{Name: "a check", Find: func(*results.Observation, results.Outcome) []judge.Finding {
			return []judge.Finding{{Verdict: results.Weaker, Why: "it was seen", Possible: "better", Cites: ofNote}}
		}}}, want: results.Weaker, why: "it was seen", possible: "better", cites: ofNote},
	} {
		if c.obs == nil && c.change != nil {
			c.obs = scene()
		}
		if c.obs != nil {
			c.obs.Notes[0].Value = "fine" // of which no stream has to show anything
		}
		c.test(t)
	}
}

// TestOnRecord: what the script was told is on a stream, said by the subject.
func TestOnRecord(t *testing.T) {
	receiving, initiating := results.Receiving, results.Initiating
	failed := func(d results.Direction, condition string) func(*results.Stream) {
		return func(s *results.Stream) { s.Errors = []results.StreamError{{Direction: d, Condition: condition}} }
	}
	refused := func(result, condition string) func(*results.Stream) {
		return func(s *results.Stream) {
			s.SASL = []results.SASL{{Mechanism: "EXTERNAL", Result: result, Condition: condition}}
		}
	}
	answered := func(d results.Direction, typ, condition string) func(*results.Stream) {
		return func(s *results.Stream) {
			s.Dialback = []results.Dialback{{Direction: d, Inside: true, Name: "result", Type: typ, Condition: condition}}
		}
	}
	for _, c := range []struct {
		value string
		shows func(*results.Stream)
		want  bool
	}{
		{"stream error host-unknown", failed(receiving, "host-unknown"), true},
		{"stream error host-unknown", failed(receiving, "host-gone"), false},
		{"stream error host-unknown", failed(initiating, "host-unknown"), false},
		{"failure not-authorized", refused("failure", "not-authorized"), true},
		{"failure not-authorized", refused("failure", "invalid-authzid"), false},
		{"failure not-authorized", refused("success", "not-authorized"), false},
		{"failure", refused("failure", ""), true},
		{"valid", answered(receiving, "valid", ""), true},
		{"valid", answered(initiating, "valid", ""), false},
		{"valid", answered(receiving, "invalid", ""), false},
		{"invalid", answered(receiving, "invalid", ""), true},
		{"invalid", answered(receiving, "error", "invalid"), false},
		{"dialback error item-not-found", answered(receiving, "error", "item-not-found"), true},
		{"dialback error item-not-found", answered(receiving, "error", "forbidden"), false},
		{"dialback error item-not-found", answered(initiating, "error", "item-not-found"), false},
		{"dialback error item-not-found", answered(receiving, "valid", "item-not-found"), false},
		{"delivered tls pkix", func(*results.Stream) {}, true},
		{"error remote-server-timeout", func(*results.Stream) {}, true},
		{"closed", func(*results.Stream) {}, true},
	} {
		o := noted(c.value)
		o.Streams[0].Dialback = nil
		c.shows(&o.Streams[0])
		q := judge.Question{Expect: []judge.Expectation{judge.Note(question, c.value)}}
		j := judge.Judge(q, o, []judge.Control{control(results.Pass)})
		if c.want && j.Verdict != results.Pass || !c.want && (j.Verdict != results.HarnessError ||
			j.Why != `the script was told "`+c.value+`" (`+question+`), and no stream shows it`) {
			t.Errorf("%q on record %v: %s (%s)", c.value, c.want, j.Verdict, j.Why)
		}
	}
	// Of a stream that the subject opened it is the peer who refuses.
	o := turned()
	o.Notes[0].Value = "failure not-authorized"
	refused("failure", "not-authorized")(&o.Streams[0])
	if j := judge.Judge(judge.Question{}, o, []judge.Control{control(results.Pass)}); j.Verdict != results.HarnessError {
		t.Errorf("a failure that the peer sent: %s (%s)", j.Verdict, j.Why)
	}
	// What could not be read may have been anything.
	o = noted("stream error host-unknown")
	o.Streams[0].Decrypted = false
	if j := judge.Judge(judge.Question{}, o, []judge.Control{control(results.Pass)}); j.Verdict != results.Pass {
		t.Errorf("a stream error on a stream that was not read: %s (%s)", j.Verdict, j.Why)
	}
}

// TestUnreadWitness: a stream that was not read bears witness of nothing.
func TestUnreadWitness(t *testing.T) {
	o := scene()
	o.Streams[0].Decrypted, o.Streams[0].Reason = false, "no secret came"
	if j := judge.Judge(judge.Question{}, o, nil); !slices.Equal(j.Witnesses, []string{"script", "clients"}) {
		t.Errorf("the witnesses are %q", j.Witnesses)
	}
}

// TestScriptControls: whatever a subject did to a script counts only where it
// federates with an honest peer.
func TestScriptControls(t *testing.T) {
	for _, c := range []struct {
		name     string
		control  bool
		controls []judge.Control
		value    string
		want     results.Verdict
		why      string
	}{
		{"both", false, []judge.Control{control(results.Pass), control(results.Weaker)}, "fine", results.Pass, question + ": fine"},
		{"none", false, nil, "fine", results.Inconclusive, "no control shows that this subject can federate"},
		{"none, of a control", true, nil, "fine", results.Pass, question + ": fine"},
		{"one that did not", false, []judge.Control{control(results.Pass), control(results.Fail)}, "fine", results.Inconclusive,
			"a peer that does nothing wrong does not federate with it either: see control/first:x@1:y@1"},
		{"none, and what is proven", false, nil, "other", results.Fail, question + ": other; want fine"},
	} {
		q := judge.Question{Control: c.control, Expect: []judge.Expectation{judge.Note(question, "fine")}}
		if j := judge.Judge(q, noted(c.value), c.controls); j.Verdict != c.want || j.Why != c.why {
			t.Errorf("%s: %s (%s), want %s (%s)", c.name, j.Verdict, j.Why, c.want, c.why)
		}
	}
}

// TestScriptWitnesses: a pass needs two kinds of evidence.
func TestScriptWitnesses(t *testing.T) {
	bare := func(o *results.Observation) { o.Notes, o.Messages, o.Streams = nil, nil, nil }
	for _, c := range []struct {
		name   string
		change func(*results.Observation)
		want   []string
	}{
		{"all", func(o *results.Observation) {
			o.Queries = []results.Query{{Name: "p.c1.lab."}}
			o.Facts = []results.LogFact{{Party: "receiver"}}
		}, []string{"script", "wire", "clients", "dns", "log:receiver"}},
		{"none", bare, nil},
		{"notes", func(o *results.Observation) { n := o.Notes; bare(o); o.Notes = n; o.Notes[0].Value = "fine" }, []string{"script"}},
		{"the wire", func(o *results.Observation) { s := o.Streams; bare(o); o.Streams = s }, []string{"wire"}},
		{"the wire, whose stream says how it ended", func(o *results.Observation) {
			s := o.Streams
			bare(o)
			o.Streams, s[0].Reason = s, "record 9 is cut short"
		}, []string{"wire"}},
		{"the wire, where no TLS came about", func(o *results.Observation) { s := o.Streams; bare(o); o.Streams, s[0].Decrypted = s, false }, []string{"wire"}},
		{"a message that was delivered", func(o *results.Observation) { m := o.Messages; bare(o); o.Messages = m }, []string{"clients"}},
		{"one that was refused", func(o *results.Observation) {
			m := o.Messages
			bare(o)
			o.Messages = m
			m[0].Delivered, m[0].Error = 0, &results.StanzaError{Condition: "remote-server-timeout"}
		}, []string{"clients"}},
		{"one of which nothing came", func(o *results.Observation) { m := o.Messages; bare(o); o.Messages = m; m[0].Delivered = 0 }, nil},
	} {
		o := scene()
		c.change(o)
		j := judge.Judge(judge.Question{}, o, []judge.Control{control(results.Pass)})
		want := results.Pass
		if len(c.want) < 2 {
			want = results.Inconclusive
			if why := "only one kind of evidence: " + strings.Join(c.want, ", "); j.Why != why {
				t.Errorf("%s: %q, want %q", c.name, j.Why, why)
			}
		}
		if !slices.Equal(j.Witnesses, c.want) || j.Verdict != want {
			t.Errorf("%s: %s with the witnesses %q, want %s with %q", c.name, j.Verdict, j.Witnesses, want, c.want)
		}
	}
}
