package oracle

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/results"
)

// at is For without the error, for tables: "P1/self".
func at(t testing.TB, side string) Setting {
	t.Helper()
	policy, certificate, _ := strings.Cut(side, "/")
	s, err := For(policy, certificate)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFor(t *testing.T) {
	for side, want := range map[string]Setting{
		"off/good":   {Disabled, Valid, false, true},
		"P0/self":    {Optional, Invalid, false, true},
		"P1/srvonly": {Required, ServerOnly, false, true},
		"P2/":        {Required, Missing, true, false},
		"P2/unkca":   {Required, Invalid, true, false},
		"P2/expired": {Required, Invalid, true, false},
		"P2/future":  {Required, Invalid, true, false},
		"P2/other":   {Required, Invalid, true, false},
		"P2/nochain": {Required, Invalid, true, false},
	} {
		if got := at(t, side); got != want {
			t.Errorf("%s: got %+v, want %+v", side, got, want)
		}
	}
	for _, c := range []struct{ policy, certificate, want string }{
		{"P3", "good", `unknown policy "P3"`},
		{"P1", "best", `unknown kind of certificate "best"`},
	} {
		if _, err := For(c.policy, c.certificate); err == nil || err.Error() != c.want {
			t.Errorf("For(%q, %q): got error %v, want %s", c.policy, c.certificate, err, c.want)
		}
	}
}

// TestAsk pins the points that the lab runs most, the best first.
func TestAsk(t *testing.T) {
	for _, c := range []struct {
		i, r string
		want []Class
	}{
		{"off/good", "off/good", []Class{PD, NO}},
		{"off/good", "P0/good", []Class{PD, NO}},
		{"P0/good", "off/good", []Class{PD, NO}},
		{"off/good", "P1/good", []Class{NO}},
		{"P1/good", "off/good", []Class{NO}},
		{"P2/good", "off/good", []Class{NO}},
		{"off/good", "P2/good", []Class{NO}},

		{"P0/good", "P0/good", []Class{SE, TD, PD, NO}},
		{"P0/self", "P0/good", []Class{TD, PD, NO}},
		{"P0/self", "P0/self", []Class{TD, PD, NO}},
		{"P0/good", "P0/self", []Class{SE, TD, PD, NO}},
		{"P0/srvonly", "P0/good", []Class{SE, TD, PD, NO}},
		{"P0/good", "P0/", []Class{PD, NO}},
		{"P0/good", "P1/good", []Class{SE, TD, NO}},
		{"P0/good", "P2/good", []Class{SE, NO}},
		{"P0/self", "P2/good", []Class{NO}},

		{"P1/good", "P1/good", []Class{SE, TD, NO}},
		{"P1/srvonly", "P1/srvonly", []Class{SE, TD, NO}},
		{"P1/self", "P1/self", []Class{TD, NO}},
		{"P1/", "P1/good", []Class{TD, NO}},
		{"P1/good", "P1/", []Class{NO}},
		{"P1/good", "P0/good", []Class{SE, TD, NO}},
		{"P1/good", "P1/expired", []Class{SE, TD, NO}},
		{"P1/expired", "P1/good", []Class{TD, NO}},

		{"P2/good", "P2/good", []Class{SE, NO}},
		{"P2/srvonly", "P2/good", []Class{SE, NO}},
		{"P2/good", "P2/srvonly", []Class{SE, NO}},
		{"P2/good", "P1/self", []Class{NO}},
		{"P1/self", "P2/good", []Class{NO}},
		{"P1/good", "P2/self", []Class{SE, NO}},
		{"P2/self", "P1/good", []Class{NO}},
		{"P2/good", "P1/good", []Class{SE, NO}},
		{"P1/good", "P2/good", []Class{SE, NO}},
		{"P2/", "P2/good", []Class{NO}},
	} {
		got := Ask(at(t, c.i), at(t, c.r))
		if !slices.Equal(got.Allowed, c.want) || got.Best != c.want[0] {
			t.Errorf("%s to %s: got %v (best %v), want %v", c.i, c.r, got.Allowed, got.Best, c.want)
		}
	}
}

// TestRule holds a case for each branch of Rule and each fault.
func TestRule(t *testing.T) {
	const (
		validates  = "must refuse a certificate that does not validate"
		notInForce = "its policy was not in force"
	)
	for _, c := range []struct {
		i, r    string
		seen    Class
		verdict results.Verdict
		blame   results.Blame
		why     string // a substring
		cite    string // "document section level", the first
	}{
		// Plaintext where TLS is required, by who required it.
		{"P1/good", "P0/good", PD, results.Exposed, results.BlameInitiator, "the initiator requires TLS and sent a stanza in clear", "manifesto  POLICY"},
		{"P0/good", "P1/good", PD, results.Exposed, results.BlameReceiver, "the receiver requires TLS and accepted a stanza in clear", "RFC 6120 5.3.1 MUST"},
		{"P1/good", "P1/good", PD, results.Exposed, results.BlameBoth, "sent a stanza in clear, and the receiver requires TLS and accepted", "manifesto  POLICY"},
		{"P1/good", "off/good", PD, results.Exposed, results.BlameInitiator, "the initiator requires TLS", "manifesto  POLICY"},
		{"off/good", "P2/good", PD, results.Exposed, results.BlameReceiver, "the receiver requires TLS", "RFC 6120 5.3.1 MUST"},
		{"P2/good", "P1/self", PD, results.Exposed, results.BlameBoth, "the initiator requires TLS", "manifesto  POLICY"},
		{"P1/good", "P0/good", PN, results.Exposed, results.BlameBoth, "in clear, and the receiver accepted a stanza from an initiator", "manifesto  POLICY"},

		// Nothing authenticated.
		{"P0/good", "P0/good", PN, results.Exposed, results.BlameReceiver, "had not authenticated", "RFC 6120 4.9.3.12 MUST"},
		{"P1/good", "P1/good", TN, results.Exposed, results.BlameReceiver, "had not authenticated", "RFC 6120 4.9.3.12 MUST"},
		{"off/good", "off/good", PN, results.Exposed, results.BlameReceiver, "had not authenticated", "RFC 6120 4.9.3.12 MUST"},

		// An authentication that should have failed.
		{"P1/self", "P1/good", SE, results.Exposed, results.BlameReceiver, "accepted an invalid certificate as proof", "RFC 6120 13.7.2 MUST"},
		{"P1/", "P1/good", SE, results.Exposed, results.BlameReceiver, "EXTERNAL from an initiator that has no certificate", "RFC 6120 4.9.3.12 MUST"},
		{"P2/good", "P1/self", SE, results.Exposed, results.BlameInitiator, "the initiator " + validates, "RFC 6120 13.7.2 MUST"},
		{"P2/good", "P1/self", TD, results.Exposed, results.BlameInitiator, "the initiator " + validates, "RFC 6120 13.7.2 MUST"},
		{"P2/self", "P2/self", SE, results.Exposed, results.BlameBoth, "accepted an invalid certificate as proof of the initiator's identity, and the initiator " + validates, "RFC 6120 13.7.2 MUST"},
		{"P1/self", "P2/good", TD, results.Exposed, results.BlameReceiver, "the receiver " + validates, "RFC 6120 13.7.2 MUST"},
		{"P1/good", "P2/good", TD, results.Exposed, results.BlameReceiver, "the receiver accepts no dialback and let an initiator in by it", "XEP-0220 2.5 POLICY"},
		{"P2/good", "P2/good", TD, results.Exposed, results.BlameReceiver, "the receiver accepts no dialback", "XEP-0220 2.5 POLICY"},
		{"P1/", "P2/good", TD, results.Exposed, results.BlameReceiver, "the receiver accepts no dialback", "XEP-0220 2.5 POLICY"},

		// A policy that was not in force. An exposure goes before it.
		{"off/good", "P1/good", TD, results.HarnessError, results.NoBlame, "the initiator's TLS is disabled and it negotiated TLS: " + notInForce, ""},
		{"P1/good", "off/good", SE, results.HarnessError, results.NoBlame, "the receiver's TLS is disabled and it negotiated TLS: " + notInForce, ""},
		{"P0/good", "P0/", TD, results.HarnessError, results.NoBlame, "the receiver has no certificate and negotiated TLS", ""},
		{"P2/good", "P1/good", TD, results.HarnessError, results.NoBlame, "the initiator's dialback is disabled", ""},
		{"off/self", "P1/good", SE, results.Exposed, results.BlameReceiver, "accepted an invalid certificate as proof", "RFC 6120 13.7.2 MUST"},

		// Works, and could be better.
		{"P0/good", "P0/good", PD, results.Weaker, results.NoBlame, "sent in clear, though both sides can do TLS", "RFC 7590 3.1 SHOULD"},
		{"P0/self", "P0/self", PD, results.Weaker, results.NoBlame, "sent in clear, though both sides can do TLS", "RFC 7590 3.1 SHOULD"},
		{"P1/good", "P1/good", TD, results.Weaker, results.NoBlame, "authenticated by dialback, though its certificate is valid", "RFC 7590 3.4 SHOULD"},
		{"P1/srvonly", "P1/good", TD, results.Weaker, results.NoBlame, "valid (extended key usage serverAuth only)", "community  POLICY"},
		{"P1/good", "P1/self", TD, results.Weaker, results.NoBlame, "authenticated by dialback, though its certificate is valid", "RFC 7590 3.4 SHOULD"},

		// Nobody broke a rule, and nothing arrived.
		{"P1/good", "P1/good", NO, results.NoInterop, results.NoBlame, "though both sides allow TLS with EXTERNAL", "RFC 7590 3.4 SHOULD"},
		{"P1/self", "P1/self", NO, results.NoInterop, results.NoBlame, "though both sides allow TLS with dialback", "RFC 7590 3.4 MAY"},
		{"P1/good", "P1/self", NO, results.NoInterop, results.NoBlame, "neither side must refuse TLS with EXTERNAL to a receiver whose certificate is invalid", "RFC 7590 3.4 MAY"},
		{"P2/srvonly", "P2/good", NO, results.NoInterop, results.NoBlame, "valid (extended key usage serverAuth only)", "community  POLICY"},
		{"off/good", "P0/good", NO, results.NoInterop, results.NoBlame, "though both sides allow dialback in clear", "XEP-0238 1 MAY"},

		// The best.
		{"P2/good", "P2/good", SE, results.Pass, results.NoBlame, "authenticated by its certificate", "RFC 7590 3.4 SHOULD"},
		{"P2/srvonly", "P2/good", SE, results.Pass, results.NoBlame, "authenticated by its certificate", "RFC 7590 3.4 SHOULD"},
		{"P1/good", "P1/self", SE, results.Pass, results.NoBlame, "authenticated by its certificate", "RFC 7590 3.4 SHOULD"},
		{"P1/self", "P1/self", TD, results.Pass, results.NoBlame, "by dialback, which is all", "RFC 7590 3.4 MAY"},
		{"off/good", "off/good", PD, results.Pass, results.NoBlame, "in clear, the initiator authenticated by dialback", "XEP-0238 1 MAY"},
		{"P1/good", "off/good", NO, results.Pass, results.NoBlame, "as it must be: one side requires TLS and the other has it disabled", "manifesto  POLICY"},
		{"off/good", "P1/good", NO, results.Pass, results.NoBlame, "one side requires TLS and the other has it disabled", "manifesto  POLICY"},
		{"P0/good", "P1/", NO, results.Pass, results.NoBlame, "TLS is required and the receiver has no certificate", "manifesto  POLICY"},
		{"P1/good", "P0/", NO, results.Pass, results.NoBlame, "TLS is required and the receiver has no certificate", "manifesto  POLICY"},
		{"P2/good", "P1/self", NO, results.Pass, results.NoBlame, "the receiver's certificate is invalid and the initiator must refuse it", "RFC 6120 13.7.2 MUST"},
		{"P1/self", "P2/good", NO, results.Pass, results.NoBlame, "the initiator's certificate is invalid and the receiver must refuse it", "RFC 6120 13.7.2 MUST"},
		{"P2/self", "P1/good", NO, results.Pass, results.NoBlame, "neither a certificate nor dialback can authenticate the initiator", "RFC 6120 4.9.3.12 MUST"},

		// Nothing is concluded from what was not seen.
		{"P1/good", "P1/good", Unknown, results.Inconclusive, results.NoBlame, "was not seen", ""},
		{"P1/good", "P1/good", Class(99), results.Inconclusive, results.NoBlame, "was not seen", ""},
	} {
		a := Ask(at(t, c.i), at(t, c.r))
		got := a.Rule(c.seen)
		var first string
		if len(got.Cites) > 0 {
			first = got.Cites[0].Document + " " + got.Cites[0].Section + " " + string(got.Cites[0].Level)
		}
		if got.Verdict != c.verdict || got.Blame != c.blame || !strings.Contains(got.Why, c.why) || first != c.cite {
			t.Errorf("%s to %s, %v:\n got %s %q %q %q\nwant %s %q %q %q", c.i, c.r, c.seen,
				got.Verdict, got.Blame, got.Why, first, c.verdict, c.blame, c.why, c.cite)
		}
		possible := ""
		if c.verdict == results.Weaker || c.verdict == results.NoInterop {
			possible = a.Best.String()
		}
		if got.Possible != possible {
			t.Errorf("%s to %s, %v: possible %q, want %q", c.i, c.r, c.seen, got.Possible, possible)
		}
	}
}

// settings lists every setting there is.
func settings() []Setting {
	var all []Setting
	for _, tls := range []Encryption{Disabled, Optional, Required} {
		for _, certificate := range []State{Missing, Invalid, Valid, ServerOnly} {
			for _, flags := range []int{0, 1, 2, 3} {
				all = append(all, Setting{tls, certificate, flags&1 != 0, flags&2 != 0})
			}
		}
	}
	return all
}

// TestInvariants holds what must be true of every pair of settings, whatever
// the tables say.
func TestInvariants(t *testing.T) {
	for _, i := range settings() {
		for _, r := range settings() {
			a := Ask(i, r)
			if a.Best != a.Allowed[0] || a.Allowed[len(a.Allowed)-1] != NO {
				t.Fatalf("%+v to %+v: best %v of %v", i, r, a.Best, a.Allowed)
			}
			why, cites := a.Impossible()
			if impossible := a.Best == NO; impossible != (why != "") || impossible != (len(cites) > 0) {
				t.Errorf("%+v to %+v: best is %v and the reason against is %q, %v", i, r, a.Best, why, cites)
			}
			for _, c := range []Class{NO, PD, TD, SE, PN, TN} {
				got := a.Rule(c)
				allowed := slices.Contains(a.Allowed, c)
				switch {
				case c == a.Best && got.Verdict != results.Pass,
					c != a.Best && got.Verdict == results.Pass,
					allowed != (got.Verdict == results.Pass || got.Verdict == results.Weaker || got.Verdict == results.NoInterop),
					got.Verdict == results.NoInterop && c != NO,
					(got.Verdict == results.Exposed) != (got.Blame != results.NoBlame),
					(c == PN || c == TN) && got.Verdict != results.Exposed,
					c.Clear() && (i.TLS == Required || r.TLS == Required) && got.Verdict != results.Exposed,
					got.Why == "",
					got.Verdict != results.HarnessError && len(got.Cites) == 0:
					t.Errorf("%+v to %+v, %v: %+v (allowed %v)", i, r, c, got, a.Allowed)
				}
				seen := map[results.Citation]bool{}
				for _, cite := range got.Cites {
					if seen[cite] {
						t.Errorf("%+v to %+v, %v: cites %v twice", i, r, c, cite)
					}
					seen[cite] = true
				}
			}
		}
	}
}

func TestFaultsInOrder(t *testing.T) {
	rest := false
	for _, f := range faults {
		if f.verdict != results.Exposed {
			rest = true
		} else if rest {
			t.Errorf("%q comes after a fault that exposes nothing and would be hidden by it", f.why)
		}
	}
}

func TestExpected(t *testing.T) {
	for _, c := range []struct{ i, r, want string }{
		{"P1/good", "P1/good", "TLS with EXTERNAL both ways; allowed: TLS with dialback"},
		{"P0/good", "P0/good", "TLS with EXTERNAL both ways; allowed: TLS with dialback, dialback in clear"},
		{"P2/good", "P2/good", "TLS with EXTERNAL both ways"},
		{"P1/good", "off/good", "no delivery both ways"},
		{"P1/good", "P1/self", "there: TLS with EXTERNAL (allowed: TLS with dialback); back: TLS with dialback"},
		{"P1/good", "P2/self", "there: TLS with EXTERNAL; back: no delivery"},
	} {
		if got := Both(at(t, c.i), at(t, c.r)).Expected(); got != c.want {
			t.Errorf("%s to %s:\n got %s\nwant %s", c.i, c.r, got, c.want)
		}
	}
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		leg  results.Leg
		want Class
	}{
		{results.Leg{}, NO},
		{results.Leg{Sent: 1, Encrypted: true, Auth: results.AuthPKIX}, NO},
		{results.Leg{Delivered: 1, Encrypted: true, Auth: results.AuthPKIX}, SE},
		{results.Leg{Delivered: 1, Encrypted: true, Auth: results.AuthDANE}, SE},
		{results.Leg{Delivered: 1, Encrypted: true, Auth: results.AuthPOSH}, SE},
		{results.Leg{Delivered: 1, Auth: results.AuthPKIX}, PN},
		{results.Leg{Delivered: 2, Encrypted: true, Auth: results.AuthDialback}, TD},
		{results.Leg{Delivered: 1, Encrypted: true, Auth: results.AuthDialSec}, TD},
		{results.Leg{Delivered: 1, Auth: results.AuthDialback}, PD},
		{results.Leg{Delivered: 1, Encrypted: true, Auth: results.AuthNone}, TN},
		{results.Leg{Delivered: 1, Auth: results.AuthNone}, PN},
		{results.Leg{Delivered: 1, Encrypted: true}, Unknown},
	} {
		if got := Of(c.leg); got != c.want {
			t.Errorf("%+v: got %v, want %v", c.leg, got, c.want)
		}
	}
}

