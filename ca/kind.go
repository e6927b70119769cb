package ca

import (
	"fmt"
	"slices"
	"time"
)

// Kind is the code by which the scenario catalogue calls a certificate.
type Kind string

// The kinds of the catalogue. Each but Good differs from it in exactly one point. Not
// all of those are defects: entities have to accept, say, an SRVName.
const (
	Good        Kind = "good"        // names the domain, for server and client use
	ServerAuth  Kind = "srvonly"     // as good, but for server use only
	ClientAuth  Kind = "clionly"     // as good, but for client use only
	SelfSigned  Kind = "self"        // signed by its own key
	UnknownCA   Kind = "unkca"       // signed by an authority that nobody trusts
	PublicCA    Kind = "pubca"       // signed by an authority that an operating system trusts
	Expired     Kind = "expired"     // was good until yesterday
	Future      Kind = "future"      // will be good from tomorrow
	OtherName   Kind = "other"       // names [StrangerName], not the domain
	HostName    Kind = "hostname"    // names [HostOf] the domain, not the domain
	SRVName     Kind = "srvname"     // names _xmpp-server of the domain, as an SRVName, and nothing else
	ClientSRV   Kind = "clisrvname"  // names _xmpp-client of the domain, as an SRVName, and nothing else
	IMAPSRV     Kind = "imapsrvname" // names _imap of the domain, as an SRVName, and nothing else
	XMPPAddr    Kind = "xmppaddr"    // names the domain as an XmppAddr, and nothing else
	CNOnly      Kind = "cnonly"      // names the domain by the CN of its subject, without a subjectAltName
	CNOther     Kind = "cnother"     // names the domain by the CN, and [StrangerName] by the subjectAltName
	NUL         Kind = "nul"         // names the domain, then a NUL and [StrangerName], as one dNSName
	NoSubject   Kind = "nosubject"   // as good, but with an empty subject
	CALeaf      Kind = "caleaf"      // as good, but says that it is an authority
	NoChain     Kind = "nochain"     // as good, but sent without the intermediate
	CrossSigned Kind = "crosssigned" // as good, but sent with a path that has expired too
	Constrained Kind = "constrained" // signed by an authority that may do so for [PermittedName] only
	SHA1        Kind = "sha1"        // signed with SHA-1
	RSA         Kind = "rsa"         // as good, but for an RSA key of 2048 bits
	RSA1024     Kind = "rsa1024"     // for an RSA key of 1024 bits
	Revoked     Kind = "revoked"     // as good, but on its issuer's revocation list
	OCSPRevoked Kind = "ocsprevoked" // as good, but revoked by its issuer's OCSP responder
	OCSPUnknown Kind = "ocspunknown" // as good, but unknown to its issuer's OCSP responder
	OCSPStapled Kind = "ocspstapled" // as ocsprevoked, which a scripted server staples
)

// StrangerName is what a certificate of kind [OtherName] is for. No domain of the lab
// is called so.
const StrangerName = "stranger.example"

// PermittedName is what the issuer of a certificate of kind [Constrained] may issue
// for. No domain of the lab is called so, or is below it.
const PermittedName = "good.lab"

var kinds = []Kind{
	Good, ServerAuth, ClientAuth, SelfSigned, UnknownCA, PublicCA, Expired, Future,
	OtherName, HostName, SRVName, ClientSRV, IMAPSRV, XMPPAddr, CNOnly, CNOther, NUL, NoSubject,
	CALeaf, NoChain, CrossSigned, Constrained, SHA1, RSA, RSA1024, Revoked, OCSPRevoked, OCSPUnknown, OCSPStapled,
}

// Kinds returns every kind, in the order of the catalogue.
func Kinds() []Kind { return slices.Clone(kinds) }

// HostOf returns the host name that a certificate of kind [HostName] is for: the one
// at which the SRV records of domain have to point.
func HostOf(domain string) string { return "xmpp." + domain }

// Leaf returns the template of a certificate of this kind for domain, of which it
// takes the A-labels for all but [XMPPAddr].
func (k Kind) Leaf(domain string) (Leaf, error) {
	ascii, err := ALabels(domain)
	if err != nil {
		return Leaf{}, err
	}
	leaf := Leaf{Names: []string{ascii}}
	switch k {
	case Good:
	case ServerAuth:
		leaf.Usage = ServerOnly
	case ClientAuth:
		leaf.Usage = ClientOnly
	case SelfSigned:
		leaf.SelfSigned = true
	case UnknownCA:
		leaf.UnknownIssuer = true
	case PublicCA:
		leaf.PublicIssuer = true
	case Expired:
		leaf.NotAfter = -24 * time.Hour
	case Future:
		leaf.NotBefore = 24 * time.Hour
	case OtherName:
		leaf.Names = []string{StrangerName}
	case HostName:
		leaf.Names = []string{HostOf(ascii)}
	case SRVName:
		leaf = Leaf{SRVNames: []string{"_xmpp-server." + ascii}}
	case ClientSRV:
		leaf = Leaf{SRVNames: []string{"_xmpp-client." + ascii}}
	case IMAPSRV:
		leaf = Leaf{SRVNames: []string{"_imap." + ascii}}
	case XMPPAddr:
		leaf = Leaf{XMPPAddrs: []string{domain}}
	case CNOnly:
		leaf = Leaf{CommonName: ascii}
	case CNOther:
		leaf = Leaf{CommonName: ascii, Names: []string{StrangerName}}
	case NUL:
		leaf.Names = []string{ascii + "\x00." + StrangerName}
	case NoSubject:
		leaf.EmptySubject = true
	case CALeaf:
		leaf.IsCA = true
	case NoChain:
		leaf.OmitIntermediate = true
	case CrossSigned:
		leaf.CrossSigned = true
	case Constrained:
		leaf.Permitted = []string{PermittedName}
	case SHA1:
		leaf.SHA1 = true
	case RSA:
		leaf.RSABits = 2048
	case RSA1024:
		leaf.RSABits = 1024
	case Revoked:
		leaf.Revoked = true
	case OCSPRevoked:
		leaf.OCSP = StatusRevoked
	case OCSPUnknown:
		leaf.OCSP = StatusUnknown
	case OCSPStapled:
		leaf.OCSP, leaf.Staple = StatusRevoked, true
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
