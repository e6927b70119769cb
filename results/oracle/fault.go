package oracle

import "github.com/xmpp-testday/testday/results"

func cite(document, section string, level results.Level) results.Citation {
	return results.Citation{Document: document, Section: section, Level: level}
}

var (
	// The 2014 manifesto: TLS on every server-to-server connection.
	manifesto = cite("manifesto", "", results.PolicyLevel)
	// TLS that is required is mandatory-to-negotiate.
	mandatoryTLS = cite("RFC 6120", "5.3.1", results.Must)
	// Data before authentication is not processed.
	notAuthorized = cite("RFC 6120", "4.9.3.12", results.Must)
	// A certificate that fails validation ends the stream.
	validation = cite("RFC 6120", "13.7.2", results.Must)
	// EXTERNAL depends on the certificate that the initiator presented.
	offerExternal = cite("XEP-0178", "3", results.Should)
	// The dialback error for a peer that policy wants authenticated better.
	dialbackRefused = cite("XEP-0220", "2.5", results.PolicyLevel)
	// An initiator tries TLS.
	attemptTLS = cite("RFC 7590", "3.1", results.Should)
	// Authenticated TLS is better than TLS alone; TLS alone than none.
	authenticate    = cite("RFC 7590", "3.4", results.Should)
	unauthenticated = cite("RFC 7590", "3.4", results.May)
	// The receiver may continue with dialback.
	continueDialback = cite("XEP-0178", "3", results.May)
	// Verified federation: dialback without encryption.
	verified = cite("XEP-0238", "1", results.May)
	// The federation's policy on serverAuth-only certificates (ejabberd#4392,
	// metronome#560), against RFC 5280 section 4.2.1.12.
	serverOnly = cite("community", "", results.PolicyLevel)
)

// stream is one direction: who opens it, and to whom.
type stream struct{ i, r Setting }

// tls reports whether TLS can be negotiated at all. A receiver without a
// certificate has nothing to offer it with.
func (s stream) tls() bool {
	return s.i.TLS != Disabled && s.r.TLS != Disabled && s.r.Certificate != Missing
}

// fault is one way in which a class contradicts how a side was set.
type fault struct {
	// when reports whether the fault is one that the class shows.
	when func(s stream, c Class) bool
	// verdict is Exposed where the contradiction defeats a protection. It is
	// HarnessError where a side did what it was configured not to and nothing was
	// lost: then its policy was not in force, and the cell proves nothing.
	verdict results.Verdict
	blame   results.Blame
	why     string
	cites   []results.Citation
}

// faults is in order of precedence: the first that a side shows is that side's.
var faults = []fault{
	{
		when:    func(s stream, c Class) bool { return c.Clear() && s.i.TLS == Required },
		verdict: results.Exposed, blame: results.BlameInitiator,
		why:   "the initiator requires TLS and sent a stanza in clear",
		cites: []results.Citation{manifesto},
	},
	{
		when:    func(s stream, c Class) bool { return c.Clear() && s.r.TLS == Required },
		verdict: results.Exposed, blame: results.BlameReceiver,
		why:   "the receiver requires TLS and accepted a stanza in clear",
		cites: []results.Citation{mandatoryTLS, manifesto},
	},
	{
		when:    func(_ stream, c Class) bool { return c == PN || c == TN },
		verdict: results.Exposed, blame: results.BlameReceiver,
		why:   "the receiver accepted a stanza from an initiator that it had not authenticated",
		cites: []results.Citation{notAuthorized},
	},
	{
		when:    func(s stream, c Class) bool { return c == SE && s.i.Certificate == Invalid },
		verdict: results.Exposed, blame: results.BlameReceiver,
		why:   "the receiver accepted an invalid certificate as proof of the initiator's identity",
		cites: []results.Citation{validation, offerExternal},
	},
	{
		when:    func(s stream, c Class) bool { return c == SE && s.i.Certificate == Missing },
		verdict: results.Exposed, blame: results.BlameReceiver,
		why:   "the receiver accepted EXTERNAL from an initiator that has no certificate",
		cites: []results.Citation{notAuthorized, offerExternal},
	},
	{
		// Without TLS no certificate is presented, and there is nothing to be
		// strict about. Where TLS may be skipped it is tried all the same, so falling
		// back to clear after seeing the certificate is no way out.
		when: func(s stream, c Class) bool {
			return c.Delivered() && s.tls() && s.i.Strict && s.r.Certificate == Invalid
		},
		verdict: results.Exposed, blame: results.BlameInitiator,
		why:   "the initiator must refuse a certificate that does not validate and sent a stanza to a receiver with an invalid one",
		cites: []results.Citation{validation},
	},
	{
		when: func(s stream, c Class) bool {
			return c.dialback() && s.tls() && s.r.Strict && s.i.Certificate == Invalid
		},
		verdict: results.Exposed, blame: results.BlameReceiver,
		why:   "the receiver must refuse a certificate that does not validate and accepted dialback from an initiator with an invalid one",
		cites: []results.Citation{validation, dialbackRefused},
	},
	{
		when:    func(s stream, c Class) bool { return c.dialback() && !s.r.Dialback },
		verdict: results.Exposed, blame: results.BlameReceiver,
		why:   "the receiver accepts no dialback and let an initiator in by it",
		cites: []results.Citation{dialbackRefused},
	},
	{
		when:    func(s stream, c Class) bool { return c.Encrypted() && s.i.TLS == Disabled },
		verdict: results.HarnessError,
		why:     "the initiator's TLS is disabled and it negotiated TLS: its policy was not in force",
	},
	{
		when:    func(s stream, c Class) bool { return c.Encrypted() && s.r.TLS == Disabled },
		verdict: results.HarnessError,
		why:     "the receiver's TLS is disabled and it negotiated TLS: its policy was not in force",
	},
	{
		when:    func(s stream, c Class) bool { return c.Encrypted() && s.r.Certificate == Missing },
		verdict: results.HarnessError,
		why:     "the receiver has no certificate and negotiated TLS: the world was not as declared",
	},
	{
		when:    func(s stream, c Class) bool { return c.dialback() && !s.i.Dialback },
		verdict: results.HarnessError,
		why:     "the initiator's dialback is disabled and it authenticated by dialback: its policy was not in force",
	},
}

// find returns what is wrong with a class: the first Exposed fault of each side
// or, when there is none, the first other one.
func (s stream) find(c Class) []fault {
	var found []fault
	seen := map[results.Blame]bool{}
	for _, f := range faults {
		if len(found) > 0 && f.verdict != results.Exposed {
			break
		}
		if f.when(s, c) && !seen[f.blame] {
			seen[f.blame] = true
			found = append(found, f)
		}
	}
	return found
}
