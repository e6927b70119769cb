package suites

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/results/oracle"
)

// spectacle is what two servers would show that do the best which their
// settings allow. Broken subjects are made from it, one act at a time.
type spectacle struct{ results.Observation }

func ideal(s *Scenario, w World) *spectacle {
	sp := &spectacle{results.Observation{
		Cell: CellID(s.ID, w.Name, "x@1", "y@1"), Scenario: s.ID, Ended: "stanza delivered",
		Initiator: results.Party{Subject: "x@1", Domain: "a1.lab", Policy: string(w.Initiator.Policy), Certificate: string(w.Initiator.Certificate)},
		Receiver:  results.Party{Subject: "y@1", Domain: "b1.lab", Policy: string(w.Receiver.Policy), Certificate: string(w.Receiver.Certificate)},
		Controls:  []string{"control/first:x@1:y@1", "control/last:x@1:y@1"},
		Attack:    string(w.Attack), Shown: string(w.Attack.Shown()),
	}}
	if w.DirectTLS {
		sp.Queries = []results.Query{{Party: "initiator", Name: "_xmpps-server._tcp.b1.lab.", Type: "SRV"},
			{Party: "receiver", Name: "_xmpps-server._tcp.a1.lab.", Type: "SRV"}}
	}
	if w.Attack != "" {
		sp.Acts = []results.Act{{Direction: there, Text: "acted"}}
	}
	sp.direction(there, s.Stimulus.Count, s.Stimulus.Kind == "iq")
	if sp.Messages[0].Delivered > 0 || !s.Stimulus.Reply {
		sp.direction(back, s.Stimulus.Count, s.Stimulus.Kind == "iq")
	}
	if w.Initiator.Bidi && w.Receiver.Bidi {
		sp.bothWays()
	}
	return sp
}

// bothWays puts what comes back on the stream that leads there (XEP-0288).
func (sp *spectacle) bothWays() {
	one, other := &sp.Streams[0], sp.Streams[1]
	one.Features = []results.Features{{Inside: true, Mechanisms: []string{"EXTERNAL"}, Bidi: true}}
	one.Bidi = []results.BidiRequest{{Inside: true}}
	for _, st := range other.Stanzas {
		st.Direction = results.Receiving
		one.Stanzas = append(one.Stanzas, st)
	}
	for _, c := range other.Canaries {
		c.Direction = results.Receiving
		one.Canaries = append(one.Canaries, c)
	}
	sp.Streams = sp.Streams[:1]
}

// oneWay puts what comes back on a stream of its own again.
func (sp *spectacle) oneWay() {
	one := &sp.Streams[0]
	other := results.Stream{ID: len(sp.Streams) + 1, InitiatingParty: one.ReceivingParty, ReceivingParty: one.InitiatingParty,
		Decrypted: true, TLS: one.TLS, SASL: one.SASL}
	one.Canaries = slices.DeleteFunc(one.Canaries, func(c results.Sighting) bool {
		if c.Direction != results.Receiving {
			return false
		}
		c.Direction = results.Initiating
		other.Canaries = append(other.Canaries, c)
		return true
	})
	if len(other.Canaries) > 0 {
		sp.Streams = append(sp.Streams, other)
	}
}

const (
	there = "there"
	back  = "back"
)

func (sp *spectacle) parties(direction string) (from, to results.Party, fromRole, toRole string) {
	if direction == there {
		return sp.Initiator, sp.Receiver, "initiator", "receiver"
	}
	return sp.Receiver, sp.Initiator, "receiver", "initiator"
}

