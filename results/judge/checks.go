package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/results"
)

// carriers are the streams on which a canary of the cell was seen.
func carriers(obs *results.Observation) []results.Stream {
	var out []results.Stream
	for _, s := range obs.Streams {
		if len(s.Canaries) > 0 {
			out = append(out, s)
		}
	}
	return out
}

func cite(document, section string, level results.Level) []results.Citation {
	return []results.Citation{{Document: document, Section: section, Level: level}}
}

// TLSAtLeast asks that no stream that carried a stanza used an older version
// than the one named ("TLS 1.2").
func TLSAtLeast(version string) Check {
	return Check{Name: version + " or newer", Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		var fs []Finding
		for _, s := range carriers(obs) {
			if s.TLS != nil && s.TLS.Version != "" && s.TLS.Version < version {
				fs = append(fs, Finding{Verdict: results.Fail, Blame: results.BlameBoth,
					Why:   fmt.Sprintf("stanzas crossed over %s", s.TLS.Version),
					Cites: cite("RFC 8996", "2", results.Must)})
			}
		}
		return fs
	}}
}

// PrefersTLS asks that two servers which both can negotiate the version do so
// (RFC 9325 section 3.1.1).
func PrefersTLS(version string) Check {
	return Check{Name: version + " is negotiated", Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		var fs []Finding
		for _, s := range carriers(obs) {
			if s.TLS == nil || s.TLS.Version == version {
				continue
			}
			f := Finding{Verdict: results.Weaker, Cites: cite("RFC 9325", "3.1.1", results.Should), Possible: version,
				Why: fmt.Sprintf("%s was negotiated: the %s did not offer %s", s.TLS.Version, s.InitiatingParty, version)}
			for _, v := range s.TLS.Offered {
				if v == version {
					f.Why = fmt.Sprintf("%s was negotiated although the %s offered %s", s.TLS.Version, s.InitiatingParty, version)
				}
			}
			fs = append(fs, f)
		}
		return fs
	}}
}

// ForwardSecret asks that every stream which carried a stanza used an
// ephemeral key exchange (RFC 9325 section 4.1).
func ForwardSecret() Check {
	return Check{Name: "forward secrecy", Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		var fs []Finding
		for _, s := range carriers(obs) {
			if s.TLS != nil && strings.HasPrefix(s.TLS.Suite, "TLS_RSA_") {
				fs = append(fs, Finding{Verdict: results.Fail, Blame: results.BlameReceiver,
					Why:   fmt.Sprintf("%s has no forward secrecy", s.TLS.Suite),
					Cites: cite("RFC 9325", "4.1", results.Should)})
			}
		}
		return fs
	}}
}

// OneHandshakePerConnection asks that every connection that carried stanzas
// made one TLS handshake, before the first of them.
func OneHandshakePerConnection() Check {
	return Check{Name: "TLS before the first stanza of every connection", Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		var fs []Finding
		for _, s := range obs.Streams {
			for _, st := range s.Stanzas {
				if !st.Inside {
					fs = append(fs, Finding{Verdict: results.Exposed, Blame: results.Blame(role(s, st.Direction)),
						Why:   fmt.Sprintf("a %s crossed before TLS", st.Name),
						Cites: cite("RFC 7590", "3.1", results.PolicyLevel)})
				}
			}
		}
		return fs
	}}
}

