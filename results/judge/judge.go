package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/oracle"
)

// Question is what a scenario asks of an observation besides what the oracle
// derives from policies and certificates. The zero Question asks exactly what
// the oracle derives.
type Question struct {
	// Cites is printed with the cell unless a finding names its own sentence.
	Cites []results.Citation
	// AnyAuth: the row asks for delivery and encryption, not for the strongest
	// authentication that the pair could do.
	AnyAuth bool
	// MayRefuse: refusing passes although the oracle, which knows certificates by
	// path validation alone, sees nothing to refuse.
	MayRefuse bool
	// Control: the cell is a positive control. It passes when everything was
	// delivered as the oracle allows, and has no control itself.
	Control bool
	// Checks are asked in order.
	Checks []Check
	// Expect is what the notes have to be of a cell with a scripted peer, about which
	// the oracle knows nothing.
	Expect []Expectation
}

// Check asks one thing of an observation. It returns what it found wrong, or
// nothing.
type Check struct {
	// Name says what passes, as a clause: "TLS 1.3 is negotiated".
	Name string
	Find func(*results.Observation, results.Outcome) []Finding
}

// Finding is something that speaks against a pass.
type Finding struct {
	Verdict  results.Verdict
	Blame    results.Blame
	Why      string
	Cites    []results.Citation
	Possible string
}

// Control is the verdict of a control cell that this cell rests on.
type Control struct {
	Cell    string
	Verdict results.Verdict
	Why     string
}

// Federates reports whether the control shows that its two servers can.
func (c Control) Federates() bool {
	return c.Verdict == results.Pass || c.Verdict == results.Weaker
}

// Judgement is a verdict with what led to it.
type Judgement struct {
	Verdict   results.Verdict
	Blame     results.Blame
	Why       string
	Cites     []results.Citation
	Possible  string
	Expected  string
	Witnesses []string
	Outcome   results.Outcome
}

// Expected describes in words what passes for the two parties of an observation
// under the question.
func (q Question) Expected(obs *results.Observation) string {
	if _, ok := Scripted(obs); ok {
		var parts []string
		for _, e := range q.Expect {
			parts = append(parts, e.String())
		}
		for _, c := range q.Checks {
			parts = append(parts, c.Name)
		}
		return strings.Join(parts, "; ")
	}
	si, err := setting(obs, obs.Initiator)
	if err != nil {
		return err.Error()
	}
	sr, err := setting(obs, obs.Receiver)
	if err != nil {
		return err.Error()
	}
	text := oracle.Both(si, sr).Expected()
	for _, c := range q.Checks {
		text += "; " + c.Name
	}
	return text
}

// Judge reaches the verdict of one cell.
func Judge(q Question, obs *results.Observation, controls []Control) Judgement {
	j := Judgement{Cites: q.Cites, Expected: q.Expected(obs), Outcome: Derive(obs)}
	switch {
	case obs.Skipped != "":
		return j.as(results.Skipped, obs.Skipped)
	case obs.Unsupported != "":
		return j.as(results.NotSupported, "configuration: "+obs.Unsupported)
	case obs.Crashed != "":
		j.Blame = results.Blame(obs.Crashed)
		return j.as(results.Fail, fmt.Sprintf("the %s's server ended while the cell ran; its log is in the cell's folder", obs.Crashed))
	case obs.Gone != "":
		return j.as(results.Inconclusive, fmt.Sprintf("the %s's server had ended before the cell began; the end of its log is in the cell's folder", obs.Gone))
	case obs.Broken != "":
		return j.as(results.HarnessError, obs.Broken)
	case len(obs.Preflight) > 0:
		return j.as(results.HarnessError, "the world was not as declared: "+obs.Preflight[0])
	}
	if subject, ok := Scripted(obs); ok {
		return q.script(j, obs, subject, controls)
	}

	legs := []leg{derive(obs, there), derive(obs, back)}
	findings := worldFindings(obs, legs)
	negative := false
	for _, l := range legs {
		if !l.Asked {
			continue
		}
		fs, neg := legFindings(q, obs, l)
		findings = append(findings, fs...)
		negative = negative || neg
	}
	for _, c := range q.Checks {
		findings = append(findings, c.Find(obs, j.Outcome)...)
	}
	if negative && !q.Control {
		findings = append(findings, controlFindings(controls)...)
	}

	j.Witnesses = witnesses(obs, legs)
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
	return j.as(results.Pass, passText(legs))
}