// direction adds the messages of one direction and the stream that they take.
func (sp *spectacle) direction(name string, count int, query bool) {
	from, to, fromRole, toRole := sp.parties(name)
	si, _ := oracle.For(from.Policy, cmp.Or(sp.Shown, from.Certificate))
	sr, _ := oracle.For(to.Policy, cmp.Or(sp.Shown, to.Certificate))
	best := oracle.Ask(si, sr).Best
	if sp.Attack == string(RedirectToWeb) {
		best = oracle.NO // nobody speaks XMPP there
	}
	stream := results.Stream{ID: len(sp.Streams) + 1, InitiatingParty: fromRole, ReceivingParty: toRole, Decrypted: true}
	encrypted := best.Encrypted()
	if si.TLS != oracle.Disabled && sr.TLS != oracle.Disabled {
		stream.StartTLS = results.StartTLS{Asked: true, Proceeded: true}
		stream.TLS = &results.TLS{Complete: true, Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", Offered: []string{"TLS 1.2", "TLS 1.3"}}
	}
	auth := ""
	switch best {
	case oracle.SE:
		stream.SASL = []results.SASL{{Inside: true, Mechanism: "EXTERNAL", Result: "success"}}
		auth = "pkix"
	case oracle.TD, oracle.PD:
		stream.Dialback = []results.Dialback{
			{Direction: results.Initiating, Inside: encrypted, Name: "result", From: from.Domain, To: to.Domain, Key: true},
			{Direction: results.Receiving, Inside: encrypted, Name: "result", From: to.Domain, To: from.Domain, Type: "valid"},
		}
		auth = "dialback"
	case oracle.NO:
		stream.ClosedBy, stream.ClosedHow = results.Initiating, "alert bad_certificate"
	}
	for n := range count {
		m := results.Message{Direction: name, From: "u@" + from.Domain + "/r", To: "v@" + to.Domain + "/r", Canary: fmt.Sprintf("%s%d", name, n), Query: query}
		if best == oracle.NO {
			m.Error = &results.StanzaError{Condition: "remote-server-timeout", Type: "wait"}
		} else {
			m.Delivered, m.Order = 1, n+1
			m.Answered = m.Query
			stream.Stanzas = append(stream.Stanzas, results.Stanza{Direction: results.Initiating, Inside: encrypted, Name: "message", From: m.From, To: m.To, Canary: m.Canary})
			stream.Canaries = append(stream.Canaries, results.Sighting{Canary: m.Canary, Direction: results.Initiating, Inside: encrypted})
		}
		sp.Messages = append(sp.Messages, m)
	}
	sp.Streams = append(sp.Streams, stream)
	if auth != "" {
		sp.Facts = append(sp.Facts, results.LogFact{Party: fromRole, Direction: "out", Kind: "authenticated", Auth: results.Auth(auth)})
	}
}

// deliver makes every message of a direction arrive over its stream.
func (sp *spectacle) deliver(name string, inside bool, auth results.Auth) {
	from, to, fromRole, _ := sp.parties(name)
	for k := range sp.Streams {
		s := &sp.Streams[k]
		if s.InitiatingParty != fromRole {
			continue
		}
		s.Stanzas, s.Canaries, s.SASL, s.Dialback = nil, nil, nil, nil
		if inside && s.TLS == nil {
			s.TLS = &results.TLS{Complete: true, Version: "TLS 1.3"}
		}
		switch auth {
		case results.AuthPKIX:
			s.SASL = []results.SASL{{Inside: inside, Mechanism: "EXTERNAL", Result: "success"}}
		case results.AuthDialback:
			s.Dialback = []results.Dialback{{Direction: results.Receiving, Inside: inside, Name: "result", From: to.Domain, To: from.Domain, Type: "valid"}}
		}
		order := 0
		for i := range sp.Messages {
			m := &sp.Messages[i]
			if m.Direction != name {
				continue
			}
			order++
			m.Delivered, m.Order, m.Error, m.Answered = 1, order, nil, m.Query
			s.Stanzas = append(s.Stanzas, results.Stanza{Direction: results.Initiating, Inside: inside, Name: "message", From: m.From, To: m.To, Canary: m.Canary})
			s.Canaries = append(s.Canaries, results.Sighting{Canary: m.Canary, Direction: results.Initiating, Inside: inside})
		}
	}
}

// broken are subjects that each break one rule.
var broken = []struct {
	name string
	do   func(*spectacle)
}{
	{"sends in clear", func(sp *spectacle) { sp.deliver(there, false, results.AuthDialback) }},
	{"delivers unauthenticated", func(sp *spectacle) { sp.deliver(there, true, results.AuthNone) }},
	{"accepts any certificate", func(sp *spectacle) { sp.deliver(there, true, results.AuthPKIX) }},
	{"falls back to dialback", func(sp *spectacle) { sp.deliver(there, true, results.AuthDialback) }},
	{"says nothing to the sender", func(sp *spectacle) {
		for i := range sp.Messages {
			sp.Messages[i].Error, sp.Messages[i].Delivered = nil, 0
		}
		sp.Ended = "neither delivered nor refused within 30s"
	}},
	{"delivers twice", func(sp *spectacle) { sp.Messages[0].Delivered = 2 }},
	{"reorders", func(sp *spectacle) {
		if len(sp.Messages) > 1 {
			sp.Messages[0].Order, sp.Messages[1].Order = 2, 1
		}
	}},
	{"negotiates TLS 1.1", func(sp *spectacle) {
		for i := range sp.Streams {
			if sp.Streams[i].TLS != nil {
				sp.Streams[i].TLS.Version = "TLS 1.1"
			}
		}
	}},
	{"offers no EXTERNAL", func(sp *spectacle) {
		sp.deliver(there, true, results.AuthDialback)
		for i := range sp.Streams {
			sp.Streams[i].Features = []results.Features{{Inside: true, Dialback: "offered"}}
		}
	}},
	{"is left alone by the attacker", func(sp *spectacle) { sp.Acts = nil }},
	{"answers who spoke in clear", func(sp *spectacle) {
		sp.Streams[0].Headers = append(sp.Streams[0].Headers, results.Header{Direction: results.Receiving, Inside: true, To: "mallory." + TLD})
	}},
	{"speaks STARTTLS to direct TLS", func(sp *spectacle) {
		sp.Streams[0].ClearBytes = map[results.Direction]int{results.Initiating: 100}
	}},
	{"asks for a stream both ways in clear", func(sp *spectacle) { sp.Streams[0].Bidi = []results.BidiRequest{{}} }},
	{"answers on a stream of its own", (*spectacle).oneWay},
	{"has no forward secrecy", func(sp *spectacle) {
		for i := range sp.Streams {
			if sp.Streams[i].TLS != nil {
				sp.Streams[i].TLS.Suite = "TLS_RSA_WITH_AES_128_CBC_SHA"
			}
		}
	}},
}

func passing(obs *results.Observation) map[string]judge.Control {
	m := map[string]judge.Control{}
	for _, id := range obs.Controls {
		m[id] = judge.Control{Cell: id, Verdict: results.Pass}
	}
	return m
}

func judgeIt(t *testing.T, sp *spectacle, controls map[string]judge.Control) judge.Judgement {
	t.Helper()
	j, err := Grade(&sp.Observation, controls)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// worlds calls f for every world of every scenario that has one of its own.
func worlds(t *testing.T, f func(t *testing.T, s *Scenario, w World)) {
	for _, s := range All() {
		for _, w := range s.Worlds {
			if w.Scripted() {
				continue // the self-test has these, with real subjects
			}
			t.Run(CellID(s.ID, w.Name, "x", "y"), func(t *testing.T) { f(t, s, w) })
		}
	}
}

// TestIdealPasses: two servers that do the best which their settings allow pass
// every scenario.
func TestIdealPasses(t *testing.T) {
	worlds(t, func(t *testing.T, s *Scenario, w World) {
		sp := ideal(s, w)
		want := results.Pass
		if w.WeakAtBest() {
			want = results.Weaker
		}
		if j := judgeIt(t, sp, passing(&sp.Observation)); j.Verdict != want {
			t.Errorf("verdict %s (%s), want %s", j.Verdict, j.Why, want)
		}
	})
}

// TestEveryScenarioGoesRed: each world of each scenario is turned red by a
// subject that breaks a rule.
func TestEveryScenarioGoesRed(t *testing.T) {
	worlds(t, func(t *testing.T, s *Scenario, w World) {
		var caught []string
		for _, b := range broken {
			sp := ideal(s, w)
			b.do(sp)
			if j := judgeIt(t, sp, passing(&sp.Observation)); j.Verdict.Red() {
				caught = append(caught, b.name)
				if j.Why == "" || len(j.Cites) == 0 {
					t.Errorf("%s: red without a reason and a citation: %+v", b.name, j)
				}
			}
		}
		if len(caught) == 0 {
			t.Error("no broken subject turns it red")
		}
	})
}

// TestChecksBite: every check that a scenario adds is the one that catches a
// broken subject which the oracle alone would let pass.
func TestChecksBite(t *testing.T) {
	worlds(t, func(t *testing.T, s *Scenario, w World) {
		for k, c := range s.Checks {
			bites := false
			for _, b := range broken {
				sp := ideal(s, w)
				b.do(sp)
				if found := c.Find(&sp.Observation, judge.Derive(&sp.Observation)); len(found) > 0 {
					bites = true
				}
			}
			if w.WeakAtBest() {
				bites = bites || len(c.Find(&ideal(s, w).Observation, judge.Derive(&ideal(s, w).Observation))) > 0
			}
			if !bites {
				t.Errorf("check %d (%s) is caught out by nothing", k, c.Name)
			}
		}
	})
}

// TestNegativeNeedsControl: a refusal counts only when the controls passed.
func TestNegativeNeedsControl(t *testing.T) {
	s, err := Lookup("s2s/pkix/untrusted-issuer")
	if err != nil {
		t.Fatal(err)
	}
	sp := ideal(s, s.Worlds[0])
	controls := passing(&sp.Observation)
	if j := judgeIt(t, sp, controls); j.Verdict != results.Pass {
		t.Fatalf("with its controls: %s (%s)", j.Verdict, j.Why)
	}
	for _, v := range []results.Verdict{results.NoInterop, results.HarnessError, results.Inconclusive, results.Fail} {
		controls["control/last:x@1:y@1"] = judge.Control{Cell: "control/last:x@1:y@1", Verdict: v, Why: "dead"}
		if j := judgeIt(t, sp, controls); j.Verdict != results.Inconclusive {
			t.Errorf("last control %s: verdict %s, want inconclusive", v, j.Verdict)
		}
	}
	if j := judgeIt(t, sp, nil); j.Verdict != results.Inconclusive {
		t.Errorf("controls did not run: verdict %s, want inconclusive", j.Verdict)
	}
}

// TestDeadServerPassesNothing: a pair in which nothing happens passes no cell.
func TestDeadServerPassesNothing(t *testing.T) {
	worlds(t, func(t *testing.T, s *Scenario, w World) {
		sp := ideal(s, w)
		sp.Streams, sp.Facts, sp.Queries = nil, nil, nil
		for i := range sp.Messages {
			sp.Messages[i].Delivered = 0
			sp.Messages[i].Error = &results.StanzaError{Condition: "remote-server-timeout"}
		}
		if j := judgeIt(t, sp, passing(&sp.Observation)); slices.Contains([]results.Verdict{results.Pass, results.Weaker}, j.Verdict) {
			t.Errorf("verdict %s (%s) for servers that never spoke", j.Verdict, j.Why)
		}
	})
}

// TestNothingSeen: a scene in which nothing was seen, or only the notes were
// written, passes nothing.
func TestNothingSeen(t *testing.T) {
	for _, s := range All() {
		for _, w := range s.Worlds {
			if !w.Scripted() {
				continue
			}
			obs := results.Observation{Cell: CellID(s.ID, w.Name, judge.PeerName, "x@1"), Scenario: s.ID,
				Initiator: results.Party{Subject: judge.PeerName}, Receiver: results.Party{Subject: "x@1", Policy: string(w.Subject().Policy)},
				Controls: []string{"control/first:x@1:y@1"}}
			if w.Scene.Initiates {
				obs.Cell = CellID(s.ID, w.Name, "x@1", judge.PeerName)
				obs.Initiator, obs.Receiver = obs.Receiver, obs.Initiator
			}
			var notes []results.Note
			for _, e := range w.Scene.Expect {
				if !e.Optional {
					notes = append(notes, results.Note{Name: e.Note, Value: strings.TrimSuffix(e.Pass[0], "*")})
				}
			}
			for _, n := range [][]results.Note{nil, notes} {
				obs.Notes = n
				j, err := Grade(&obs, passing(&obs))
				if err != nil {
					t.Fatal(err)
				}
				if slices.Contains([]results.Verdict{results.Pass, results.Weaker}, j.Verdict) {
					t.Errorf("%s: %s (%s) with %d notes and no stream", obs.Cell, j.Verdict, j.Why, len(n))
				}
			}
		}
	}
}

// TestUnreadStream: nothing rests on a stream that could not be decrypted.
func TestUnreadStream(t *testing.T) {
	s, err := Lookup("s2s/pkix/mutual-external")
	if err != nil {
		t.Fatal(err)
	}
	sp := ideal(s, s.Worlds[0])
	for i := range sp.Streams {
		st := &sp.Streams[i]
		st.Decrypted, st.Reason = false, "no secret was logged"
		st.SASL, st.Stanzas, st.Canaries = nil, nil, nil
	}
	if j := judgeIt(t, sp, passing(&sp.Observation)); j.Verdict != results.Inconclusive {
		t.Errorf("verdict %s (%s), want inconclusive", j.Verdict, j.Why)
	}
}

// TestPlaintextOnEncryptedStream: whoever breaks TLS is blamed, not who fell
// silent because of it.
func TestPlaintextOnEncryptedStream(t *testing.T) {
	s, err := Lookup("s2s/dialback/simultaneous")
	if err != nil {
		t.Fatal(err)
	}
	sp := ideal(s, s.Worlds[0])
	sp.Messages[3].Delivered, sp.Messages[3].Order = 0, 0
	sp.Ended = "neither delivered nor refused within 30s"
	sp.Streams[0].BrokeTLS, sp.Streams[0].Reason = results.Receiving, "record 13 begins with the octets 3c 73 74 72 65: not TLS"
	if j := judgeIt(t, sp, passing(&sp.Observation)); j.Verdict != results.Fail || j.Blame != results.BlameReceiver || !strings.Contains(j.Why, "plaintext") {
		t.Errorf("verdict %s, blame %q (%s), want a failure of the receiver", j.Verdict, j.Blame, j.Why)
	}
}

// TestUndeliveredInClear: what is lost on the way and was seen in clear is a
// leak all the same.
func TestUndeliveredInClear(t *testing.T) {
	s, err := Lookup("s2s/starttls/required-both")
	if err != nil {
		t.Fatal(err)
	}
	sp := ideal(s, s.Worlds[0])
	sp.Messages[0].Delivered, sp.Messages[0].Error = 0, &results.StanzaError{Condition: "remote-server-timeout"}
	sp.Streams[0].Canaries[0].Inside, sp.Streams[0].Stanzas = false, nil
	if j := judgeIt(t, sp, passing(&sp.Observation)); j.Verdict != results.Exposed || j.Blame != results.BlameInitiator {
		t.Errorf("verdict %s, blame %q (%s), want exposed by the initiator", j.Verdict, j.Blame, j.Why)
	}
}

// TestWayBackNamesTheCell: a sentence about the way back speaks of the cell's
// initiator and receiver, not of the stream's.
func TestWayBackNamesTheCell(t *testing.T) {
	s, err := Lookup("s2s/dialback/self-signed-strict-refused")
	if err != nil {
		t.Fatal(err)
	}
	sp := ideal(s, s.Worlds[1]) // P2 meets P1 with a self-signed certificate
	sp.deliver(there, true, results.AuthPKIX)
	sp.direction(back, 1, false)
	sp.deliver(back, true, results.AuthDialback)
	j := judgeIt(t, sp, passing(&sp.Observation))
	if j.Verdict != results.Exposed || j.Blame != results.BlameInitiator || strings.Contains(j.Why, "the receiver must refuse") {
		t.Errorf("verdict %s, blame %q: %s", j.Verdict, j.Blame, j.Why)
	}
}

func TestReproduce(t *testing.T) {
	subjects := []results.Subject{{Name: "prosody@13", Image: "testday/prosody:1 sha256:2"}, {Name: "mine", Image: "me/server:dev sha256:3"}}
	for cell, want := range map[string]string{
		"a/b:prosody@13:prosody@13": "make interop SERVERS=prosody@13 CELL=a/b:prosody@13:prosody@13",
		"a/b:mine:prosody@13":       "make interop SERVERS=mine=me/server:dev,prosody@13 CELL=a/b:mine:prosody@13",
	} {
		if got := Reproduce(cell, subjects); got != want {
			t.Errorf("%s: %q, want %q", cell, got, want)
		}
	}
}

// TestAnswerLost: a query that arrived and whose answer did not is nobody's
// broken rule, and no pass.
func TestAnswerLost(t *testing.T) {
	s, err := Lookup("xsf2010/level-1")
	if err != nil {
		t.Fatal(err)
	}
	sp := ideal(s, s.Worlds[0])
	sp.Messages[0].Answered = false
	if j := judgeIt(t, sp, passing(&sp.Observation)); j.Verdict != results.NoInterop {
		t.Errorf("verdict %s (%s), want no-interop", j.Verdict, j.Why)
	}
}

// TestLeakInClear: a canary, localpart or resource in clear is exposed even if
// the message itself arrived over TLS.
func TestLeakInClear(t *testing.T) {
	s, err := Lookup("s2s/attacker/leak-inventory")
	if err != nil {
		t.Fatal(err)
	}
	sp := ideal(s, s.Worlds[0])
	sp.Streams[0].Canaries = append(sp.Streams[0].Canaries, results.Sighting{Canary: "alice1234", Direction: results.Initiating})
	if j := judgeIt(t, sp, passing(&sp.Observation)); j.Verdict != results.Exposed || j.Blame != results.BlameInitiator {
		t.Errorf("verdict %s, blame %q, want exposed by the initiator", j.Verdict, j.Blame)
	}
}

// TestInventoryIsPublished: what an onlooker learned stands in the cells of the
// scenario that asks, and in no other.
func TestInventoryIsPublished(t *testing.T) {
	for id, want := range map[string][]string{
		"s2s/attacker/leak-inventory": {
			"initiator's stream: TLS server name: b1.lab", "initiator's stream: stream to: b1.lab",
			"receiver's stream: stream to: a1.lab", "stranger's stream: stream to: a1.lab",
		},
		"s2s/pkix/mutual-external": nil,
	} {
		s, err := Lookup(id)
		if err != nil {
			t.Fatal(err)
		}
		sp := ideal(s, s.Worlds[0])
		sp.Streams = []results.Stream{
			{InitiatingParty: "receiver", Inventory: []string{"stream to: a1.lab"}},
			{InitiatingParty: "initiator", Inventory: []string{"stream to: b1.lab", "TLS server name: b1.lab"}},
			{InitiatingParty: "initiator", Inventory: []string{"stream to: b1.lab"}},
			{Inventory: []string{"stream to: a1.lab"}},
		}
		if c := Publish(&sp.Observation, judge.Judgement{Verdict: results.Pass}, nil, nil); !slices.Equal(c.Inventory, want) {
			t.Errorf("%s: inventory %q, want %q", id, c.Inventory, want)
		}
	}
}
