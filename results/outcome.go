package results

// Verdict says what the observation of a cell means. The zero value is not a
// verdict. The constants are in order of precedence: the first that holds is
// the cell's.
type Verdict string

const (
	// HarnessError: the world was not as declared, or a script or tap broke.
	HarnessError Verdict = "harness-error"
	// Skipped: not run by choice.
	Skipped Verdict = "skipped"
	// NotSupported: the subject cannot be configured so, or provably lacks an
	// optional feature and failed safe. Never the answer to a MUST.
	NotSupported Verdict = "not-supported"
	// Exposed: a security failure. Plaintext, a credential or key leaked, or
	// something was accepted under an identity that was not verified.
	Exposed Verdict = "exposed"
	// Fail: contradicts a MUST or the profile.
	Fail Verdict = "fail"
	// NoInterop: nobody broke a rule, but what should arrive did not.
	NoInterop Verdict = "no-interop"
	// Weaker: works, below what this pair could do, or against a SHOULD.
	Weaker Verdict = "weaker"
	// Pass: every expected fact was seen, with its control, by two independent
	// kinds of evidence.
	Pass Verdict = "pass"
	// Inconclusive: neither proven.
	Inconclusive Verdict = "inconclusive"
)

// Verdicts lists every verdict in order of precedence.
func Verdicts() []Verdict {
	return []Verdict{HarnessError, Skipped, NotSupported, Exposed, Fail, NoInterop, Weaker, Pass, Inconclusive}
}

// Red reports whether the verdict is one that the gate stops at: a broken rule.
func (v Verdict) Red() bool { return v == Exposed || v == Fail }

// Blame names the side that broke the rule. It is empty when nobody did.
type Blame string

// Who can be blamed, by role in the cell: the initiator's server, the receiver's,
// both, or nobody.
const (
	NoBlame        Blame = ""
	BlameInitiator Blame = "initiator"
	BlameReceiver  Blame = "receiver"
	BlameBoth      Blame = "both"
)

// Auth is how one entity was authenticated by the other on the stream it
// initiated: RFC 7590 section 3.6 names "PKI, DANE, POSH, or Server Dialback".
type Auth string

// The ways to be authenticated.
const (
	AuthUnknown  Auth = ""         // not seen, or the stream could not be decrypted
	AuthNone     Auth = "none"     // seen, and nothing was authenticated
	AuthDialback Auth = "dialback" // XEP-0220
	// AuthDialSec: dialback, to an address that DNSSEC vouches for.
	AuthDialSec Auth = "dialback+dnssec"
	AuthPKIX    Auth = "pkix" // a certificate, RFC 6120 section 13.7.2
	AuthDANE    Auth = "dane" // RFC 7712
	AuthPOSH    Auth = "posh" // RFC 7711
)

// AuthPair is how each side of a cell was authenticated: the initiator on the
// stream it opened towards the receiver, and the receiver on the stream it
// opened back (or on the same one, with XEP-0288).
type AuthPair struct {
	Initiator Auth `json:"initiator"`
	Receiver  Auth `json:"receiver"`
}

// Outcome is what a cell came to, observed or expected: never a boolean.
type Outcome struct {
	// Delivered: every stanza that the scenario sent reached its addressee.
	Delivered bool `json:"delivered"`
	// Encrypted: every stanza on the wire between the servers was inside TLS.
	// False when none was seen.
	Encrypted bool `json:"encrypted"`
	// TLS is the lowest version that carried a stanza or, when none did, that
	// was negotiated: "TLS 1.3". Empty without TLS.
	TLS string `json:"tls"`
	// Suite is the cipher suite that went with it.
	Suite string   `json:"suite,omitempty"`
	Auth  AuthPair `json:"auth"`
	// Condition is the stanza error condition that the sender was given
	// (RFC 6120 section 8.3.3), or empty.
	Condition string `json:"condition"`
	// There and Back are the two directions of the cell by themselves: from the
	// initiator to the receiver, and from the receiver to the initiator.
	There Leg `json:"there"`
	Back  Leg `json:"back"`
}

// Leg is one direction of a cell.
type Leg struct {
	// Asked: the scenario sent something this way, or would have.
	Asked bool `json:"asked"`
	// Sent and Delivered count messages.
	Sent      int    `json:"sent"`
	Delivered int    `json:"delivered"`
	Encrypted bool   `json:"encrypted"`
	TLS       string `json:"tls,omitempty"`
	Suite     string `json:"suite,omitempty"`
	Auth      Auth   `json:"auth,omitempty"`
	Condition string `json:"condition,omitempty"`
	// End says who ended the last stream in this direction, and how: "receiver:
	// alert unknown_ca", "initiator: stream error policy-violation", "open".
	End string `json:"end,omitempty"`
}