// worstOf is the finding that decides; false when none speaks against a pass.
func worstOf(findings []Finding) (Finding, bool) {
	if len(findings) == 0 {
		return Finding{}, false
	}
	worst := slices.MinFunc(findings, func(a, b Finding) int {
		return cmp.Compare(rank(a.Verdict), rank(b.Verdict))
	})
	return worst, rank(worst.Verdict) < rank(results.Pass)
}

func (j Judgement) as(v results.Verdict, why string) Judgement {
	j.Verdict, j.Why = v, why
	if !v.Red() {
		j.Blame = results.NoBlame
	}
	return j
}

// rank orders verdicts by precedence. An inconclusive finding forbids a pass,
// yet gives way to whatever was proven: it stands between weaker and pass. What an
// absent option excuses is no excuse for a broken rule: it stands behind fail.
func rank(v results.Verdict) int {
	i := slices.Index(results.Verdicts(), v)
	switch v {
	case results.NotSupported:
		return slices.Index(results.Verdicts(), results.Fail)*10 + 5
	case results.Pass:
		return i * 10
	case results.Inconclusive:
		return slices.Index(results.Verdicts(), results.Pass)*10 - 5
	}
	return i * 10
}

// worldFindings holds an observation against what every world promises.
func worldFindings(obs *results.Observation, legs []leg) []Finding {
	var fs []Finding
	for _, s := range obs.Streams {
		if s.BrokeTLS != "" {
			fs = append(fs, Finding{Verdict: results.Fail, Blame: results.Blame(role(s, s.BrokeTLS)),
				Why:   fmt.Sprintf("the %s sent plaintext on the encrypted stream: %s", role(s, s.BrokeTLS), s.Reason),
				Cites: []results.Citation{{Document: "RFC 8446", Section: "5.1", Level: results.Must}}})
		}
	}
	for _, l := range legs {
		if l.unseen && l.unread == "" {
			fs = append(fs, Finding{Verdict: results.HarnessError,
				Why: fmt.Sprintf("a message from %s was delivered, and no tap saw it", l.sender.Domain)})
		}
		if l.unread != "" {
			fs = append(fs, Finding{Verdict: results.Inconclusive,
				Why: "the stream that carried the message cannot be decrypted: " + l.unread})
		}
	}
	return fs
}

// legFindings puts one direction to the oracle. It also reports whether the
// answer rests on a negative fact, which needs a control.
func legFindings(q Question, obs *results.Observation, l leg) (fs []Finding, negative bool) {
	si, err := setting(obs, l.sender)
	if err == nil {
		var sr oracle.Setting
		if sr, err = setting(obs, l.target); err == nil {
			fs, negative = askOracle(q, obs, l, si, sr)
		}
	}
	if err != nil {
		fs = []Finding{{Verdict: results.HarnessError, Why: err.Error()}}
	}
	return fs, negative
}

// setting is how a party is set, in the oracle's terms: with the certificate that
// the other side is shown for it.
func setting(obs *results.Observation, p results.Party) (oracle.Setting, error) {
	s, err := oracle.For(p.Policy, cmp.Or(obs.Shown, p.Certificate))
	s.Dialback = s.Dialback || p.KeepsDialback
	return s, err
}

