package ca_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/xmpp-testday/testday/ca"
)

func TestRSABits(t *testing.T) {
	cert := issue(t, lab(t), ca.Leaf{Names: []string{domain}, RSABits: 1024})
	if key, ok := cert.Leaf().PublicKey.(*rsa.PublicKey); !ok || key.N.BitLen() != 1024 {
		t.Errorf("key %T, want RSA of 1024 bits", cert.Leaf().PublicKey)
	}
	if cert.Leaf().SignatureAlgorithm != x509.ECDSAWithSHA256 {
		t.Errorf("signed with %s, want the key to be all that is weak", cert.Leaf().SignatureAlgorithm)
	}
}

// TestSHA1 checks the digest by hand, since crypto/x509 verifies no such signature.
func TestSHA1(t *testing.T) {
	a := lab(t)
	cert := issue(t, a, ca.Leaf{Names: []string{domain}, SHA1: true})
	if got := cert.Leaf().SignatureAlgorithm; got != x509.ECDSAWithSHA1 {
		t.Errorf("signed with %s", got)
	}
	if got := reason(verify(t, a, cert, domain, x509.ExtKeyUsageServerAuth)); got != "digest" {
		t.Errorf("refused for %s, want digest", got)
	}
	issuer, err := x509.ParseCertificate(cert.Chain()[1])
	if err != nil {
		t.Fatal(err)
	}
	digest := sha1.Sum(cert.Leaf().RawTBSCertificate)
	if !ecdsa.VerifyASN1(issuer.PublicKey.(*ecdsa.PublicKey), digest[:], cert.Leaf().Signature) {
		t.Error("the signature is not the issuer's of the SHA-1 digest")
	}
	self := issue(t, a, ca.Leaf{Names: []string{domain}, SHA1: true, SelfSigned: true, RSABits: 1024})
	if got := self.Leaf().SignatureAlgorithm; got != x509.SHA1WithRSA {
		t.Errorf("signed by itself with %s", got)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err := a.Issue(ca.Leaf{Names: []string{domain}, SHA1: true, SelfSigned: true, Key: key}); err == nil {
		t.Errorf("an Ed25519 key signed with %s", cert.Leaf().SignatureAlgorithm)
	}
}

func TestUsages(t *testing.T) {
	a := lab(t)
	tests := []struct {
		usage          ca.Usage
		want           []x509.ExtKeyUsage
		server, client string
	}{
		{ca.ServerAndClient, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, "ok", "ok"},
		{ca.ServerOnly, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, "ok", "usage"},
		{ca.ClientOnly, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, "usage", "ok"},
		{ca.AnyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, "ok", "ok"},
		{ca.NoUsage, nil, "ok", "ok"},
	}
	for _, tt := range tests {
		cert := issue(t, a, ca.Leaf{Names: []string{domain}, Usage: tt.usage})
		if got := cert.Leaf().ExtKeyUsage; !slices.Equal(got, tt.want) {
			t.Errorf("usage %d: %v, want %v", tt.usage, got, tt.want)
		}
		server := reason(verify(t, a, cert, domain, x509.ExtKeyUsageServerAuth))
		client := reason(verify(t, a, cert, domain, x509.ExtKeyUsageClientAuth))
		if server != tt.server || client != tt.client {
			t.Errorf("usage %d: %s as a server, %s as a client; want %s, %s", tt.usage, server, client, tt.server, tt.client)
		}
	}
}

func TestIsCA(t *testing.T) {
	a := lab(t)
	leaf := issue(t, a, ca.Leaf{Names: []string{domain}, IsCA: true}).Leaf()
	if !leaf.BasicConstraintsValid || !leaf.IsCA || leaf.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("cA %t, keyUsage %b; want the flag, and no right to sign", leaf.IsCA, leaf.KeyUsage)
	}
	if good := issue(t, a, ca.Leaf{Names: []string{domain}}).Leaf(); !good.BasicConstraintsValid || good.IsCA {
		t.Errorf("without: cA %t", good.IsCA)
	}
}

// TestExpiringSoon has a certificate end with the whole second before the one it was asked for.
func TestExpiringSoon(t *testing.T) {
	now := time.Date(2026, 5, 19, 12, 0, 0, 900_000_000, time.UTC)
	a := newAuthority(t, ca.WithClock(func() time.Time { return now }))
	leaf := issue(t, a, ca.Leaf{Names: []string{domain}, NotAfter: time.Minute}).Leaf()
	if got := leaf.NotAfter.Sub(now); got != time.Minute-900*time.Millisecond {
		t.Errorf("ends after %v", got)
	}
}
