package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"time"
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
)

func (u Usage) extended() []x509.ExtKeyUsage {
	switch u {
	case ServerOnly:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case ClientOnly:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	default:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
}

// Leaf describes an end-entity certificate. Only Names has to be set; any other
// field that is set makes the certificate differ from a good one in that one point.
type Leaf struct {
	// Names are the dNSName entries of the subjectAltName (RFC 6125, DNS-ID). It
	// may be empty when CommonName or ExtraExtensions names the subject.
	Names []string

	// CommonName is the CN of the subject. The default is the first of Names, or
	// no CN at all where that is longer than the 64 characters a CN can hold.
	CommonName string

	// NotBefore and NotAfter bound the validity, relative to the authority's clock
	// at the time of issue. Zero means [DefaultNotBefore] and [DefaultNotAfter].
	// When only one is set and contradicts the default of the other, the other
	// gives way: NotAfter: -time.Hour alone makes an expired certificate, and
	// NotBefore: 365*24*time.Hour alone one from the future.
	NotBefore, NotAfter time.Duration

	// Usage is the extendedKeyUsage.
	Usage Usage

	// SelfSigned has the certificate signed by its own key.
	SelfSigned bool

	// UnknownIssuer has it signed by an authority that nobody trusts, whose
	// intermediate is sent along.
	UnknownIssuer bool

	// OmitIntermediate leaves the intermediate out of the chain on the wire.
	OmitIntermediate bool

	// Revoked has the issuer's revocation list name the certificate, and the
	// certificate say where that list is.
	Revoked bool

	// Key is the subject's key. The default is a new ECDSA key on P-256.
	Key crypto.Signer

	// ExtraExtensions are added as they are. A subjectAltName among them replaces
	// Names, which makes room for SRVName and XmppAddr (RFC 6120, section 13.7.1.2).
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
	name := leaf.CommonName
	if name == "" && len(leaf.Names) > 0 {
		name = leaf.Names[0]
	}
	cert, err := a.issue(leaf, name)
	if err != nil {
		return nil, fmt.Errorf("certificate for %q: %w", name, err)
	}
	return cert, nil
}

func (a *Authority) issue(leaf Leaf, commonName string) (*Certificate, error) {
	if commonName == "" && len(leaf.ExtraExtensions) == 0 {
		return nil, errors.New("the leaf has no name")
	}
	if leaf.Revoked && (leaf.SelfSigned || leaf.UnknownIssuer) {
		return nil, errors.New("only what the lab's own authority issued can be revoked")
	}
	if leaf.SelfSigned && leaf.UnknownIssuer {
		return nil, errors.New("a self-signed certificate has no other issuer")
	}
	if len(commonName) > maxCommonName {
		if leaf.CommonName != "" {
			return nil, fmt.Errorf("a common name is at most %d characters", maxCommonName)
		}
		commonName = ""
	}
	notBefore, notAfter, err := leaf.validity(a.now())
	if err != nil {
		return nil, err
	}
	key := leaf.Key
	if key == nil {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
	}
	from := &a.trusted
	if leaf.UnknownIssuer {
		from = &a.unknown
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{from.organization}, CommonName: commonName},
		DNSNames:              leaf.Names,
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           leaf.Usage.extended(),
		BasicConstraintsValid: true,
		ExtraExtensions:       leaf.ExtraExtensions,
	}
	if leaf.Revoked {
		template.CRLDistributionPoints = []string{RevocationListURL}
	}
	parent, signer := from.intermediate.cert, crypto.Signer(from.intermediate.key)
	if leaf.SelfSigned {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	chain := [][]byte{der}
	if !leaf.SelfSigned && !leaf.OmitIntermediate {
		chain = append(chain, from.intermediate.cert.Raw)
	}
	cert, err := newCertificate(chain, key)
	if err == nil && leaf.Revoked {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.revoked = append(a.revoked, x509.RevocationListEntry{SerialNumber: cert.leaf.SerialNumber, RevocationTime: notBefore})
	}
	return cert, err
}
