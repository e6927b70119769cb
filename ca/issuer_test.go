package ca_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/xmpp-testday/testday/ca"
)

// chainOf parses what a certificate sends after the leaf.
func chainOf(t *testing.T, cert *ca.Certificate) []*x509.Certificate {
	t.Helper()
	var chain []*x509.Certificate
	for _, der := range cert.Chain()[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	return chain
}

func poolOf(certs ...*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool
}

func TestPublicIssuer(t *testing.T) {
	a := lab(t)
	cert := issue(t, a, ca.Leaf{Names: []string{domain}, PublicIssuer: true})
	if got := reason(verify(t, a, cert, domain, x509.ExtKeyUsageServerAuth)); got != "authority" {
		t.Errorf("in the lab: %s, want authority", got)
	}
	public := x509.VerifyOptions{Roots: poolOf(a.PublicRoot()), Intermediates: poolOf(chainOf(t, cert)...), DNSName: domain}
	if _, err := cert.Leaf().Verify(public); err != nil {
		t.Errorf("where the public root is trusted: %v", err)
	}
	stranger := issue(t, a, ca.Leaf{Names: []string{domain}, UnknownIssuer: true})
	public.Intermediates = poolOf(chainOf(t, stranger)...)
	if _, err := stranger.Leaf().Verify(public); reason(err) != "authority" {
		t.Errorf("an unknown authority where the public root is trusted: %v", err)
	}
	if bytes.Contains(a.RootPEM(), a.PublicRoot().Raw) || a.Root().Equal(a.PublicRoot()) {
		t.Error("the public root is trusted in the lab")
	}
}

func TestPermitted(t *testing.T) {
	a := lab(t)
	tests := []struct {
		permitted, names []string
		want             string
	}{
		{[]string{"good.lab"}, []string{"k7.lab"}, "constraint"},
		{[]string{"good.lab"}, []string{"good.lab"}, "ok"},
		{[]string{"good.lab"}, []string{"a.good.lab"}, "ok"},
		{[]string{"good.lab"}, []string{"nogood.lab"}, "constraint"},
		{[]string{"good.lab"}, []string{"a.good.lab", "k7.lab"}, "constraint"},
		{[]string{".good.lab"}, []string{"k7.lab"}, "constraint"},
		{[]string{"good.lab", "k7.lab"}, []string{"k7.lab"}, "ok"},
	}
	for _, tt := range tests {
		cert := issue(t, a, ca.Leaf{Names: tt.names, Permitted: tt.permitted})
		if got := reason(verify(t, a, cert, tt.names[0], x509.ExtKeyUsageServerAuth)); got != tt.want {
			t.Errorf("%q by an issuer for %q: %s, want %s", tt.names, tt.permitted, got, tt.want)
		}
		issuer := chainOf(t, cert)[0]
		if !issuer.PermittedDNSDomainsCritical || !slices.Equal(issuer.PermittedDNSDomains, tt.permitted) {
			t.Errorf("constraints %q, critical: %t", issuer.PermittedDNSDomains, issuer.PermittedDNSDomainsCritical)
		}
		if got, want := issuer.Subject.String(), "CN=Testday lab constrained CA,O=Testday lab"; got != want {
			t.Errorf("issuer %q, want %q", got, want)
		}
	}
}

// TestCrossSigned has both paths: the good one, and the one that was as good until a day ago.
func TestCrossSigned(t *testing.T) {
	a := lab(t)
	cert := issue(t, a, ca.Leaf{Names: []string{domain}, CrossSigned: true, NotBefore: -48 * time.Hour})
	sent := chainOf(t, cert)
	if len(sent) != 2 {
		t.Fatalf("%d certificates follow the leaf, want the intermediate and the cross-signed root", len(sent))
	}
	crossed, root, expired := sent[1], a.Root(), a.ExpiredRoot()
	if !bytes.Equal(crossed.RawSubject, root.RawSubject) || !bytes.Equal(crossed.RawSubjectPublicKeyInfo, root.RawSubjectPublicKeyInfo) ||
		!bytes.Equal(crossed.SubjectKeyId, root.SubjectKeyId) {
		t.Error("the cross-signed certificate is not one of the trusted root")
	}
	if err := crossed.CheckSignatureFrom(expired); err != nil {
		t.Errorf("cross-signed: %v", err)
	}
	if now := time.Now(); now.Before(crossed.NotAfter) || now.Before(expired.NotAfter) || !now.Before(root.NotAfter) {
		t.Errorf("cross-signed until %v, by a root until %v; trusted until %v", crossed.NotAfter, expired.NotAfter, root.NotAfter)
	}

	opts := x509.VerifyOptions{Intermediates: poolOf(sent...), DNSName: domain, CurrentTime: time.Now()}
	past := cert.Leaf().NotBefore
	for _, tt := range []struct {
		store string
		roots *x509.CertPool
		at    time.Time
		want  string
	}{
		{"the trusted root", poolOf(root), opts.CurrentTime, "ok"},
		{"both roots", poolOf(expired, root), opts.CurrentTime, "ok"},
		{"the expired root", poolOf(expired), opts.CurrentTime, "dates"},
		{"the expired root, before", poolOf(expired), past, "ok"},
	} {
		opts.Roots, opts.CurrentTime = tt.roots, tt.at
		if _, err := cert.Leaf().Verify(opts); reason(err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.store, err, tt.want)
		}
	}
	var unknown x509.UnknownAuthorityError
	if _, err := expired.Verify(x509.VerifyOptions{Roots: a.Pool(), CurrentTime: past}); !errors.As(err, &unknown) {
		t.Errorf("the expired root in the lab: %v", err)
	}
}
