package ca_test

import (
	"crypto/x509"
	"slices"
	"testing"

	"github.com/xmpp-testday/testday/ca"
)

func TestRevoked(t *testing.T) {
	a := lab(t)
	good, revoked := mustMake(t, a, ca.Good), mustMake(t, a, ca.Revoked)
	if want := []string{ca.RevocationListURL}; !slices.Equal(revoked.Leaf().CRLDistributionPoints, want) {
		t.Errorf("distribution points %q, want %q", revoked.Leaf().CRLDistributionPoints, want)
	}
	if err := verify(t, a, revoked, domain, x509.ExtKeyUsageServerAuth); err != nil {
		t.Errorf("path validation without the list: %v", err)
	}

	der, err := a.RevocationList()
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(chainOf(t, revoked)[0]); err != nil {
		t.Errorf("list: %v", err)
	}
	listed := func(c *ca.Certificate) bool {
		return slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool {
			return e.SerialNumber.Cmp(c.Leaf().SerialNumber) == 0
		})
	}
	if !listed(revoked) || listed(good) {
		t.Errorf("listed: revoked %v, good %v; want true, false", listed(revoked), listed(good))
	}
}
