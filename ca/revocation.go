package ca

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"time"
)

const (
	// RevocationListURL is where the certificates that are revoked say that their
	// issuer's revocation list is. The lab serves [Authority.RevocationList] there.
	RevocationListURL = "http://crl.lab/testday.crl"
)

const (
	// statusAge is how long ago a list says that it was made: a subject's
	// clock may be behind.
	statusAge = time.Hour
	// statusLife is how long it may be believed.
	statusLife = 24 * time.Hour
)

// record remembers what the issuer will say of a certificate.
func (a *Authority) record(cert *x509.Certificate, leaf Leaf) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if leaf.Revoked {
		a.revoked = append(a.revoked, x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: cert.NotBefore})
	}
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
		ThisUpdate:                now.Add(-statusAge),
		NextUpdate:                now.Add(statusLife),
		RevokedCertificateEntries: revoked,
	}, a.trusted.intermediate.cert, a.trusted.intermediate.key)
	if err != nil {
		return nil, fmt.Errorf("revocation list of %s: %w", a.trusted.intermediate.cert.Subject.CommonName, err)
	}
	return der, nil
}