// External asks that both sides implement certificate authentication: each
// receiving entity that was shown a valid certificate offers SASL EXTERNAL, and
// each initiating entity that is offered it uses it (RFC 6120 sections 6.3.4 and
// 13.8.4).
func External() Check {
	return Check{Name: "SASL EXTERNAL both ways", Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		var fs []Finding
		for _, s := range obs.Streams {
			if s.TLS == nil || !s.TLS.Complete || !s.Decrypted || s.InitiatingParty == "" || len(s.SASL) > 0 {
				continue
			}
			offered, seen := false, false
			for _, f := range s.Features {
				seen = seen || f.Inside
				offered = offered || f.Inside && slices.Contains(f.Mechanisms, "EXTERNAL")
			}
			f := Finding{Verdict: results.Fail, Cites: cite("RFC 6120", "13.8.4", results.Must)}
			switch {
			case offered && len(s.Dialback) > 0:
				f.Blame = results.Blame(s.InitiatingParty)
				f.Why = fmt.Sprintf("the %s was offered EXTERNAL and tried dialback", s.InitiatingParty)
			case seen && !offered && !s.TLS.CertificateRequested:
				f.Blame = results.Blame(s.ReceivingParty)
				f.Why = fmt.Sprintf("the %s asked for no certificate and offered no EXTERNAL", s.ReceivingParty)
			case seen && !offered && len(s.TLS.Certificates[results.Initiating]) > 0:
				f.Blame = results.Blame(s.ReceivingParty)
				f.Why = fmt.Sprintf("the %s was shown a valid certificate and offered no EXTERNAL", s.ReceivingParty)
			case seen && !offered:
				f.Blame = results.Blame(s.InitiatingParty)
				f.Why = fmt.Sprintf("the %s was asked for a certificate and presented none", s.InitiatingParty)
			default:
				continue
			}
			fs = append(fs, f)
		}
		return fs
	}}
}

// InOrderOnce asks that the messages of each direction arrived once each, in
// the order in which they were sent (RFC 6120 section 10.1).
func InOrderOnce() Check {
	return Check{Name: "every message once, in order", Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		var fs []Finding
		next := map[string]int{there: 1, back: 1}
		for _, m := range obs.Messages {
			if m.Delivered == 0 {
				continue
			}
			if m.Order != next[m.Direction] {
				blame := results.BlameInitiator
				if m.Direction == back {
					blame = results.BlameReceiver
				}
				return append(fs, Finding{Verdict: results.Fail, Blame: blame,
					Why:   fmt.Sprintf("messages from %s arrived out of order", m.From),
					Cites: cite("RFC 6120", "10.1", results.Must)})
			}
			next[m.Direction]++
		}
		return fs
	}}
}

// NothingPrivateInClear asks that no localpart, resource or canary of the
// cell's messages is among what an onlooker sees (RFC 7590 section 4).
func NothingPrivateInClear() Check {
	return Check{Name: "no localpart, resource or body in clear", Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		var fs []Finding
		for _, s := range obs.Streams {
			for _, c := range s.Canaries {
				if !c.Inside {
					fs = append(fs, Finding{Verdict: results.Exposed, Blame: results.Blame(role(s, c.Direction)),
						Why:   "a token of a message's localpart, resource or body crossed in clear",
						Cites: cite("RFC 7590", "4", results.Should)})
				}
			}
		}
		return fs
	}}
}

// AttackerActed asks that the attacker on the path found something to do: without
// that the cell says nothing about the attack.
func AttackerActed() Check {
	return Check{Name: "the attack took place", Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		if len(obs.Acts) > 0 {
			return nil
		}
		return []Finding{{Verdict: results.Inconclusive, Why: "the attacker on the path found nothing to do"}}
	}}
}

// NotIntercepted asks that nothing is delivered through an attacker who poses as
// each side to the other. Where the certificates that it shows break no rule that
// the policies know, being read is weaker, not red: it is what these policies are
// worth.
func NotIntercepted() Check {
	return Check{Name: "nothing readable by an active attacker", Find: func(obs *results.Observation, out results.Outcome) []Finding {
		if out.There.Delivered == 0 && out.Back.Delivered == 0 {
			return nil
		}
		why := "delivered through an attacker who read it: dialback does not notice who else terminates TLS"
		if obs.Shown == "good" {
			why = "delivered through an attacker who read it: PKIX does not notice a certificate that was issued to somebody else"
		}
		return []Finding{{Verdict: results.Weaker, Why: why, Possible: "refused, with DANE or POSH",
			Cites: cite("XEP-0344", "3", results.SecLevel)}}
	}}
}

// Revoked asks that a certificate which its issuer has revoked is refused.
// Accepting it is weaker, as the catalogue has it: most deployments do.
func Revoked() Check {
	return Check{Name: "a revoked certificate is refused", Find: func(obs *results.Observation, out results.Outcome) []Finding {
		if !out.There.Asked || out.There.Delivered == 0 {
			return nil
		}
		return []Finding{{Verdict: results.Weaker, Possible: "refused",
			Why:   "the receiver's certificate is revoked and was accepted",
			Cites: cite("RFC 6120", "13.7.2", results.Must)}}
	}}
}