func askOracle(q Question, obs *results.Observation, l leg, si, sr oracle.Setting) ([]Finding, bool) {
	var fs []Finding
	answer := oracle.Ask(si, sr)
	if l.clear && l.class != oracle.PD && l.class != oracle.PN {
		// Something crossed in clear although what arrived did so encrypted, or
		// nothing arrived at all.
		if si.TLS == oracle.Required || sr.TLS == oracle.Required {
			blame := l.senderRole
			if si.TLS != oracle.Required {
				blame = l.targetRole
			}
			fs = append(fs, Finding{Verdict: results.Exposed, Blame: blame,
				Why:   fmt.Sprintf("a stanza from %s crossed in clear", l.sender.Domain),
				Cites: []results.Citation{{Document: "RFC 7590", Section: "3.1", Level: results.PolicyLevel}}})
		}
	}
	fs = append(fs, clearKeys(obs, l, si, sr)...)

	ruling := answer.Rule(l.class)
	ruling.Blame = turn(ruling.Blame, l)
	switch {
	case ruling.Verdict == results.Pass:
	case q.MayRefuse && l.class == oracle.NO:
	case ruling.Verdict == results.Weaker && q.AnyAuth && l.class == oracle.TD:
	default:
		f := Finding{Verdict: ruling.Verdict, Blame: ruling.Blame, Cites: ruling.Cites, Possible: ruling.Possible,
			Why: l.inCell(ruling.Why) + defects(obs)}
		if l.class == oracle.NO {
			f.Why += offerText(l) + refusalText(l)
		}
		fs = append(fs, f)
	}
	if l.Delivered > 0 && l.Delivered < l.Sent {
		fs = append(fs, Finding{Verdict: results.NoInterop,
			Why: fmt.Sprintf("%d of %d messages from %s arrived", l.Delivered, l.Sent, l.sender.Domain)})
	}
	for _, m := range obs.Messages {
		if m.Direction == l.name && m.Delivered > 1 {
			fs = append(fs, Finding{Verdict: results.Fail, Blame: l.senderRole,
				Why:   fmt.Sprintf("a message from %s was delivered %d times", l.sender.Domain, m.Delivered),
				Cites: []results.Citation{{Document: "RFC 6120", Section: "10.1", Level: results.Must}}})
		}
		if m.Direction == l.name && m.Query && m.Delivered > 0 && !m.Answered {
			fs = append(fs, Finding{Verdict: results.NoInterop,
				Why: fmt.Sprintf("the query from %s arrived, and its answer did not: %s%s", l.sender.Domain, obs.Ended, refusalText(l))})
		}
		if m.Direction == l.name && m.Delivered == 0 && m.Error == nil {
			fs = append(fs, Finding{Verdict: results.Fail, Blame: l.senderRole,
				Why:   fmt.Sprintf("the %s's server neither delivered the message nor told its sender: %s%s", l.senderRole, obs.Ended, refusalText(l)),
				Cites: []results.Citation{{Document: "RFC 6120", Section: "10.4.3", Level: results.Must}}})
		}
	}
	negative := l.class == oracle.NO
	if negative && len(l.attempts) == 0 && !asked(obs, l) {
		fs = append(fs, Finding{Verdict: results.Inconclusive,
			Why: fmt.Sprintf("the %s's server never tried: it neither asked for %s in the DNS nor connected", l.senderRole, l.target.Domain)})
	}
	return fs, negative
}

// clearKeys finds dialback in clear although a side requires TLS. A key in a
// db:result authorises the stream, so it is a leak; XEP-0220 section 2.1.2 lets
// a connection that only verifies go without TLS, so that is weaker (rule N6).
func clearKeys(obs *results.Observation, l leg, si, sr oracle.Setting) []Finding {
	if si.TLS != oracle.Required {
		return nil
	}
	var fs []Finding
	for _, s := range l.attempts {
		for _, d := range s.Dialback {
			if d.Inside || !d.Key || d.Direction != results.Initiating {
				continue
			}
			f := Finding{Verdict: results.Exposed, Blame: l.senderRole,
				Why:   fmt.Sprintf("the %s requires TLS and sent a dialback key in clear (db:%s)", l.senderRole, d.Name),
				Cites: []results.Citation{{Document: "RFC 7590", Section: "3.1", Level: results.PolicyLevel}}}
			if d.Name == "verify" {
				f.Verdict = results.Weaker
				f.Cites = []results.Citation{{Document: "XEP-0220", Section: "2.1.2", Level: results.May}}
				f.Possible = "the verification could have gone over TLS"
			}
			fs = append(fs, f)
		}
	}
	return fs
}

// asked reports whether the sender's server asked the DNS for the target.
func asked(obs *results.Observation, l leg) bool {
	for _, q := range obs.Queries {
		if q.Party == string(l.senderRole) && strings.HasSuffix(strings.TrimSuffix(q.Name, "."), l.target.Domain) {
			return true
		}
	}
	return false
}

func controlFindings(controls []Control) []Finding {
	if len(controls) == 0 {
		return []Finding{{Verdict: results.Inconclusive, Why: "nothing was delivered, and no control shows that these subjects could"}}
	}
	for _, c := range controls {
		if !c.Federates() {
			return []Finding{{Verdict: results.Inconclusive,
				Why: fmt.Sprintf("nothing was delivered, and with good certificates these two do not federate either: see %s", c.Cell)}}
		}
	}
	return nil
}

