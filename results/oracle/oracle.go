package oracle

import (
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/results"
)

// Answer is what may and what should come of one direction.
type Answer struct {
	Initiator, Receiver Setting
	// Best is the strongest outcome that both settings allow.
	Best Class
	// Allowed lists every outcome that breaks no rule, the best first. Delivering
	// nothing breaks none, so NO is always the last.
	Allowed []Class
}

// Ask answers for a stream that i opens to r.
func Ask(i, r Setting) Answer {
	a := Answer{Initiator: i, Receiver: r}
	for _, c := range []Class{SE, TD, PD, NO} {
		if len(a.stream().find(c)) == 0 {
			a.Allowed = append(a.Allowed, c)
		}
	}
	a.Best = a.Allowed[0]
	return a
}

func (a Answer) stream() stream { return stream{a.Initiator, a.Receiver} }

// Ruling is what the oracle makes of an outcome.
type Ruling struct {
	Verdict results.Verdict
	Blame   results.Blame
	Cites   []results.Citation
	// Why is the fact that decided, a sentence without a capital and a full stop.
	Why string
	// Possible is what the pair could have done, for a verdict of weaker and of
	// no-interop.
	Possible string
}

// Rule judges what was seen.
func (a Answer) Rule(seen Class) Ruling {
	if !slices.Contains([]Class{NO, PD, TD, SE, PN, TN}, seen) {
		return Ruling{Verdict: results.Inconclusive, Why: "what came of the stanza was not seen"}
	}
	if found := a.stream().find(seen); len(found) > 0 {
		return condemn(found)
	}
	if seen == a.Best {
		return a.pass()
	}
	out := Ruling{Verdict: results.Weaker, Possible: a.Best.String()}
	switch seen {
	case NO:
		out.Verdict = results.NoInterop
		out.Why, out.Cites = a.refused()
	case PD:
		out.Why = "the stanza was sent in clear, though both sides can do TLS"
		out.Cites = []results.Citation{attemptTLS, authenticate}
	case TD:
		out.Why = "the initiator was authenticated by dialback, though its certificate is valid"
		out.Cites = []results.Citation{authenticate, offerExternal}
		if a.Initiator.Certificate == ServerOnly {
			out.Why = "the initiator was authenticated by dialback, though its certificate is valid (extended key usage serverAuth only)"
			out.Cites = []results.Citation{serverOnly, authenticate}
		}
	}
	return out
}

// condemn merges the faults of both sides.
func condemn(found []fault) Ruling {
	out := Ruling{Verdict: found[0].verdict}
	var why []string
	for _, f := range found {
		why = append(why, f.why)
		for _, c := range f.cites {
			if !slices.Contains(out.Cites, c) {
				out.Cites = append(out.Cites, c)
			}
		}
		switch out.Blame {
		case results.NoBlame:
			out.Blame = f.blame
		default:
			out.Blame = results.BlameBoth
		}
	}
	out.Why = strings.Join(why, ", and ")
	return out
}

// pass says why the best was the best.
func (a Answer) pass() Ruling {
	out := Ruling{Verdict: results.Pass}
	switch a.Best {
	case SE:
		out.Why = "delivered inside TLS, the initiator authenticated by its certificate"
		out.Cites = []results.Citation{authenticate}
	case TD:
		out.Why = "delivered inside TLS, the initiator authenticated by dialback, which is all that its certificate and the policies allow"
		out.Cites = []results.Citation{unauthenticated}
	case PD:
		out.Why = "delivered in clear, the initiator authenticated by dialback, as one side cannot do TLS and neither requires it"
		out.Cites = []results.Citation{verified}
	case NO:
		reason, cites := a.Impossible()
		out.Why = "nothing was delivered, as it must be: " + reason
		out.Cites = cites
	}
	return out
}

// Impossible says why nothing may be delivered, with what decides. It is
// empty when something may.
func (a Answer) Impossible() (why string, cites []results.Citation) {
	s := a.stream()
	required := s.i.TLS == Required || s.r.TLS == Required
	switch {
	case a.Best != NO:
		return "", nil
	case required && (s.i.TLS == Disabled || s.r.TLS == Disabled):
		return "one side requires TLS and the other has it disabled", []results.Citation{manifesto, mandatoryTLS}
	case required && !s.tls():
		return "TLS is required and the receiver has no certificate", []results.Citation{manifesto, mandatoryTLS}
	case s.tls() && s.i.Strict && s.r.Certificate == Invalid:
		return "the receiver's certificate is invalid and the initiator must refuse it", []results.Citation{validation}
	case s.tls() && s.r.Strict && s.i.Certificate == Invalid:
		return "the initiator's certificate is invalid and the receiver must refuse it", []results.Citation{validation}
	default:
		return "neither a certificate nor dialback can authenticate the initiator", []results.Citation{notAuthorized}
	}
}

// refused says what a pair that could have federated, and did not, missed.
func (a Answer) refused() (why string, cites []results.Citation) {
	s := a.stream()
	why = "nothing was delivered, though both sides allow " + a.Best.String()
	switch {
	case a.Best == PD:
		return why, []results.Citation{verified}
	case a.Best == TD:
		return why, []results.Citation{unauthenticated, continueDialback}
	case s.i.Certificate == ServerOnly:
		return "nothing was delivered, though the initiator's certificate is valid (extended key usage serverAuth only)", []results.Citation{serverOnly}
	case s.r.Certificate == Invalid:
		return "nothing was delivered, though neither side must refuse TLS with EXTERNAL to a receiver whose certificate is invalid", []results.Citation{unauthenticated, offerExternal}
	default:
		return why, []results.Citation{authenticate, offerExternal}
	}
}

// Answers are the two directions of a cell.
type Answers struct {
	There Answer // the initiator's stream to the receiver, for the message
	Back  Answer // the receiver's stream to the initiator, for the reply
}

// Both answers for a cell whose initiator is set as i and receiver as r.
func Both(i, r Setting) Answers { return Answers{There: Ask(i, r), Back: Ask(r, i)} }

// Expected says in words what the cell should come to:
// "TLS with EXTERNAL both ways; allowed: TLS with dialback".
func (a Answers) Expected() string {
	if slices.Equal(a.There.Allowed, a.Back.Allowed) {
		return a.There.Best.String() + " both ways" + a.There.allowed("; allowed: ")
	}
	return "there: " + a.There.Best.String() + a.There.allowed(" (allowed: ", ")") +
		"; back: " + a.Back.Best.String() + a.Back.allowed(" (allowed: ", ")")
}

// allowed lists what delivers less well than the best, between an opening and a
// closing, or is empty.
func (a Answer) allowed(opening string, closing ...string) string {
	var names []string
	for _, c := range a.Allowed[1:] {
		if c != NO {
			names = append(names, c.String())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return opening + strings.Join(names, ", ") + strings.Join(closing, "")
}
