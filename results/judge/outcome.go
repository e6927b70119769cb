package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/oracle"
)

const (
	there = "there"
	back  = "back"
)

// leg is one direction of a cell with the evidence for it.
type leg struct {
	results.Leg
	name           string // there or back
	sender, target results.Party
	senderRole     results.Blame
	targetRole     results.Blame
	unread         string // why the carrying stream could not be read
	unseen         bool   // delivered, yet on no tap
	clear          bool   // a stanza of this direction crossed outside TLS
	attempts       []results.Stream
	class          oracle.Class
}

// Derive reduces an observation to the outcome that is published.
func Derive(obs *results.Observation) results.Outcome {
	t, b := derive(obs, there), derive(obs, back)
	out := results.Outcome{There: t.Leg, Back: b.Leg}
	out.Auth = results.AuthPair{Initiator: t.Auth, Receiver: b.Auth}
	out.Delivered = t.Asked || b.Asked
	out.Encrypted = true
	seen := false
	for _, l := range []leg{t, b} {
		if !l.Asked {
			continue
		}
		if l.Delivered < l.Sent || l.Sent == 0 {
			out.Delivered = false
		}
		if l.carried() {
			seen = true
			out.Encrypted = out.Encrypted && l.Encrypted
		}
		if l.TLS != "" && (out.TLS == "" || l.TLS < out.TLS) {
			out.TLS, out.Suite = l.TLS, l.Suite
		}
		if out.Condition == "" {
			out.Condition = l.Condition
		}
	}
	out.Encrypted = out.Encrypted && seen
	return out
}

func (l *leg) carried() bool { return l.Delivered > 0 && !l.unseen }

// derive reads one direction of the cell from the clients and from the wire.
func derive(obs *results.Observation, name string) leg {
	l := leg{name: name, sender: obs.Initiator, target: obs.Receiver,
		senderRole: results.BlameInitiator, targetRole: results.BlameReceiver}
	if name == back {
		l.sender, l.target = obs.Receiver, obs.Initiator
		l.senderRole, l.targetRole = results.BlameReceiver, results.BlameInitiator
	}
	canaries, sent := map[string]bool{}, map[string]results.Message{}
	for _, m := range obs.Messages {
		if m.Direction != name {
			continue
		}
		l.Asked = true
		l.Sent++
		sent[m.Canary] = m
		if m.Delivered > 0 {
			l.Delivered++
			canaries[m.Canary] = true
		}
		if m.Error != nil && l.Condition == "" {
			l.Condition = m.Error.Condition
		}
	}
	l.Encrypted = l.Delivered > 0
	found := map[string]bool{}
	for _, s := range obs.Streams {
		if s.InitiatingParty == string(l.senderRole) {
			l.attempts = append(l.attempts, s)
			if s.ClosedHow != "" {
				l.End = fmt.Sprintf("%s: %s", role(s, s.ClosedBy), s.ClosedHow)
				for _, e := range s.Errors {
					if e.Text != "" && e.Direction == s.ClosedBy {
						l.End += fmt.Sprintf(" (%.120q)", e.Text)
					}
				}
			}
			if s.TLS != nil && s.TLS.Version != "" && l.TLS == "" {
				l.TLS, l.Suite = s.TLS.Version, s.TLS.Suite
			}
		}
		for _, st := range s.Stanzas {
			if role(s, st.Direction) == string(l.senderRole) && !st.Inside && domainOf(st.From) == l.sender.Domain {
				l.clear = true
			}
		}
		for _, c := range s.Canaries {
			m, ours := sent[c.Canary]
			if ours && !c.Inside && role(s, c.Direction) == string(l.senderRole) {
				l.clear = true
			}
			if !canaries[c.Canary] || role(s, c.Direction) != string(l.senderRole) {
				continue
			}
			found[c.Canary] = true
			if !c.Inside {
				l.Encrypted = false
				l.clear = true
			} else if s.TLS != nil {
				l.TLS, l.Suite = s.TLS.Version, s.TLS.Suite
			}
			if a := authOn(s, c.Direction, domainOf(m.From), domainOf(m.To)); l.Auth == "" || weaker(a, l.Auth) {
				l.Auth = a
			}
		}
	}
	if len(found) < len(canaries) {
		l.unseen = true
		l.Encrypted = false
		for _, s := range obs.Streams {
			if s.TLS != nil && !s.Decrypted {
				l.unread = s.Reason
			}
		}
	}
	l.class = oracle.Of(l.Leg)
	return l
}

// role names the party that sends in the given direction of a stream.
func role(s results.Stream, d results.Direction) string {
	if d == results.Initiating {
		return s.InitiatingParty
	}
	return s.ReceivingParty
}

func domainOf(jid string) string {
	jid, _, _ = strings.Cut(jid, "/")
	if _, domain, ok := strings.Cut(jid, "@"); ok {
		return domain
	}
	return jid
}

// authOn says how the entity that sends in direction d of the stream was
// authenticated on it for the pair of domains.
func authOn(s results.Stream, d results.Direction, from, to string) results.Auth {
	if d == results.Receiving {
		// Only XEP-0288 lets the receiving entity send stanzas. It was
		// authenticated by its certificate if the initiating entity went on.
		if s.TLS != nil && s.TLS.Complete {
			return results.AuthPKIX
		}
		return results.AuthNone
	}
	for _, a := range s.SASL {
		if a.Result == "success" && a.Mechanism == "EXTERNAL" {
			return results.AuthPKIX
		}
	}
	for _, v := range s.Dialback {
		// The receiving entity's answer names the pair in reverse.
		if v.Name == "result" && v.Type == "valid" && v.Direction == results.Receiving && v.From == to && v.To == from {
			return results.AuthDialback
		}
	}
	return results.AuthNone
}

func weaker(a, b results.Auth) bool {
	order := []results.Auth{results.AuthNone, results.AuthDialback, results.AuthDialSec, results.AuthPKIX}
	return slices.Index(order, a) < slices.Index(order, b)
}
