package ca_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/ca"
)

var (
	oidSAN      = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidSRVName  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 7}
	oidXMPPAddr = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 5}
)

// otherName makes a GeneralName with encoding/asn1.
func otherName(t *testing.T, oid asn1.ObjectIdentifier, kind, value string) asn1.RawValue {
	t.Helper()
	der, err := asn1.MarshalWithParams(value, kind+",explicit,tag:0")
	if err != nil {
		t.Fatal(err)
	}
	id, err := asn1.Marshal(oid)
	if err != nil {
		t.Fatal(err)
	}
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: slices.Concat(id, der)}
}

func dNSName(name string) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 2, Bytes: []byte(name)}
}

// subjectAltName returns the extension, of which a certificate has at most one.
func subjectAltName(t *testing.T, cert *x509.Certificate) (pkix.Extension, bool) {
	t.Helper()
	var found []pkix.Extension
	for _, e := range cert.Extensions {
		if e.Id.Equal(oidSAN) {
			found = append(found, e)
		}
	}
	if len(found) > 1 {
		t.Fatalf("%d subjectAltName extensions", len(found))
	}
	return append(found, pkix.Extension{})[0], len(found) == 1
}

// TestSubjectNames has the subject and the subjectAltName, byte for byte, of every way to
// name a subject.
func TestSubjectNames(t *testing.T) {
	a := lab(t)
	srv := func(name string) asn1.RawValue { return otherName(t, oidSRVName, "ia5", name) }
	addr := func(name string) asn1.RawValue { return otherName(t, oidXMPPAddr, "utf8", name) }
	const organization = "O=Testday lab"
	tests := []struct {
		name    string
		leaf    ca.Leaf
		subject string
		names   []asn1.RawValue
	}{
		{"SRVName", ca.Leaf{SRVNames: []string{"_xmpp-server.k7.lab"}}, organization, []asn1.RawValue{srv("_xmpp-server.k7.lab")}},
		{"SRVNames", ca.Leaf{SRVNames: []string{"_xmpp-client.k7.lab", "_imap.k7.lab"}}, organization,
			[]asn1.RawValue{srv("_xmpp-client.k7.lab"), srv("_imap.k7.lab")}},
		{"XmppAddr", ca.Leaf{XMPPAddrs: []string{"bücher.lab"}}, organization, []asn1.RawValue{addr("bücher.lab")}},
		{"all three", ca.Leaf{Names: []string{domain}, SRVNames: []string{"_xmpp-server.k7.lab"}, XMPPAddrs: []string{domain}},
			"CN=k7.lab," + organization, []asn1.RawValue{dNSName(domain), srv("_xmpp-server.k7.lab"), addr(domain)}},
		{"wildcard", ca.Leaf{Names: []string{"*.k7.lab"}}, "CN=*.k7.lab," + organization, []asn1.RawValue{dNSName("*.k7.lab")}},
		{"partial wildcard", ca.Leaf{Names: []string{"conf*.k7.lab"}}, "CN=conf*.k7.lab," + organization, []asn1.RawValue{dNSName("conf*.k7.lab")}},
		{"NUL", ca.Leaf{Names: []string{"k7.lab\x00.evil.lab"}}, organization, []asn1.RawValue{dNSName("k7.lab\x00.evil.lab")}},
		{"A-label", ca.Leaf{Names: []string{"xn--bcher-kva.lab"}}, "CN=xn--bcher-kva.lab," + organization, []asn1.RawValue{dNSName("xn--bcher-kva.lab")}},
		{"CN alone", ca.Leaf{CommonName: domain}, "CN=k7.lab," + organization, nil},
		{"CN beside", ca.Leaf{CommonName: domain, Names: []string{"evil.lab"}}, "CN=k7.lab," + organization, []asn1.RawValue{dNSName("evil.lab")}},
		{"empty subject", ca.Leaf{Names: []string{domain}, EmptySubject: true}, "", []asn1.RawValue{dNSName(domain)}},
		{"empty subject, SRVName", ca.Leaf{SRVNames: []string{"_xmpp-server.k7.lab"}, EmptySubject: true}, "", []asn1.RawValue{srv("_xmpp-server.k7.lab")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cert := issue(t, a, tt.leaf).Leaf()
			if got := cert.Subject.String(); got != tt.subject {
				t.Errorf("subject %q, want %q", got, tt.subject)
			}
			san, ok := subjectAltName(t, cert)
			if ok != (tt.names != nil) {
				t.Fatalf("has a subjectAltName: %t", ok)
			}
			if san.Critical != tt.leaf.EmptySubject {
				t.Errorf("subjectAltName is critical: %t", san.Critical)
			}
			if tt.names == nil {
				return
			}
			want, err := asn1.Marshal(tt.names)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(san.Value, want) {
				t.Errorf("subjectAltName %x, want %x", san.Value, want)
			}
		})
	}
}

