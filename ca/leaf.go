package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Offsets that a [Leaf] has unless it says otherwise.
const (
	DefaultNotBefore = -24 * time.Hour
	DefaultNotAfter  = 90 * 24 * time.Hour
)

// maxCommonName is ub-common-name of RFC 5280, appendix A.1.
const maxCommonName = 64

// Usage is what a certificate may be used for (RFC 5280, section 4.2.1.12).
type Usage int

// The zero value suits a server which federates: it is a TLS server on the streams
// it accepts and a TLS client on those it opens.
const (
	ServerAndClient Usage = iota
	ServerOnly
	ClientOnly
	AnyUsage // anyExtendedKeyUsage alone
	NoUsage  // no such extension, which limits nothing either
)

func (u Usage) extended() []x509.ExtKeyUsage {
	switch u {
	case ServerOnly:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case ClientOnly:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case AnyUsage:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	case NoUsage:
		return nil
	default:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
}

// Leaf describes an end-entity certificate. Only Names has to be set; any other
// field that is set makes the certificate differ from a good one in that one point.
type Leaf struct {
	// Names are the dNSName entries of the subjectAltName (RFC 6125, DNS-ID). They go
	// into the certificate as they are: a wildcard wherever its asterisk stands, and
	// even a NUL; only what is not ASCII is refused (see [ALabels]). Names may be empty
	// when another field names the subject.
	Names []string

	// SRVNames are the SRVName entries of the subjectAltName (RFC 4985, SRV-ID),
	// such as "_xmpp-server.a.lab", in ASCII.
	SRVNames []string

	// XMPPAddrs are the XmppAddr entries of the subjectAltName (RFC 6120, section
	// 13.7.1.4), such as "a.lab", in UTF-8 with U-labels.
	XMPPAddrs []string

	// CommonName is the CN of the subject. The default is the first of Names, or
	// no CN at all where that is longer than the 64 characters a CN can hold, or
	// holds a control character. SRVNames and XMPPAddrs give no CN, so that nothing
	// else identifies the subject.
	CommonName string

	// EmptySubject leaves the subject without any attribute and has the
	// subjectAltName critical (RFC 5280, section 4.1.2.6), as some public
	// authorities do. RFC 6120, section 13.7.1.1, forbids it.
	EmptySubject bool

	// NotBefore and NotAfter bound the validity, relative to the authority's clock
	// at the time of issue. Zero means [DefaultNotBefore] and [DefaultNotAfter].
	// When only one is set and contradicts the default of the other, the other
	// gives way: NotAfter: -time.Hour alone makes an expired certificate, and
	// NotBefore: 365*24*time.Hour alone one from the future. A certificate has whole
	// seconds, and ends up to one earlier than NotAfter says.
	NotBefore, NotAfter time.Duration

	// Usage is the extendedKeyUsage.
	Usage Usage

	// IsCA has the basicConstraints say that the subject is an authority, which
	// RFC 6120, section 13.7.1.1, forbids. The keyUsage does not let it sign.
	IsCA bool

	// SelfSigned has the certificate signed by its own key.
	SelfSigned bool

	// UnknownIssuer has it signed by an authority that nobody trusts, whose
	// intermediate is sent along.
	UnknownIssuer bool

	// PublicIssuer has it signed by the authority below [Authority.PublicRoot],
	// whose intermediate is sent along.
	PublicIssuer bool

	// Permitted has it signed by an intermediate whose nameConstraints permit these
	// dNSNames and those below them only (RFC 5280, section 4.2.1.10). The path is
	// good when all Names are among those, as "a.good.lab" is for "good.lab".
	Permitted []string

	// CrossSigned sends one more certificate after the intermediate: a second one of
	// the trusted root, issued by [Authority.ExpiredRoot] and expired with it. An
	// entity which follows the chain as it was sent ends at the expired root, and
	// does not see that it could stop at the trusted one. That broke federation when
	// DST Root CA X3 ended in 2021.
	CrossSigned bool

	// OmitIntermediate leaves the intermediate out of the chain on the wire.
	OmitIntermediate bool

	// Revoked has the issuer's revocation list name the certificate, and the
	// certificate say where that list is.
	Revoked bool

	// OCSP has the certificate name the OCSP responder at [OCSPURL], and that
	// responder say this of it.
	OCSP Status

	// Staple has [Certificate.TLS] carry the responder's answer, so that a
	// handshake staples it (RFC 6066, section 8). It needs OCSP.
	Staple bool

	// Key is the subject's key. The default is a new ECDSA key on P-256.
	Key crypto.Signer

	// RSABits makes the subject's new key an RSA one of so many bits. The shortest
	// is 1024, which is shorter than RFC 9325, section 4.5, allows.
	RSABits int

	// SHA1 has the issuer sign a SHA-1 digest, which RFC 9325, section 4.5, forbids.
	SHA1 bool

	// ExtraExtensions are added as they are. A subjectAltName among them replaces
	// Names, for what even SRVNames and XMPPAddrs have no room for.
	ExtraExtensions []pkix.Extension
}

// validity resolves the offsets of a leaf that is issued now.
func (l Leaf) validity(now time.Time) (notBefore, notAfter time.Time, err error) {
	from, to := l.NotBefore, l.NotAfter
	if to == 0 {
		to = max(DefaultNotAfter, from+DefaultNotAfter)
	}
	if from == 0 {
		from = DefaultNotBefore
		if from >= to {
			from = to - DefaultNotAfter
		}
	}
	if from >= to {
		return time.Time{}, time.Time{}, fmt.Errorf("validity ends (%v) before it begins (%v)", to, from)
	}
	return now.Add(from), now.Add(to), nil
}

// Issue makes the certificate which leaf describes.
func (a *Authority) Issue(leaf Leaf) (*Certificate, error) {
	cert, err := a.issue(leaf)
	if err != nil {
		return nil, fmt.Errorf("certificate for %q: %w", leaf.name(), err)
	}
	return cert, nil
}

// name is the first name of the leaf, for people.
func (l Leaf) name() string {
	for _, names := range [][]string{{l.CommonName}, l.Names, l.SRVNames, l.XMPPAddrs} {
		if len(names) > 0 && names[0] != "" {
			return names[0]
		}
	}
	return ""
}

// check refuses what no certificate can be, and what would mean nothing.
func (l Leaf) check() error {
	issuers := 0
	for _, set := range []bool{l.SelfSigned, l.UnknownIssuer, l.PublicIssuer, len(l.Permitted) > 0} {
		if set {
			issuers++
		}
	}
	switch {
	case l.name() == "" && len(l.ExtraExtensions) == 0:
		return errors.New("the leaf has no name")
	case len(l.CommonName) > maxCommonName:
		return fmt.Errorf("a common name is at most %d characters", maxCommonName)
	case l.EmptySubject && l.CommonName != "":
		return errors.New("an empty subject has no common name")
	case l.EmptySubject && l.SelfSigned:
		return errors.New("an issuer, of itself too, has no empty subject")
	case issuers > 1:
		return errors.New("a certificate that is self-signed, or has one of the other issuers, has no other issuer")
	case l.CrossSigned && issuers > 0 && len(l.Permitted) == 0:
		return errors.New("only the lab's own root is cross-signed")
	case issuers > 0 && (l.Revoked || l.OCSP != NoStatus):
		return errors.New("only what the lab's own intermediate issued can be revoked, or have a status")
	case l.Staple && l.OCSP == NoStatus:
		return errors.New("there is no status to staple")
	case l.Key != nil && l.RSABits != 0:
		return errors.New("the leaf has a key, and is to have a new one of RSA")
	}
	return nil
}

// subject is the distinguished name of a leaf.
func (l Leaf) subject(organization string) pkix.Name {
	if l.EmptySubject {
		return pkix.Name{}
	}
	name := l.CommonName
	if name == "" && len(l.Names) > 0 && len(l.Names[0]) <= maxCommonName && !strings.ContainsFunc(l.Names[0], unicode.IsControl) {
		name = l.Names[0]
	}
	return pkix.Name{Organization: []string{organization}, CommonName: name}
}

// subjectKey returns the key of a leaf. Every certificate gets a new one: two that
// shared a key would be one to whoever pins keys, as TLSA selector 1 does.
func (l Leaf) subjectKey() (key crypto.Signer, err error) {
	switch {
	case l.Key != nil:
		return l.Key, nil
	case l.RSABits != 0:
		key, err = rsa.GenerateKey(rand.Reader, l.RSABits)
	default:
		key, err = newKey()
	}
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return key, nil
}

// signatureAlgorithm is zero for the one that crypto/x509 takes for the signer's key.
func (l Leaf) signatureAlgorithm(signer crypto.Signer) (x509.SignatureAlgorithm, error) {
	if !l.SHA1 {
		return x509.UnknownSignatureAlgorithm, nil
	}
	switch key := signer.Public().(type) {
	case *ecdsa.PublicKey:
		return x509.ECDSAWithSHA1, nil
	case *rsa.PublicKey:
		return x509.SHA1WithRSA, nil
	default:
		return 0, fmt.Errorf("a key of type %T signs no SHA-1 digest", key)
	}
}

// hierarchy returns who issues the leaf, unless it does itself.
func (a *Authority) hierarchy(leaf Leaf) (hierarchy, error) {
	switch {
	case leaf.UnknownIssuer:
		return a.unknown, nil
	case leaf.PublicIssuer:
		return a.public, nil
	case len(leaf.Permitted) > 0:
		h := a.trusted
		var err error
		h.intermediate, err = h.constrained(leaf.Permitted, a.now())
		return h, err
	}
	return a.trusted, nil
}

func (a *Authority) issue(leaf Leaf) (*Certificate, error) {
	if err := leaf.check(); err != nil {
		return nil, err
	}
	notBefore, notAfter, err := leaf.validity(a.now())
	if err != nil {
		return nil, err
	}
	key, err := leaf.subjectKey()
	if err != nil {
		return nil, err
	}
	from, err := a.hierarchy(leaf)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:               leaf.subject(from.organization),
		DNSNames:              leaf.Names,
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           leaf.Usage.extended(),
		BasicConstraintsValid: true,
		IsCA:                  leaf.IsCA,
		ExtraExtensions:       leaf.ExtraExtensions,
	}
	if len(leaf.SRVNames)+len(leaf.XMPPAddrs) > 0 {
		names, err := leaf.subjectAltName()
		if err != nil {
			return nil, err
		}
		template.ExtraExtensions = append(slices.Clip(leaf.ExtraExtensions), names)
	}
	if leaf.Revoked {
		if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128)); err != nil {
			return nil, fmt.Errorf("serial number: %w", err)
		}
		template.CRLDistributionPoints = []string{RevocationListURL + template.SerialNumber.Text(16) + ".crl"}
	}
	if leaf.OCSP != NoStatus {
		template.OCSPServer = []string{OCSPURL}
	}
	parent, signer := from.intermediate.cert, from.intermediate.key
	if leaf.SelfSigned {
		parent, signer = template, key
	}
	if template.SignatureAlgorithm, err = leaf.signatureAlgorithm(signer); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	chain := [][]byte{der}
	if !leaf.SelfSigned && !leaf.OmitIntermediate {
		chain = append(chain, from.intermediate.cert.Raw)
	}
	if leaf.CrossSigned {
		chain = append(chain, a.crossSigned.Raw)
	}
	cert, err := newCertificate(chain, key)
	if err != nil {
		return nil, err
	}
	a.record(cert.leaf, leaf)
	if leaf.Staple {
		if cert.staple, err = a.status(cert.leaf.SerialNumber, crypto.SHA1); err != nil {
			return nil, err
		}
	}
	return cert, nil
}