// AgreesToTLS asks that nobody agrees to a version of TLS older than the one named
// ("TLS 1.2"), whether or not anything comes of it.
func AgreesToTLS(version string) Check {
	return Check{Name: "nobody agrees to less than " + version, Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		var fs []Finding
		for _, s := range obs.Streams {
			if s.TLS != nil && s.TLS.Version != "" && s.TLS.Version < version {
				fs = append(fs, Finding{Verdict: results.Fail, Blame: results.Blame(s.ReceivingParty),
					Why:   fmt.Sprintf("the %s agreed to %s", s.ReceivingParty, s.TLS.Version),
					Cites: cite("RFC 8996", "5", results.Must)})
			}
		}
		return fs
	}}
}

// DirectTLS asks that the streams of a world in which the DNS names direct TLS
// alone begin with TLS (XEP-0368 section 3). Who never looks for it, or has nothing
// that listens for it, does not support it.
func DirectTLS() Check {
	return Check{Name: "direct TLS", Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		var fs []Finding
		for _, l := range []leg{derive(obs, there), derive(obs, back)} {
			if !l.Asked {
				continue
			}
			looked := slices.ContainsFunc(obs.Queries, func(q results.Query) bool {
				return q.Party == string(l.senderRole) && strings.TrimSuffix(q.Name, ".") == "_xmpps-server._tcp."+l.target.Domain
			})
			refused := len(l.attempts) > 0
			for _, s := range l.attempts {
				refused = refused && s.Ends[results.Receiving] == "refused"
				if !s.DirectTLS && s.ClearBytes[results.Initiating] > 0 {
					fs = append(fs, Finding{Verdict: results.Fail, Blame: l.senderRole,
						Why:   fmt.Sprintf("the %s connected to an endpoint of direct TLS and sent something else", l.senderRole),
						Cites: cite("XEP-0368", "3", results.Must)})
				}
			}
			switch {
			case l.Delivered == l.Sent:
			case !looked:
				fs = append(fs, Finding{Verdict: results.NotSupported, Why: fmt.Sprintf("the %s never asked the DNS for direct TLS", l.senderRole)})
			case refused:
				fs = append(fs, Finding{Verdict: results.NotSupported, Why: fmt.Sprintf("nothing of the %s listens for direct TLS", l.targetRole)})
			}
		}
		return fs
	}}
}

// NothingOf asks that what somebody said in clear before TLS, in the name of a
// domain, is not answered inside it (RFC 6120 section 5.4.3.3). Who notices that it
// was somebody else, and ends the stream with an error, failed safe.
func NothingOf(domain string) Check {
	return Check{Name: "nothing that was said before TLS counts in it", Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		var fs []Finding
		for _, s := range obs.Streams {
			for _, h := range s.Headers {
				noticed := slices.ContainsFunc(s.Errors, func(e results.StreamError) bool { return e.Inside && e.Direction == results.Receiving })
				if h.Inside && h.Direction == results.Receiving && h.To == domain && !noticed {
					fs = append(fs, Finding{Verdict: results.Exposed, Blame: results.Blame(s.ReceivingParty),
						Why:   fmt.Sprintf("inside TLS the %s takes who opened the stream for %s, which an attacker had said in clear", s.ReceivingParty, domain),
						Cites: cite("RFC 6120", "5.4.3.3", results.Must)})
				}
			}
		}
		return fs
	}}
}

// NoStanza asks that no stanza is sent to whoever is there instead of the other
// server, and has not answered with a stream header (RFC 6120 section 4.3).
func NoStanza() Check {
	return Check{Name: "no stanza before a stream header came", Find: func(obs *results.Observation, _ results.Outcome) []Finding {
		var fs []Finding
		for _, s := range obs.Streams {
			if len(s.Canaries) > 0 || len(s.Stanzas) > 0 {
				fs = append(fs, Finding{Verdict: results.Exposed, Blame: results.Blame(s.InitiatingParty),
					Why:   fmt.Sprintf("the %s sent a stanza, or a word of one, to a server that is none of XMPP", s.InitiatingParty),
					Cites: cite("RFC 6120", "4.3", results.Must)})
			}
		}
		return fs
	}}
}
