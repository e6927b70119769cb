package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/results"
)

// PeerName is the subject of a party that is a scripted peer.
const PeerName = "peer"

// NoClient is the value of a note that the script could not ask for, because a user
// of the subject's could not log in, or was logged out.
const NoClient = "no client"

// ranOut is the value of a note for which nothing came before the deadline. It may be
// no worse than others of an expectation, and is never the proof of a pass.
const ranOut = "nothing"

// Expectation says what one note of a script has to be. A value that ends with *
// stands for all that begin so.
type Expectation struct {
	Note string
	// Pass lists the values that pass.
	Pass []string
	// Others are the values with verdicts of their own; the first that holds counts.
	Others []Alternative
	// Otherwise is the verdict of any other value; the zero value means fail.
	Otherwise results.Verdict
	// Cites is printed in place of the scenario's when the note does not pass.
	Cites []results.Citation
	// Optional: a script may end without the note.
	Optional bool
}

// Alternative is a verdict for some values of a note.
type Alternative struct {
	Verdict results.Verdict
	// Why is a clause for the reader, "it closed a stream that carries other pairs".
	Why    string
	Values []string
}

// Note expects one of the values.
func Note(name string, pass ...string) Expectation {
	return Expectation{Note: name, Pass: pass}
}

// Or gives some values a verdict of their own.
func (e Expectation) Or(v results.Verdict, why string, values ...string) Expectation {
	e.Others = append(slices.Clone(e.Others), Alternative{Verdict: v, Why: why, Values: values})
	return e
}

// Else sets the verdict of all other values.
func (e Expectation) Else(v results.Verdict) Expectation {
	e.Otherwise = v
	return e
}

// Citing names the sentence that is broken by what does not pass.
func (e Expectation) Citing(c ...results.Citation) Expectation {
	e.Cites = c
	return e
}

// IfNoted lets a script do without the note.
func (e Expectation) IfNoted() Expectation {
	e.Optional = true
	return e
}

// String is the expectation in words.
func (e Expectation) String() string {
	return e.Note + ": " + strings.Join(e.Pass, ", or ")
}

// Scripted reports whether one side of an observation is a scripted peer, and
// which role the subject on the other side plays.
func Scripted(obs *results.Observation) (subject results.Blame, ok bool) {
	switch PeerName {
	case obs.Initiator.Subject:
		return results.BlameReceiver, true
	case obs.Receiver.Subject:
		return results.BlameInitiator, true
	}
	return results.NoBlame, false
}

// script judges a cell of a scripted peer and one subject.
func (q Question) script(j Judgement, obs *results.Observation, subject results.Blame, controls []Control) Judgement {
	var findings []Finding
	for _, e := range q.Expect {
		findings = append(findings, e.find(obs, subject)...)
	}
	findings = append(findings, q.onWire(obs, subject)...)
	for _, c := range q.Checks {
		findings = append(findings, c.Find(obs, j.Outcome)...)
	}
	if !q.Control {
		findings = append(findings, scriptControls(controls)...)
	}
	j.Witnesses = scriptWitnesses(obs)
	if worst, ok := worstOf(findings); ok {
		j.Blame, j.Possible = worst.Blame, worst.Possible
		if len(worst.Cites) > 0 {
			j.Cites = worst.Cites
		}
		return j.as(worst.Verdict, worst.Why)
	}
	if len(j.Witnesses) < 2 {
		return j.as(results.Inconclusive, "only one kind of evidence: "+strings.Join(j.Witnesses, ", "))
	}
	return j.as(results.Pass, notesText(obs.Notes))
}

func (e Expectation) find(obs *results.Observation, subject results.Blame) []Finding {
	var fs []Finding
	noted := false
	for _, n := range obs.Notes {
		if n.Name != e.Note {
			continue
		}
		noted = true
		if f, ok := e.rule(n, subject); ok {
			fs = append(fs, f)
		}
	}
	switch {
	case noted || e.Optional:
	case obs.Stopped != "":
		fs = append(fs, Finding{Verdict: results.Inconclusive, Why: fmt.Sprintf("the script did not come to %q: %s", e.Note, obs.Stopped)})
	default:
		fs = append(fs, Finding{Verdict: results.HarnessError, Why: fmt.Sprintf("the script did not note %q", e.Note)})
	}
	return fs
}

// rule is what speaks against a note, if anything does.
func (e Expectation) rule(n results.Note, subject results.Blame) (Finding, bool) {
	if matches(n.Value, e.Pass) {
		if n.Value == ranOut {
			return Finding{Verdict: results.Inconclusive, Why: n.Name + ": nothing, until time ran out: that is no refusal"}, true
		}
		return Finding{}, false
	}
	if n.Value == NoClient {
		return Finding{Verdict: results.Inconclusive, Why: fmt.Sprintf("%s: the subject's own user could not log in, or was logged out", n.Name)}, true
	}
	f := Finding{Verdict: results.Fail, Blame: subject, Cites: e.Cites}
	if e.Otherwise != "" {
		f.Verdict = e.Otherwise
	}
	f.Why = fmt.Sprintf("%s: %s; want %s", n.Name, n.Value, strings.Join(e.Pass, ", or "))
	for _, o := range e.Others {
		if matches(n.Value, o.Values) {
			f.Verdict = o.Verdict
			f.Why = fmt.Sprintf("%s: %s", n.Name, n.Value)
			if o.Why != "" {
				f.Why += ": " + o.Why
			}
			if o.Verdict == results.Weaker {
				f.Possible = n.Name + ": " + strings.Join(e.Pass, ", or ")
			}
			break
		}
	}
	return f, f.Verdict != results.Pass
}

// matches reports whether a value is among those listed, of which one that ends
// with * stands for all that begin so.
func matches(value string, list []string) bool {
	return slices.ContainsFunc(list, func(want string) bool {
		if prefix, ok := strings.CutSuffix(want, "*"); ok {
			return strings.HasPrefix(value, prefix)
		}
		return value == want
	})
}

// onWire holds what was recorded against what every world promises, and against
// what the script says that it was told.
func (q Question) onWire(obs *results.Observation, subject results.Blame) []Finding {
	var fs []Finding
	for _, s := range obs.Streams {
		if s.BrokeTLS != "" && role(s, s.BrokeTLS) == string(subject) {
			fs = append(fs, Finding{Verdict: results.Fail, Blame: subject,
				Why:   fmt.Sprintf("the %s sent plaintext on the encrypted stream: %s", subject, s.Reason),
				Cites: cite("RFC 8446", "5.1", results.Must)})
		}
		if !s.Decrypted && s.Reason != "" && s.BrokeTLS == "" {
			fs = append(fs, Finding{Verdict: results.Inconclusive, Why: fmt.Sprintf("stream %d cannot be decrypted: %s", s.ID, s.Reason)})
		}
		if requiresTLS(obs, subject) {
			fs = append(fs, leaks(obs, s, subject)...)
		}
	}
	for _, n := range obs.Notes {
		if !onRecord(n.Value, obs, subject) {
			fs = append(fs, Finding{Verdict: results.HarnessError,
				Why: fmt.Sprintf("the script was told %q (%s), and no stream shows it", n.Value, n.Name)})
		}
	}
	for _, m := range obs.Messages {
		if m.Delivered > 1 {
			fs = append(fs, Finding{Verdict: results.Fail, Blame: subject, Why: fmt.Sprintf("a message from %s was delivered %d times", m.From, m.Delivered),
				Cites: cite("RFC 6120", "10.1", results.Must)})
		}
	}
	return fs
}

func requiresTLS(obs *results.Observation, subject results.Blame) bool {
	p := party(obs, subject)
	return p.Policy == "P1" || p.Policy == "P2"
}

func party(obs *results.Observation, b results.Blame) results.Party {
	if b == results.BlameReceiver {
		return obs.Receiver
	}
	return obs.Initiator
}