// turn maps blame on a stream (initiating, receiving entity) to blame in the
// cell: on the way back the receiver initiates.
func turn(b results.Blame, l leg) results.Blame {
	switch b {
	case results.BlameInitiator:
		return l.senderRole
	case results.BlameReceiver:
		return l.targetRole
	}
	return b
}

// inCell says a sentence of the oracle about a stream in the words of the cell:
// on the way back the receiver is who initiates.
func (l *leg) inCell(why string) string {
	if l.name == there {
		return why
	}
	return "on the way back: " + strings.NewReplacer("the initiator", "the receiver", "the receiver", "the initiator",
		"an initiator", "a receiver", "a receiver", "an initiator").Replace(why)
}

// defects names the certificates that are not good.
func defects(obs *results.Observation) string {
	var parts []string
	for _, p := range []struct {
		role string
		results.Party
	}{{"initiator", obs.Initiator}, {"receiver", obs.Receiver}} {
		if p.Certificate != "good" && p.Policy != "off" {
			parts = append(parts, fmt.Sprintf("the %s's certificate is %s", p.role, p.Certificate))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " [" + strings.Join(parts, ", ") + "]"
}

// offerText says which side did without EXTERNAL, where one did.
func offerText(l leg) string {
	text := ""
	for _, s := range l.attempts {
		for _, f := range s.Features {
			switch {
			case !f.Inside:
			case !slices.Contains(f.Mechanisms, "EXTERNAL"):
				text = fmt.Sprintf("; the %s offered no EXTERNAL", l.targetRole)
			case len(s.SASL) == 0:
				text = fmt.Sprintf("; the %s was offered EXTERNAL and did not use it", l.senderRole)
			}
		}
	}
	return text
}

func refusalText(l leg) string {
	var parts []string
	if l.End != "" {
		parts = append(parts, "the last stream was ended by the "+l.End)
	}
	if l.Condition != "" {
		parts = append(parts, "the sender got "+l.Condition)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

func passText(legs []leg) string {
	var parts []string
	for _, l := range legs {
		if !l.Asked {
			continue
		}
		if l.Delivered > 0 {
			how := "in clear"
			if l.Encrypted {
				how = "over " + l.TLS
			}
			parts = append(parts, fmt.Sprintf("%s to %s: delivered %s, %s", l.senderRole, l.targetRole, how, authText(l.Auth)))
		} else {
			parts = append(parts, fmt.Sprintf("%s to %s: refused, nothing in clear%s", l.senderRole, l.targetRole, refusalText(l)))
		}
	}
	return strings.Join(parts, "; ")
}

func authText(a results.Auth) string {
	switch a {
	case results.AuthPKIX:
		return "authenticated by certificate (SASL EXTERNAL)"
	case results.AuthDialback:
		return "authenticated by dialback"
	}
	return "not authenticated"
}

// witnesses lists the independent kinds of evidence that agree on the cell:
// the clients at both ends, the wire, and each server's own log.
func witnesses(obs *results.Observation, legs []leg) []string {
	var out []string
	clients, wire := true, true
	for _, l := range legs {
		if !l.Asked {
			continue
		}
		for _, m := range obs.Messages {
			if m.Direction == l.name && m.Delivered == 0 && m.Error == nil {
				clients = false
			}
		}
		if l.Delivered > 0 && l.unseen {
			wire = false
		}
		if l.Delivered == 0 && len(l.attempts) == 0 && !asked(obs, l) {
			wire = false
		}
	}
	if clients {
		out = append(out, "clients")
	}
	if wire {
		out = append(out, "wire")
	}
	for _, party := range []string{"initiator", "receiver"} {
		if logAgrees(obs, legs, party) {
			out = append(out, "log:"+party)
		}
	}
	return out
}

// logAgrees reports whether a server's own log names the authentication that
// the wire shows.
func logAgrees(obs *results.Observation, legs []leg, party string) bool {
	for _, f := range obs.Facts {
		if f.Party != party || f.Kind != "authenticated" {
			continue
		}
		for _, l := range legs {
			opened := string(l.senderRole) == party
			if (f.Direction == "out") == opened && f.Auth != "" && f.Auth == l.Auth {
				return true
			}
		}
	}
	return false
}
