package ca_test

import (
	"crypto/x509"
	"slices"
	"testing"

	"github.com/xmpp-testday/testday/ca"
)

func TestRevoked(t *testing.T) {
	a, err := ca.New()
	if err != nil {
		t.Fatal(err)
	}
	good, err := a.Make(ca.Good, "a.lab")
	if err != nil {
		t.Fatal(err)
	}
	revoked, err := a.Make(ca.Revoked, "a.lab")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{ca.RevocationListURL}; !slices.Equal(revoked.Leaf().CRLDistributionPoints, want) {
		t.Errorf("distribution points %q, want %q", revoked.Leaf().CRLDistributionPoints, want)
	}
	intermediates := x509.NewCertPool()
	issuer, err := x509.ParseCertificate(revoked.Chain()[1])
	if err != nil {
		t.Fatal(err)
	}
	intermediates.AddCert(issuer)
	if _, err := revoked.Leaf().Verify(x509.VerifyOptions{Roots: a.Pool(), Intermediates: intermediates, DNSName: "a.lab"}); err != nil {
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
	if err := list.CheckSignatureFrom(issuer); err != nil {
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
	if _, err := a.Issue(ca.Leaf{Names: []string{"a.lab"}, Revoked: true, SelfSigned: true}); err == nil {
		t.Error("a self-signed certificate was revoked by an issuer that it does not have")
	}
}