func TestClass(t *testing.T) {
	names := map[string]Class{}
	for _, c := range []Class{Unknown, NO, PD, TD, SE, PN, TN} {
		if c.String() == "" || !strings.HasSuffix(c.Sentence(), ".") {
			t.Errorf("class %d has name %q and sentence %q", c, c, c.Sentence())
		}
		if other, ok := names[c.String()]; ok {
			t.Errorf("classes %d and %d are both called %q", c, other, c)
		}
		names[c.String()] = c
		if c.Encrypted() && c.Clear() || c.Delivered() != strings.Contains(c.Sentence(), "was delivered i") {
			t.Errorf("%v: encrypted %t, clear %t, delivered %t: %s", c, c.Encrypted(), c.Clear(), c.Delivered(), c.Sentence())
		}
	}
}

func BenchmarkAsk(b *testing.B) {
	i, r := at(b, "P1/good"), at(b, "P1/self")
	for b.Loop() {
		Both(i, r).There.Rule(TD)
	}
}

func ExampleAsk() {
	i, _ := For("P1", "self")
	r, _ := For("P1", "good")
	answer := Ask(i, r)
	fmt.Println("best:", answer.Best)
	fmt.Println("allowed:", answer.Allowed)
	ruling := answer.Rule(PD)
	fmt.Println(ruling.Verdict, ruling.Blame, ruling.Why)
	// Output:
	// best: TLS with dialback
	// allowed: [TLS with dialback no delivery]
	// exposed both the initiator requires TLS and sent a stanza in clear, and the receiver requires TLS and accepted a stanza in clear
}
