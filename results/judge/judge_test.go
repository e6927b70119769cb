package judge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
)

const there, back = "there", "back"

// federated is what two servers show under P2 with good certificates: a message
// each way, over a stream of its own.
func federated() *results.Observation {
	o := &results.Observation{
		Cell:      "s2s/pkix/mutual-external:x@1:y@1",
		Scenario:  "s2s/pkix/mutual-external",
		Ended:     "stanza delivered",
		Initiator: results.Party{Subject: "x@1", Domain: "a1.lab", Policy: "P2", Certificate: "good"},
		Receiver:  results.Party{Subject: "y@1", Domain: "b1.lab", Policy: "P2", Certificate: "good"},
	}
	for n, d := range []struct{ direction, from, to, opener, target string }{
		{there, "a1.lab", "b1.lab", "initiator", "receiver"},
		{back, "b1.lab", "a1.lab", "receiver", "initiator"},
	} {
		m := results.Message{Direction: d.direction, From: "u@" + d.from, To: "u@" + d.to, Canary: "canary-" + d.direction, Delivered: 1, Order: 1}
		o.Messages = append(o.Messages, m)
		o.Streams = append(o.Streams, results.Stream{
			ID: n + 1, InitiatingParty: d.opener, ReceivingParty: d.target, Decrypted: true,
			TLS:      &results.TLS{Complete: true, Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256"},
			SASL:     []results.SASL{{Inside: true, Mechanism: "EXTERNAL", Result: "success"}},
			Stanzas:  []results.Stanza{{Direction: results.Initiating, Inside: true, Name: "message", From: m.From, To: m.To, Canary: m.Canary}},
			Canaries: []results.Sighting{{Canary: m.Canary, Direction: results.Initiating, Inside: true}},
		})
		o.Facts = append(o.Facts, results.LogFact{Party: d.opener, Direction: "out", Kind: "authenticated", Auth: results.AuthPKIX})
	}
	return o
}

// refused is the same pair when the initiator's certificate is self-signed, and
// the receiver refuses it.
func refused() *results.Observation {
	o := federated()
	o.Initiator.Certificate = "self"
	o.Messages, o.Streams, o.Facts = o.Messages[:1], o.Streams[:1], nil
	o.Messages[0].Delivered, o.Messages[0].Order = 0, 0
	o.Messages[0].Error = &results.StanzaError{Condition: "remote-server-timeout", Type: "wait"}
	s := &o.Streams[0]
	s.SASL, s.Stanzas, s.Canaries = nil, nil, nil
	s.ClosedBy, s.ClosedHow = results.Receiving, "alert bad_certificate"
	return o
}

func control(v results.Verdict) judge.Control {
	return judge.Control{Cell: "control/first:x@1:y@1", Verdict: v}
}

// TestNotJudged: what is wrong with the cell itself comes before all that was
// observed in it, the earlier before the later.
func TestNotJudged(t *testing.T) {
	o := federated()
	for _, step := range []struct {
		change func()
		want   results.Verdict
		blame  results.Blame
		why    string
	}{
		{func() {}, results.Pass, results.NoBlame, "authenticated by certificate"},
		{func() { o.Streams = nil }, results.HarnessError, results.NoBlame, "no tap saw it"},
		{func() { o.Preflight = []string{"the DNS answers NXDOMAIN", "and more"} }, results.HarnessError, results.NoBlame, "the world was not as declared: the DNS answers NXDOMAIN"},
		{func() { o.Broken = "the tap broke" }, results.HarnessError, results.NoBlame, "the tap broke"},
		{func() { o.Crashed = "receiver" }, results.Fail, results.BlameReceiver, "the receiver's server ended"},
		{func() { o.Unsupported = "x@1 has no such option" }, results.NotSupported, results.NoBlame, "configuration: x@1 has no such option"},
		{func() { o.Skipped = "the run ended" }, results.Skipped, results.NoBlame, "the run ended"},
	} {
		step.change()
		j := judge.Judge(judge.Question{}, o, nil)
		if j.Verdict != step.want || j.Blame != step.blame || !strings.Contains(j.Why, step.why) {
			t.Errorf("verdict %s, blame %q (%s), want %s, %q (%s)", j.Verdict, j.Blame, j.Why, step.want, step.blame, step.why)
		}
	}
}

// TestWorstFindingDecides: of what checks find the worst is the verdict, whatever
// the order of the checks, and only a red one blames.
func TestWorstFindingDecides(t *testing.T) {
	own := []results.Citation{{Document: "RFC 1", Section: "2", Level: results.Must}}
	row := []results.Citation{{Document: "RFC 3", Section: "4", Level: results.Should}}
	find := func(v results.Verdict) judge.Check {
		return judge.Check{Name: "not " + string(v), Find: func(*results.Observation, results.Outcome) []judge.Finding {
			return []judge.Finding{{Verdict: v, Blame: results.BlameInitiator, Why: "it is " + string(v), Cites: own, Possible: "better"}}
		}}
	}
	worstFirst := []results.Verdict{results.HarnessError, results.Exposed, results.Fail, results.NotSupported, results.NoInterop, results.Weaker, results.Inconclusive}
	for n, want := range worstFirst {
		q := judge.Question{Cites: row}
		for _, v := range slices.Backward(worstFirst[n:]) {
			q.Checks = append(q.Checks, find(v))
		}
		blame := results.NoBlame
		if want.Red() {
			blame = results.BlameInitiator
		}
		j := judge.Judge(q, federated(), nil)
		if j.Verdict != want || j.Blame != blame || j.Why != "it is "+string(want) || !slices.Equal(j.Cites, own) || j.Possible != "better" {
			t.Errorf("%s: %+v", want, j)
		}
		if !strings.HasSuffix(j.Expected, "; not "+string(want)) {
			t.Errorf("%s: expected %q does not name the check", want, j.Expected)
		}
	}
	j := judge.Judge(judge.Question{Cites: row, Checks: []judge.Check{find(results.Pass)}}, federated(), nil)
	if j.Verdict != results.Pass || !slices.Equal(j.Cites, row) {
		t.Errorf("a finding that is none: %+v", j)
	}
}

// TestRefusal: a refusal counts when every control federated, and when the
// initiator's server is known to have tried.
func TestRefusal(t *testing.T) {
	for _, c := range []struct {
		name     string
		controls []judge.Control
		change   func(*results.Observation)
		want     results.Verdict
	}{
		{name: "with its controls", controls: []judge.Control{control(results.Pass), control(results.Weaker)}, want: results.Pass},
		{name: "no control", want: results.Inconclusive},
		{name: "one control refused", controls: []judge.Control{control(results.Pass), control(results.NoInterop)}, want: results.Inconclusive},
		{name: "one control did not run", controls: []judge.Control{control(results.Skipped)}, want: results.Inconclusive},
		{name: "never tried", controls: []judge.Control{control(results.Pass)},
			change: func(o *results.Observation) { o.Streams = nil }, want: results.Inconclusive},
		{name: "asked the DNS only", controls: []judge.Control{control(results.Pass)},
			change: func(o *results.Observation) {
				o.Streams, o.Queries = nil, []results.Query{{Party: "initiator", Name: "_xmpp-server._tcp.b1.lab."}}
			}, want: results.Pass},
		{name: "told nothing", controls: []judge.Control{control(results.Pass)},
			change: func(o *results.Observation) { o.Messages[0].Error = nil }, want: results.Fail},
	} {
		o := refused()
		if c.change != nil {
			c.change(o)
		}
		if j := judge.Judge(judge.Question{}, o, c.controls); j.Verdict != c.want {
			t.Errorf("%s: verdict %s (%s), want %s", c.name, j.Verdict, j.Why, c.want)
		}
	}
}

func TestDerive(t *testing.T) {
	o := federated()
	got := judge.Derive(o)
	if !got.Delivered || !got.Encrypted || got.TLS != "TLS 1.3" || got.Auth != (results.AuthPair{Initiator: results.AuthPKIX, Receiver: results.AuthPKIX}) {
		t.Errorf("%+v", got)
	}
	o.Streams[1].TLS.Version, o.Streams[1].Canaries[0].Inside = "TLS 1.2", false
	o.Messages[0].Delivered, o.Messages[0].Error = 0, &results.StanzaError{Condition: "remote-server-timeout"}
	got = judge.Derive(o)
	if got.Delivered || got.Encrypted || got.There.Delivered != 0 || got.Back.Delivered != 1 || got.Back.Encrypted || got.TLS != "TLS 1.2" || got.Condition != "remote-server-timeout" {
		t.Errorf("%+v", got)
	}
	if empty := judge.Derive(&results.Observation{}); empty != (results.Outcome{}) {
		t.Errorf("of nothing came %+v", empty)
	}
}

func ExampleJudge() {
	obs := federated()
	obs.Streams[0].TLS.Version = "TLS 1.2"
	q := judge.Question{Checks: []judge.Check{judge.PrefersTLS("TLS 1.3")}}
	j := judge.Judge(q, obs, nil)
	fmt.Println(j.Verdict, j.Blame, j.Why)
	// Output: weaker  TLS 1.2 was negotiated: the initiator did not offer TLS 1.3
}