// leaks finds what a subject that requires TLS sent in clear: stanzas, the cell's
// tokens, and the key of a db:result.
func leaks(obs *results.Observation, s results.Stream, subject results.Blame) []Finding {
	var fs []Finding
	exposed := func(format string, args ...any) {
		fs = append(fs, Finding{Verdict: results.Exposed, Blame: subject, Why: fmt.Sprintf(format, args...),
			Cites: cite("RFC 7590", "3.1", results.PolicyLevel)})
	}
	for _, st := range s.Stanzas {
		if !st.Inside && role(s, st.Direction) == string(subject) {
			exposed("the %s requires TLS and sent a stanza from %s in clear", subject, domainOf(st.From))
		}
	}
	for _, c := range s.Canaries {
		if !c.Inside && role(s, c.Direction) == string(subject) {
			exposed("the %s requires TLS and sent a word of its user's in clear", subject)
		}
	}
	for _, d := range s.Dialback {
		if d.Inside || !d.Key || d.Type != "" || role(s, d.Direction) != string(subject) {
			continue
		}
		if d.Name == "verify" {
			fs = append(fs, Finding{Verdict: results.Weaker, Blame: subject, Why: fmt.Sprintf("the %s requires TLS and verified a dialback key in clear", subject),
				Cites: cite("XEP-0220", "2.1.2", results.May), Possible: "the verification could have gone over TLS"})
			continue
		}
		exposed("the %s requires TLS and sent a dialback key in clear", subject)
	}
	return fs
}

// onRecord reports whether a stream shows what a note says in words that have
// something to show. A stream that was not read shows anything.
func onRecord(value string, obs *results.Observation, subject results.Blame) bool {
	kind, arg, _ := strings.Cut(value, " ")
	for _, known := range []string{"stream error", "dialback error"} {
		if rest, ok := strings.CutPrefix(value, known+" "); ok {
			kind, arg = known, rest
		}
	}
	var shows func(results.Stream) bool
	by := func(s results.Stream, d results.Direction) bool { return role(s, d) == string(subject) }
	switch kind {
	case "stream error":
		shows = func(s results.Stream) bool {
			return slices.ContainsFunc(s.Errors, func(e results.StreamError) bool { return e.Condition == arg && by(s, e.Direction) })
		}
	case "failure":
		shows = func(s results.Stream) bool {
			return by(s, results.Receiving) && slices.ContainsFunc(s.SASL, func(a results.SASL) bool { return a.Result == "failure" && a.Condition == arg })
		}
	case "valid", "invalid":
		shows = func(s results.Stream) bool {
			return slices.ContainsFunc(s.Dialback, func(d results.Dialback) bool { return d.Type == kind && by(s, d.Direction) })
		}
	case "dialback error":
		shows = func(s results.Stream) bool {
			return slices.ContainsFunc(s.Dialback, func(d results.Dialback) bool {
				return d.Type == "error" && d.Condition == arg && by(s, d.Direction)
			})
		}
	default:
		return true
	}
	return slices.ContainsFunc(obs.Streams, func(s results.Stream) bool { return shows(s) || !s.Decrypted })
}

func scriptControls(controls []Control) []Finding {
	for _, c := range controls {
		if !c.Federates() {
			return []Finding{{Verdict: results.Inconclusive,
				Why: fmt.Sprintf("a peer that does nothing wrong does not federate with it either: see %s", c.Cell)}}
		}
	}
	if len(controls) == 0 {
		return []Finding{{Verdict: results.Inconclusive, Why: "no control shows that this subject can federate"}}
	}
	return nil
}

// scriptWitnesses lists the kinds of evidence: what the peer was told, what was
// recorded, what the subject's own clients got, what it asked of the DNS and by HTTP,
// and what its log says.
func scriptWitnesses(obs *results.Observation) []string {
	var out []string
	if len(obs.Notes) > 0 {
		out = append(out, "script")
	}
	if len(obs.Streams) > 0 && !slices.ContainsFunc(obs.Streams, func(s results.Stream) bool { return !s.Decrypted && s.Reason != "" }) {
		out = append(out, "wire")
	}
	if slices.ContainsFunc(obs.Messages, func(m results.Message) bool { return m.Delivered > 0 || m.Error != nil }) {
		out = append(out, "clients")
	}
	if len(obs.Queries) > 0 {
		out = append(out, "dns")
	}
	if len(obs.Requests) > 0 {
		out = append(out, "http")
	}
	if len(obs.Facts) > 0 {
		out = append(out, "log:"+obs.Facts[0].Party)
	}
	return out
}

func notesText(notes []results.Note) string {
	var parts []string
	for _, n := range notes {
		parts = append(parts, n.Name+": "+n.Value)
	}
	return strings.Join(parts, "; ")
}
