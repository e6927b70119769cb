package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"time"
)

// authorityLifetime is how long an issuer is valid on either side of the moment
// it was made: long enough that a leaf is never rejected for its issuer's dates.
const authorityLifetime = 10 * 365 * 24 * time.Hour

// Authority issues certificates. It is safe for concurrent use.
type Authority struct {
	now     func() time.Time
	trusted hierarchy
	unknown hierarchy
	public  hierarchy

	// crossSigned is the certificate that expired issued for the trusted root.
	expired, crossSigned *x509.Certificate

	mu       sync.Mutex
	revoked  []x509.RevocationListEntry
	statuses map[string]Status // what the OCSP responder knows, by serial number
}

// hierarchy is a root and the intermediate which signs the leaves.
type hierarchy struct {
	organization string
	root         issuer
	intermediate issuer
}

type issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// Option changes how [New] makes an authority.
type Option func(*Authority)

// WithClock sets the clock which the validity of certificates is relative to. The
// default is [time.Now].
func WithClock(now func() time.Time) Option {
	return func(a *Authority) { a.now = now }
}

// rootBits is the size of the roots' RSA keys.
const rootBits = 2048

// New makes an authority with new keys: ECDSA on P-256 for all that signs leaves,
// RSA for the roots. As from most public authorities today, the intermediate that
// a server sends is so some hundred bytes longer than its leaf, and a handshake has
// the length that servers meet in the wild. Some stumble over flights of another
// length.
func New(opts ...Option) (*Authority, error) {
	a := &Authority{now: time.Now, statuses: map[string]Status{}}
	for _, opt := range opts {
		opt(a)
	}
	var wg sync.WaitGroup
	var errs [3]error
	wg.Go(func() { a.trusted, errs[0] = newHierarchy("Testday lab", a.now()) })
	wg.Go(func() { a.unknown, errs[1] = newHierarchy("Testday stranger", a.now()) })
	wg.Go(func() { a.public, errs[2] = newHierarchy("Testday public", a.now()) })
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if err := a.crossSign(); err != nil {
		return nil, err
	}
	return a, nil
}

// Root returns the certificate of the trusted root.
func (a *Authority) Root() *x509.Certificate { return a.trusted.root.cert }

// RootPEM returns the trusted root as a PEM block: the whole trust store of a subject.
func (a *Authority) RootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.trusted.root.cert.Raw})
}

// Pool returns a new pool which holds the trusted root and nothing else.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.trusted.root.cert)
	return pool
}

// PublicRoot returns the root of a public authority: the one which an operating
// system would trust, and which a subject that was given [Authority.RootPEM] must
// not (RFC 6120, section 13.6). It issued what has [Leaf.PublicIssuer].
func (a *Authority) PublicRoot() *x509.Certificate { return a.public.root.cert }

// ExpiredRoot returns the root that cross-signed the trusted one, and ended a day
// ago. It is not in [Authority.RootPEM]. Beside the trusted root in a trust store it
// makes the store of 2021, in which the expired path was the one that some found first.
func (a *Authority) ExpiredRoot() *x509.Certificate { return a.expired }

// newHierarchy makes "<organization> root CA" and, signed by it, "<organization> CA".
func newHierarchy(organization string, now time.Time) (hierarchy, error) {
	template := issuerTemplate(organization, "root CA", now)
	template.MaxPathLen, template.MaxPathLenZero = 1, false
	key, err := rsa.GenerateKey(rand.Reader, rootBits)
	if err != nil {
		return hierarchy{}, fmt.Errorf("key of %s: %w", template.Subject.CommonName, err)
	}
	root, err := newIssuer(template, key, nil)
	if err != nil {
		return hierarchy{}, err
	}
	intermediate, err := root.intermediate(issuerTemplate(organization, "CA", now))
	if err != nil {
		return hierarchy{}, err
	}
	return hierarchy{organization: organization, root: root, intermediate: intermediate}, nil
}

// crossSign makes a root that has expired, and has it certify the trusted one.
func (a *Authority) crossSign() error {
	now := a.now()
	template := issuerTemplate("Testday past", "root CA", now)
	template.NotAfter = now.Add(-24 * time.Hour)
	template.MaxPathLen, template.MaxPathLenZero = 2, false
	key, err := newKey()
	if err != nil {
		return fmt.Errorf("key of %s: %w", template.Subject.CommonName, err)
	}
	expired, err := newIssuer(template, key, nil)
	if err != nil {
		return err
	}
	template = issuerTemplate(a.trusted.organization, "root CA", now)
	template.NotAfter = expired.cert.NotAfter
	template.MaxPathLen, template.MaxPathLenZero = 1, false
	crossSigned, err := newIssuer(template, a.trusted.root.key, &expired)
	if err != nil {
		return err
	}
	a.expired, a.crossSigned = expired.cert, crossSigned.cert
	return nil
}

// constrained makes an intermediate that may issue for the permitted domains only.
func (h hierarchy) constrained(permitted []string, now time.Time) (issuer, error) {
	template := issuerTemplate(h.organization, "constrained CA", now)
	template.PermittedDNSDomainsCritical, template.PermittedDNSDomains = true, permitted
	return h.root.intermediate(template)
}

// issuerTemplate is what "<organization> <role>" is made from, an issuer of leaves.
func issuerTemplate(organization, role string, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{organization}, CommonName: organization + " " + role},
		NotBefore:             now.Add(-authorityLifetime),
		NotAfter:              now.Add(authorityLifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
}

// intermediate makes an issuer with a new key below the root.
func (root issuer) intermediate(template *x509.Certificate) (issuer, error) {
	key, err := newKey()
	if err != nil {
		return issuer{}, fmt.Errorf("key of %s: %w", template.Subject.CommonName, err)
	}
	return newIssuer(template, key, &root)
}

// newIssuer makes the certificate of an issuer; a nil parent makes a root.
func newIssuer(template *x509.Certificate, key crypto.Signer, parent *issuer) (issuer, error) {
	if parent == nil {
		parent = &issuer{cert: template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, key.Public(), parent.key)
	if err != nil {
		return issuer{}, fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return issuer{}, fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	return issuer{cert: cert, key: key}, nil
}

func newKey() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }
