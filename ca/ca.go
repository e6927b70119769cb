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
	"math/big"
	"slices"
	"sync"
	"time"
)

// authorityLifetime is how long an issuer is valid on either side of the moment
// it was made: long enough that a leaf is never rejected for its issuer's dates.
const authorityLifetime = 10 * 365 * 24 * time.Hour

// RevocationListURL is where the certificates that are revoked say that their
// issuer's revocation list is. The lab serves [Authority.RevocationList] there.
const RevocationListURL = "http://crl.lab/testday.crl"

// Authority issues certificates. It is safe for concurrent use.
type Authority struct {
	now     func() time.Time
	trusted hierarchy
	unknown hierarchy

	mu      sync.Mutex
	revoked []x509.RevocationListEntry
}

// hierarchy is a root and the intermediate which signs the leaves.
type hierarchy struct {
	organization string
	root         *x509.Certificate
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
	a := &Authority{now: time.Now}
	for _, opt := range opts {
		opt(a)
	}
	var wg sync.WaitGroup
	var errs [2]error
	wg.Go(func() { a.trusted, errs[0] = newHierarchy("Testday lab", a.now()) })
	wg.Go(func() { a.unknown, errs[1] = newHierarchy("Testday stranger", a.now()) })
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return a, nil
}

// Root returns the certificate of the trusted root.
func (a *Authority) Root() *x509.Certificate { return a.trusted.root }

// RootPEM returns the trusted root as a PEM block: the whole trust store of a subject.
func (a *Authority) RootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.trusted.root.Raw})
}

// Pool returns a new pool which holds the trusted root and nothing else.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.trusted.root)
	return pool
}

// RevocationList returns the list of the certificates that are revoked, as DER,
// signed by the intermediate which issued them (RFC 5280, section 5).
func (a *Authority) RevocationList() ([]byte, error) {
	a.mu.Lock()
	revoked := slices.Clone(a.revoked)
	a.mu.Unlock()
	now := a.now()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number:                    big.NewInt(int64(len(revoked)) + 1),
		ThisUpdate:                now.Add(-time.Hour),
		NextUpdate:                now.Add(24 * time.Hour),
		RevokedCertificateEntries: revoked,
	}, a.trusted.intermediate.cert, a.trusted.intermediate.key)
	if err != nil {
		return nil, fmt.Errorf("revocation list of %s: %w", a.trusted.intermediate.cert.Subject.CommonName, err)
	}
	return der, nil
}

// newHierarchy makes "<organization> root CA" and, signed by it, "<organization> CA".
func newHierarchy(organization string, now time.Time) (hierarchy, error) {
	template := func(name string, pathLen int) *x509.Certificate {
		return &x509.Certificate{
			Subject:               pkix.Name{Organization: []string{organization}, CommonName: name},
			NotBefore:             now.Add(-authorityLifetime),
			NotAfter:              now.Add(authorityLifetime),
			KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
			BasicConstraintsValid: true,
			IsCA:                  true,
			MaxPathLen:            pathLen,
			MaxPathLenZero:        pathLen == 0,
		}
	}
	root, err := newIssuer(template(organization+" root CA", 1), nil)
	if err != nil {
		return hierarchy{}, err
	}
	intermediate, err := newIssuer(template(organization+" CA", 0), &root)
	if err != nil {
		return hierarchy{}, err
	}
	return hierarchy{organization: organization, root: root.cert, intermediate: intermediate}, nil
}

// newIssuer makes the key and certificate of an issuer; a nil parent makes a root.
func newIssuer(template *x509.Certificate, parent *issuer) (issuer, error) {
	key, err := issuerKey(parent == nil)
	if err != nil {
		return issuer{}, fmt.Errorf("key of %s: %w", template.Subject.CommonName, err)
	}
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

func issuerKey(root bool) (crypto.Signer, error) {
	if root {
		return rsa.GenerateKey(rand.Reader, rootBits)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}