// TestWildcards has crypto/x509 match what it read: not the apex, not two labels, not a part.
func TestWildcards(t *testing.T) {
	a := lab(t)
	whole, part := issue(t, a, ca.Leaf{Names: []string{"*.example.net"}}), issue(t, a, ca.Leaf{Names: []string{"conf*.example.net"}})
	for _, tt := range []struct {
		cert         *ca.Certificate
		domain, want string
	}{
		{whole, "conference.example.net", "ok"},
		{whole, "example.net", "name"},
		{whole, "a.b.example.net", "name"},
		{part, "conference.example.net", "name"},
	} {
		if got := reason(verify(t, a, tt.cert, tt.domain, x509.ExtKeyUsageServerAuth)); got != tt.want {
			t.Errorf("%s for %s: %s, want %s", tt.cert, tt.domain, got, tt.want)
		}
	}
}

func TestALabels(t *testing.T) {
	for _, tt := range []struct{ domain, want string }{
		{"k7.lab", "k7.lab"},
		{"K7.lab", "K7.lab"},
		{"a_b.lab\x00", "a_b.lab\x00"},
		{"bücher.lab", "xn--bcher-kva.lab"},
		{"例え.テスト", "xn--r8jz45g.xn--zckzah"},
	} {
		if got, err := ca.ALabels(tt.domain); err != nil || got != tt.want {
			t.Errorf("%q: %q, %v; want %q", tt.domain, got, err, tt.want)
		}
	}
	if got, err := ca.ALabels("bü\u200bcher lab"); err == nil || !strings.Contains(err.Error(), "no A-label form") {
		t.Errorf("no domain: %q, %v", got, err)
	}
}

// TestExtraExtensions issues a subjectAltName that is not made from the leaf's names.
func TestExtraExtensions(t *testing.T) {
	san, err := asn1.Marshal([]asn1.RawValue{otherName(t, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}, "utf8", "k7@lab")})
	if err != nil {
		t.Fatal(err)
	}
	leaf := ca.Leaf{Names: []string{domain}, ExtraExtensions: []pkix.Extension{{Id: oidSAN, Value: san}}}
	cert := issue(t, lab(t), leaf).Leaf()
	if len(cert.DNSNames) != 0 {
		t.Errorf("names %q, want the extension to replace them", cert.DNSNames)
	}
	if got, _ := subjectAltName(t, cert); !bytes.Equal(got.Value, san) {
		t.Error("the certificate does not have the subjectAltName it was given")
	}
}

// TestOpenSSLReadsOtherNames shows otherNames to an implementation that knows both.
func TestOpenSSLReadsOtherNames(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	cert := issue(t, lab(t), ca.Leaf{SRVNames: []string{"_xmpp-server.k7.lab"}, XMPPAddrs: []string{"k7.lab"}, EmptySubject: true})
	file := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(file, cert.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), openssl, "x509", "-in", file, "-noout", "-ext", "subjectAltName").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"critical", "SRVName:", "_xmpp-server.k7.lab", "XmppAddr:", ":k7.lab"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}
