package ca

import (
	"fmt"
	"slices"
	"time"
)

// Kind is the code by which the scenario catalogue calls a certificate.
type Kind string

// The kinds of the catalogue. Each but Good has exactly one defect.
const (
	Good       Kind = "good"     // names the domain, for server and client use
	ServerAuth Kind = "srvonly"  // as good, but for server use only
	SelfSigned Kind = "self"     // signed by its own key
	UnknownCA  Kind = "unkca"    // signed by an authority that nobody trusts
	Expired    Kind = "expired"  // was good until yesterday
	Future     Kind = "future"   // will be good from tomorrow
	OtherName  Kind = "other"    // names [StrangerName], not the domain
	HostName   Kind = "hostname" // names [HostOf] the domain, not the domain
	NoChain    Kind = "nochain"  // as good, but sent without the intermediate
	Revoked    Kind = "revoked"  // as good, but on its issuer's revocation list
)

// StrangerName is what a certificate of kind [OtherName] is for. No domain of the lab
// is called so.
const StrangerName = "stranger.example"

var kinds = []Kind{Good, ServerAuth, SelfSigned, UnknownCA, Expired, Future, OtherName, HostName, NoChain, Revoked}

// Kinds returns every kind, in the order of the catalogue.
func Kinds() []Kind { return slices.Clone(kinds) }

// HostOf returns the host name that a certificate of kind [HostName] is for: the one
// at which the SRV records of domain have to point.
func HostOf(domain string) string { return "xmpp." + domain }

// Leaf returns the template of a certificate of this kind for domain.
func (k Kind) Leaf(domain string) (Leaf, error) {
	leaf := Leaf{Names: []string{domain}}
	switch k {
	case Good:
	case ServerAuth:
		leaf.Usage = ServerOnly
	case SelfSigned:
		leaf.SelfSigned = true
	case UnknownCA:
		leaf.UnknownIssuer = true
	case Expired:
		leaf.NotAfter = -24 * time.Hour
	case Future:
		leaf.NotBefore = 24 * time.Hour
	case OtherName:
		leaf.Names = []string{StrangerName}
	case HostName:
		leaf.Names = []string{HostOf(domain)}
	case NoChain:
		leaf.OmitIntermediate = true
	case Revoked:
		leaf.Revoked = true
	default:
		return Leaf{}, fmt.Errorf("unknown certificate kind %q, want one of %q", string(k), kinds)
	}
	return leaf, nil
}

// Make issues a certificate of the given kind for domain.
func (a *Authority) Make(kind Kind, domain string) (*Certificate, error) {
	if domain == "" {
		return nil, fmt.Errorf("a certificate of kind %q needs a domain", string(kind))
	}
	leaf, err := kind.Leaf(domain)
	if err != nil {
		return nil, err
	}
	return a.Issue(leaf)
}
