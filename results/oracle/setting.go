package oracle

import "fmt"

// Encryption is a side's policy for TLS on its server-to-server streams, as
// initiating and as receiving entity alike.
type Encryption int

const (
	Disabled Encryption = iota // neither offers nor attempts STARTTLS
	Optional                   // uses TLS where the peer can
	Required                   // no stanza is sent or accepted outside TLS
)

// State is what an independent validator says of a side's certificate.
type State int

const (
	// Missing: it has none.
	Missing State = iota
	// Invalid: expired, not yet valid, of an unknown issuer, for another name, or
	// without a path to a trust anchor (RFC 6120 section 13.7.2).
	Invalid
	// Valid: for its name, in time, with a path to a trust anchor.
	Valid
	// ServerOnly: valid, with the extended key usage id-kp-serverAuth alone, as public
	// authorities issue them since 2026. As an initiator's certificate it is
	// accepted by the federation's policy, not by RFC 5280 section 4.2.1.12.
	ServerOnly
)

// Setting is how one side is set. The zero value has TLS disabled, no
// certificate and no dialback, and can talk to nobody.
type Setting struct {
	TLS         Encryption
	Certificate State
	// Strict: a certificate that the peer presents must validate, and its stream is
	// ended if it does not (RFC 6120 section 13.7.2). A side that is not strict takes
	// TLS with an invalid certificate for encryption only.
	Strict bool
	// Dialback: Server Dialback (XEP-0220) is used and accepted.
	Dialback bool
}

var policies = map[string]Setting{
	"off": {TLS: Disabled, Dialback: true},
	"P0":  {TLS: Optional, Dialback: true},
	"P1":  {TLS: Required, Dialback: true},
	"P2":  {TLS: Required, Strict: true},
}

var certificates = map[string]State{
	"":        Missing,
	"good":    Valid,
	"srvonly": ServerOnly,
	"self":    Invalid,
	"unkca":   Invalid,
	"expired": Invalid,
	"future":  Invalid,
	"other":   Invalid,
	"nochain": Invalid,
	// Path validation alone finds nothing wrong with a revoked certificate; what a
	// scenario asks beyond that is the scenario's to check.
	"revoked": Valid,
}

// For returns the setting of a lab policy (off, P0, P1, P2) with a kind of
// certificate: good, srvonly, self, unkca, expired, future, other, nochain,
// revoked, or "" for none. The error names what is unknown.
func For(policy, certificate string) (Setting, error) {
	s, ok := policies[policy]
	if !ok {
		return Setting{}, fmt.Errorf("unknown policy %q", policy)
	}
	if s.Certificate, ok = certificates[certificate]; !ok {
		return Setting{}, fmt.Errorf("unknown kind of certificate %q", certificate)
	}
	return s, nil
}
