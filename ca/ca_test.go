package ca_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-testday/testday/ca"
)

const domain = "k7.lab"

func newAuthority(t testing.TB, opts ...ca.Option) *ca.Authority {
	t.Helper()
	a, err := ca.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var shared = sync.OnceValues(func() (*ca.Authority, error) { return ca.New() })

// lab returns the authority of all tests which need no clock of their own.
func lab(t testing.TB) *ca.Authority {
	t.Helper()
	a, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(t testing.TB, a *ca.Authority, leaf ca.Leaf) *ca.Certificate {
	t.Helper()
	cert, err := a.Issue(leaf)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func mustMake(t testing.TB, a *ca.Authority, kind ca.Kind) *ca.Certificate {
	t.Helper()
	cert, err := a.Make(kind, domain)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// verify validates what cert sends, as a peer that trusts only the root would.
func verify(t *testing.T, a *ca.Authority, cert *ca.Certificate, name string, usage x509.ExtKeyUsage) error {
	t.Helper()
	_, err := cert.Leaf().Verify(x509.VerifyOptions{
		Roots:         a.Pool(),
		Intermediates: poolOf(chainOf(t, cert)...),
		DNSName:       name,
		KeyUsages:     []x509.ExtKeyUsage{usage},
	})
	return err
}

// reason reduces a validation error to the word which the table of kinds uses.
func reason(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &unknown) && strings.Contains(err.Error(), "insecure algorithm"):
		return "digest"
	case errors.As(err, &unknown):
		return "authority"
	case errors.As(err, &name):
		return "name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "dates"
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return "usage"
	case errors.As(err, &invalid) && invalid.Reason == x509.CANotAuthorizedForThisName:
		return "constraint"
	default:
		return err.Error()
	}
}

// TestKinds has the whole meaning of a kind: what the certificate is refused for when it
// is shown for the domain, as a server's and as a client's, and how long its chain is.
func TestKinds(t *testing.T) {
	tests := []struct {
		kind           ca.Kind
		server, client string
		chain          int
	}{
		{ca.Good, "ok", "ok", 2},
		{ca.ServerAuth, "ok", "usage", 2},
		{ca.ClientAuth, "usage", "ok", 2},
		{ca.SelfSigned, "authority", "authority", 1},
		{ca.UnknownCA, "authority", "authority", 2},
		{ca.PublicCA, "authority", "authority", 2},
		{ca.Expired, "dates", "dates", 2},
		{ca.Future, "dates", "dates", 2},
		{ca.OtherName, "name", "name", 2},
		{ca.HostName, "name", "name", 2},
		{ca.SRVName, "name", "name", 2}, // Go matches dNSNames alone
		{ca.ClientSRV, "name", "name", 2},
		{ca.IMAPSRV, "name", "name", 2},
		{ca.XMPPAddr, "name", "name", 2},
		{ca.CNOnly, "name", "name", 2},
		{ca.CNOther, "name", "name", 2},
		{ca.NUL, "name", "name", 2},
		{ca.NoSubject, "ok", "ok", 2},
		{ca.CALeaf, "ok", "ok", 2},
		{ca.NoChain, "authority", "authority", 1},
		{ca.CrossSigned, "ok", "ok", 3},
		{ca.Constrained, "constraint", "constraint", 2},
		{ca.SHA1, "digest", "digest", 2},
		{ca.RSA, "ok", "ok", 2},
		{ca.RSA1024, "ok", "ok", 2},
		{ca.Revoked, "ok", "ok", 2}, // Go's path validation asks nobody whether a certificate is revoked
		{ca.OCSPRevoked, "ok", "ok", 2},
		{ca.OCSPUnknown, "ok", "ok", 2},
		{ca.OCSPStapled, "ok", "ok", 2},
	}
	var tested []ca.Kind
	a := lab(t)
	for _, tt := range tests {
		tested = append(tested, tt.kind)
		t.Run(string(tt.kind), func(t *testing.T) {
			cert := mustMake(t, a, tt.kind)
			if got := reason(verify(t, a, cert, domain, x509.ExtKeyUsageServerAuth)); got != tt.server {
				t.Errorf("as a server: %s, want %s", got, tt.server)
			}
			if got := reason(verify(t, a, cert, domain, x509.ExtKeyUsageClientAuth)); got != tt.client {
				t.Errorf("as a client: %s, want %s", got, tt.client)
			}
			if got := len(cert.Chain()); got != tt.chain {
				t.Errorf("sends %d certificates, want %d", got, tt.chain)
			}
		})
	}
	if !slices.Equal(tested, ca.Kinds()) {
		t.Errorf("tested %q, want every kind: %q", tested, ca.Kinds())
	}
}

// TestOnlyOneDefect shows that each bad kind becomes good when its defect is forgiven.
func TestOnlyOneDefect(t *testing.T) {
	a := lab(t)
	server := x509.ExtKeyUsageServerAuth
	opts := func(name string, at time.Duration) x509.VerifyOptions {
		return x509.VerifyOptions{Roots: a.Pool(), DNSName: name, CurrentTime: time.Now().Add(at), KeyUsages: []x509.ExtKeyUsage{server}}
	}
	withSent := func(o x509.VerifyOptions, der []byte) x509.VerifyOptions {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		o.Intermediates = x509.NewCertPool()
		o.Intermediates.AddCert(c)
		return o
	}
	good := mustMake(t, a, ca.Good)
	intermediate := good.Chain()[1]

	tests := map[ca.Kind]x509.VerifyOptions{
		ca.Expired:   withSent(opts(domain, -48*time.Hour), intermediate),
		ca.Future:    withSent(opts(domain, 48*time.Hour), intermediate),
		ca.OtherName: withSent(opts(ca.StrangerName, 0), intermediate),
		ca.HostName:  withSent(opts(ca.HostOf(domain), 0), intermediate),
		ca.NoChain:   withSent(opts(domain, 0), intermediate),
	}
	for kind, o := range tests {
		if _, err := mustMake(t, a, kind).Leaf().Verify(o); err != nil {
			t.Errorf("%s without its defect: %v", kind, err)
		}
	}
	self := mustMake(t, a, ca.SelfSigned)
	o := opts(domain, 0)
	o.Roots = x509.NewCertPool()
	o.Roots.AddCert(self.Leaf())
	if _, err := self.Leaf().Verify(o); err != nil {
		t.Errorf("self, trusted itself: %v", err)
	}
	stranger := mustMake(t, a, ca.UnknownCA)
	o = opts(domain, 0)
	o.Roots = x509.NewCertPool()
	issuer, err := x509.ParseCertificate(stranger.Chain()[1])
	if err != nil {
		t.Fatal(err)
	}
	o.Roots.AddCert(issuer)
	if _, err := stranger.Leaf().Verify(o); err != nil {
		t.Errorf("unkca, its issuer trusted: %v", err)
	}
}

// TestInternationalKinds has certificates know a domain by its A-labels, and an XmppAddr
// by its U-labels.
func TestInternationalKinds(t *testing.T) {
	a := lab(t)
	for _, tt := range []struct {
		kind ca.Kind
		want string
	}{
		{ca.Good, "xn--bcher-kva.lab"},
		{ca.HostName, "xmpp.xn--bcher-kva.lab"},
		{ca.SRVName, "_xmpp-server.xn--bcher-kva.lab"},
		{ca.XMPPAddr, "bücher.lab"},
	} {
		cert, err := a.Make(tt.kind, "bücher.lab")
		if err != nil {
			t.Error(err)
			continue
		}
		if san, _ := subjectAltName(t, cert.Leaf()); !bytes.HasSuffix(san.Value, []byte(tt.want)) {
			t.Errorf("%s: subjectAltName %q, want one that ends with %q", tt.kind, san.Value, tt.want)
		}
	}
	if _, err := a.Make(ca.Good, "bü cher.lab"); err == nil || !strings.Contains(err.Error(), "A-label") {
		t.Errorf("a domain that is none: %v", err)
	}
}

func TestUnknownKind(t *testing.T) {
	_, err := lab(t).Make("rotten", domain)
	if err == nil || !strings.Contains(err.Error(), `"rotten"`) || !strings.Contains(err.Error(), `"unkca"`) {
		t.Errorf("got %v, want an error with the bad kind and the known ones", err)
	}
	if _, err := lab(t).Make(ca.Good, ""); err == nil {
		t.Error("a certificate without a domain was made")
	}
}

func TestSubjectsReadWell(t *testing.T) {
	a := lab(t)
	if got, want := a.Root().Subject.String(), "CN=Testday lab root CA,O=Testday lab"; got != want {
		t.Errorf("root is %q, want %q", got, want)
	}
	tests := []struct{ kind, subject, issuer string }{
		{"good", "CN=k7.lab,O=Testday lab", "CN=Testday lab CA,O=Testday lab"},
		{"self", "CN=k7.lab,O=Testday lab", "CN=k7.lab,O=Testday lab"},
		{"unkca", "CN=k7.lab,O=Testday stranger", "CN=Testday stranger CA,O=Testday stranger"},
	}
	for _, tt := range tests {
		leaf := mustMake(t, a, ca.Kind(tt.kind)).Leaf()
		if leaf.Subject.String() != tt.subject || leaf.Issuer.String() != tt.issuer {
			t.Errorf("%s: %q by %q, want %q by %q", tt.kind, leaf.Subject, leaf.Issuer, tt.subject, tt.issuer)
		}
	}
	if got, want := mustMake(t, a, ca.NoSubject).String(), `no subject but ["k7.lab"], issued by CN=Testday lab CA`; !strings.HasPrefix(got, want) {
		t.Errorf("%q, want it to begin with %q", got, want)
	}
}

func TestLeafDefaults(t *testing.T) {
	now := time.Date(2026, 5, 19, 12, 0, 0, 0, time.UTC)
	a := newAuthority(t, ca.WithClock(func() time.Time { return now }))
	const day = 24 * time.Hour
	tests := []struct {
		name                string
		leaf                ca.Leaf
		notBefore, notAfter time.Duration
	}{
		{"nothing set", ca.Leaf{}, -day, 90 * day},
		{"ends tomorrow", ca.Leaf{NotAfter: day}, -day, day},
		{"ended an hour ago", ca.Leaf{NotAfter: -time.Hour}, -day, -time.Hour},
		{"ended a year ago", ca.Leaf{NotAfter: -365 * day}, -455 * day, -365 * day},
		{"begins in an hour", ca.Leaf{NotBefore: time.Hour}, time.Hour, 90*day + time.Hour},
		{"begins in a year", ca.Leaf{NotBefore: 365 * day}, 365 * day, 455 * day},
		{"both", ca.Leaf{NotBefore: -2 * day, NotAfter: -day}, -2 * day, -day},
	}
	for _, tt := range tests {
		tt.leaf.Names = []string{domain}
		got := issue(t, a, tt.leaf).Leaf()
		if !got.NotBefore.Equal(now.Add(tt.notBefore)) || !got.NotAfter.Equal(now.Add(tt.notAfter)) {
			t.Errorf("%s: valid %v to %v, want %v to %v", tt.name,
				got.NotBefore.Sub(now), got.NotAfter.Sub(now), tt.notBefore, tt.notAfter)
		}
	}
}

func TestRefusedLeaves(t *testing.T) {
	a := lab(t)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		leaf ca.Leaf
		want string
	}{
		{ca.Leaf{}, "no name"},
		{ca.Leaf{Names: []string{"a.lab"}, NotBefore: time.Hour, NotAfter: time.Minute}, "before it begins"},
		{ca.Leaf{Names: []string{"a.lab"}, SelfSigned: true, UnknownIssuer: true}, "no other issuer"},
		{ca.Leaf{Names: []string{"a.lab"}, PublicIssuer: true, Permitted: []string{"a.lab"}}, "no other issuer"},
		{ca.Leaf{Names: []string{"a.lab"}, CrossSigned: true, UnknownIssuer: true}, "cross-signed"},
		{ca.Leaf{Names: []string{"a.lab"}, Revoked: true, SelfSigned: true}, "can be revoked"},
		{ca.Leaf{Names: []string{"a.lab"}, OCSP: ca.StatusGood, PublicIssuer: true}, "have a status"},
		{ca.Leaf{Names: []string{"a.lab"}, Staple: true}, "no status"},
		{ca.Leaf{CommonName: strings.Repeat("x", 65)}, "at most 64"},
		{ca.Leaf{CommonName: "a.lab", EmptySubject: true}, "no common name"},
		{ca.Leaf{Names: []string{"a.lab"}, EmptySubject: true, SelfSigned: true}, "no empty subject"},
		{ca.Leaf{Names: []string{"bücher.lab"}}, "bücher.lab"},
		{ca.Leaf{SRVNames: []string{"_xmpp-server.bücher.lab"}}, "no IA5String"},
		{ca.Leaf{Names: []string{"bücher.lab"}, XMPPAddrs: []string{"a.lab"}}, "no IA5String"},
		{ca.Leaf{XMPPAddrs: []string{"\xff"}}, "no UTF8String"},
		{ca.Leaf{SRVNames: []string{"_imap.a.lab"}, ExtraExtensions: []pkix.Extension{{Id: oidSAN}}}, "beside"},
		{ca.Leaf{Names: []string{"a.lab"}, Permitted: []string{"bücher.lab"}}, "constrained CA"},
		{ca.Leaf{Names: []string{"a.lab"}, RSABits: 512}, "key: "},
		{ca.Leaf{Names: []string{"a.lab"}, RSABits: 1024, Key: key}, "has a key"},
	}
	for _, tt := range tests {
		_, err := a.Issue(tt.leaf)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want an error with %q", tt.leaf, err, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	a := lab(t)
	long := strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + ".lab"
	cert := issue(t, a, ca.Leaf{Names: []string{long, "conference.k7.lab"}})
	if cn := cert.Leaf().Subject.CommonName; cn != "" {
		t.Errorf("common name %q is longer than a common name may be", cn)
	}
	for _, name := range []string{long, "conference.k7.lab"} {
		if err := verify(t, a, cert, name, x509.ExtKeyUsageServerAuth); err != nil {
			t.Error(err)
		}
	}
	cert = issue(t, a, ca.Leaf{CommonName: domain})
	if got := reason(verify(t, a, cert, domain, x509.ExtKeyUsageServerAuth)); got != "name" {
		t.Errorf("a common name alone: %s, want it to identify nobody (RFC 9525)", got)
	}
}

func TestKeys(t *testing.T) {
	a := lab(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range []ca.Leaf{{}, {Key: rsaKey}, {Key: edKey}, {Key: rsaKey, SelfSigned: true}} {
		leaf.Names = []string{domain}
		cert := issue(t, a, leaf)
		pair, err := tls.X509KeyPair(cert.PEM(), cert.KeyPEM())
		if err != nil {
			t.Errorf("%T: %v", cert.Key(), err)
			continue
		}
		if len(pair.Certificate) != len(cert.Chain()) {
			t.Errorf("%T: PEM holds %d certificates, want %d", cert.Key(), len(pair.Certificate), len(cert.Chain()))
		}
	}
}

func TestFingerprint(t *testing.T) {
	cert := mustMake(t, lab(t), ca.Good)
	block, _ := pem.Decode(cert.PEM())
	sum := sha256.Sum256(block.Bytes)
	if got, want := cert.Fingerprint(), hex.EncodeToString(sum[:]); got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
}

// pipe returns a connection that ends with the test, or after a while.
func pipe(t *testing.T) (inner, outer net.Conn) {
	t.Helper()
	inner, outer = net.Pipe()
	deadline := time.Now().Add(10 * time.Second)
	for _, conn := range []net.Conn{inner, outer} {
		if err := conn.SetDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	}
	return inner, outer
}

// TestHandshake has two servers show each other their certificates.
func TestHandshake(t *testing.T) {
	a := lab(t)
	tests := []struct {
		initiator, receiver ca.Kind
		want                string
	}{
		{ca.Good, ca.Good, "ok"},
		{ca.Good, ca.Expired, "dates"},
		{ca.ServerAuth, ca.Good, "usage"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s to %s", tt.initiator, tt.receiver), func(t *testing.T) {
			inner, outer := pipe(t)
			initiator := tls.Client(outer, &tls.Config{
				ServerName:   domain,
				RootCAs:      a.Pool(),
				Certificates: []tls.Certificate{mustMake(t, a, tt.initiator).TLS()},
			})
			receiver := tls.Server(inner, &tls.Config{
				ClientCAs:    a.Pool(),
				ClientAuth:   tls.RequireAndVerifyClientCert,
				Certificates: []tls.Certificate{mustMake(t, a, tt.receiver).TLS()},
			})
			// A side that refuses closes the pipe, so that the other does not wait for it.
			received := make(chan error, 1)
			go func() {
				err := receiver.Handshake()
				inner.Close()
				received <- err
			}()
			err := initiator.Handshake()
			if err == nil {
				_, _ = initiator.Read(make([]byte, 1))
			}
			outer.Close()
			if refused := <-received; err == nil {
				err = refused
			}
			if got := reason(err); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestOpenSSL asks a second implementation, with the numbers of openssl-verification-options(1).
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	tests := map[ca.Kind]struct{ server, client string }{
		ca.Good:        {"OK", "OK"},
		ca.ServerAuth:  {"OK", "error 26 "}, // unsuitable certificate purpose
		ca.ClientAuth:  {"error 26 ", "OK"},
		ca.SelfSigned:  {"error 18 ", "error 18 "},
		ca.UnknownCA:   {"error 20 ", "error 20 "}, // unable to get local issuer certificate
		ca.PublicCA:    {"error 20 ", "error 20 "},
		ca.Expired:     {"error 10 ", "error 10 "},
		ca.Future:      {"error 9 ", "error 9 "},
		ca.OtherName:   {"error 62 ", "error 62 "}, // hostname mismatch
		ca.HostName:    {"error 62 ", "error 62 "},
		ca.SRVName:     {"error 62 ", "error 62 "},
		ca.ClientSRV:   {"error 62 ", "error 62 "},
		ca.IMAPSRV:     {"error 62 ", "error 62 "},
		ca.XMPPAddr:    {"error 62 ", "error 62 "},
		ca.CNOnly:      {"OK", "OK"}, // OpenSSL still reads the CN where there is no dNSName
		ca.CNOther:     {"error 62 ", "error 62 "},
		ca.NUL:         {"error 62 ", "error 62 "},
		ca.NoSubject:   {"OK", "OK"},
		ca.CALeaf:      {"OK", "OK"},
		ca.NoChain:     {"error 20 ", "error 20 "},
		ca.CrossSigned: {"OK", "OK"},
		ca.Constrained: {"error 47 ", "error 47 "}, // permitted subtree violation
		ca.SHA1:        {"error 68 ", "error 68 "}, // CA signature digest algorithm too weak
		ca.RSA:         {"OK", "OK"},
		ca.RSA1024:     {"error 66 ", "error 66 "}, // EE certificate key too weak
		ca.Revoked:     {"OK", "OK"},               // without -crl_check
		ca.OCSPRevoked: {"OK", "OK"},
		ca.OCSPUnknown: {"OK", "OK"},
		ca.OCSPStapled: {"OK", "OK"},
	}
	a := lab(t)
	dir := t.TempDir()
	root := filepath.Join(dir, "root.pem")
	if err := os.WriteFile(root, a.RootPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, kind := range ca.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			file := filepath.Join(dir, string(kind)+".pem")
			if err := os.WriteFile(file, mustMake(t, a, kind).PEM(), 0o600); err != nil {
				t.Fatal(err)
			}
			for purpose, want := range map[string]string{"sslserver": tests[kind].server, "sslclient": tests[kind].client} {
				cmd := exec.CommandContext(t.Context(), openssl, "verify", "-no-CAfile", "-no-CApath", "-no-CAstore", "-trusted", root,
					"-untrusted", file, "-x509_strict", "-auth_level", "2", "-purpose", purpose, "-verify_hostname", domain, file)
				out, err := cmd.CombinedOutput()
				if (err == nil) != (want == "OK") || !strings.Contains(string(out), want) {
					t.Errorf("%s: %v, want %q in:\n%s", purpose, err, want, out)
				}
			}
		})
	}
}

func BenchmarkIssue(b *testing.B) {
	a := lab(b)
	for b.Loop() {
		issue(b, a, ca.Leaf{Names: []string{domain}})
	}
}
