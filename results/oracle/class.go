package oracle

import "github.com/xmpp-testday/testday/results"

// Class is what came of one direction of a cell.
type Class int

const (
	// Unknown is the zero value: nobody saw, or the stream was not decrypted.
	Unknown Class = iota
	// NO: nothing was delivered.
	NO
	// PD: delivered in clear, the initiator authenticated by dialback.
	PD
	// TD: delivered inside TLS, the initiator authenticated by dialback.
	TD
	// SE: delivered inside TLS, the initiator authenticated by its certificate, with
	// SASL EXTERNAL.
	SE
	// PN should never be: delivered in clear, from an initiator that was not
	// authenticated.
	PN
	// TN should never be: delivered inside TLS, from an initiator that was not
	// authenticated.
	TN
)

var classes = map[Class]struct{ name, sentence string }{
	Unknown: {"not seen", "What came of the stanza was not seen."},
	NO:      {"no delivery", "Nothing was delivered."},
	PD:      {"dialback in clear", "The stanza was delivered in clear, and the initiator authenticated by dialback."},
	TD:      {"TLS with dialback", "The stanza was delivered inside TLS, and the initiator authenticated by dialback."},
	SE:      {"TLS with EXTERNAL", "The stanza was delivered inside TLS, and the initiator authenticated by its certificate."},
	PN:      {"in clear, unauthenticated", "The stanza was delivered in clear, and the initiator was not authenticated."},
	TN:      {"TLS, unauthenticated", "The stanza was delivered inside TLS, and the initiator was not authenticated."},
}

// String names the class: "TLS with dialback".
func (c Class) String() string { return classes[c].name }

// Sentence says what the class is in one sentence.
func (c Class) Sentence() string { return classes[c].sentence }

// Encrypted reports whether the class delivers inside TLS.
func (c Class) Encrypted() bool { return c == TD || c == SE || c == TN }

// Clear reports whether the class delivers outside TLS.
func (c Class) Clear() bool { return c == PD || c == PN }

// Delivered reports whether the class delivers at all.
func (c Class) Delivered() bool { return c.Encrypted() || c.Clear() }

func (c Class) dialback() bool { return c == PD || c == TD }

// Of returns the class of an observed direction. A certificate that vouched for
// an initiator outside TLS vouched for nothing.
func Of(leg results.Leg) Class {
	if leg.Delivered == 0 {
		return NO
	}
	switch leg.Auth {
	case results.AuthPKIX, results.AuthDANE, results.AuthPOSH:
		if leg.Encrypted {
			return SE
		}
		return PN
	case results.AuthDialback, results.AuthDialSec:
		if leg.Encrypted {
			return TD
		}
		return PD
	case results.AuthNone:
		if leg.Encrypted {
			return TN
		}
		return PN
	default:
		return Unknown
	}
}
