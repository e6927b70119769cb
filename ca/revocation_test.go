package ca_test

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ocsp"

	"github.com/xmpp-testday/testday/ca"
)

// statuses are the answers of the responder, and what openssl-ocsp(1) calls them.
var statuses = []struct {
	status ca.Status
	want   int
	word   string
}{
	{ca.StatusGood, ocsp.Good, "good"},
	{ca.StatusRevoked, ocsp.Revoked, "revoked"},
	{ca.StatusUnknown, ocsp.Unknown, "unknown"},
}

// ask sends an OCSP request by a method, and returns the body of the answer.
func ask(t *testing.T, a *ca.Authority, method string, request []byte) []byte {
	t.Helper()
	r := httptest.NewRequest(method, ca.OCSPURL, bytes.NewReader(request))
	if method == http.MethodGet {
		r = httptest.NewRequest(method, ca.OCSPURL+url.QueryEscape(base64.StdEncoding.EncodeToString(request)), nil)
	}
	w := httptest.NewRecorder()
	a.ServeOCSP(w, r)
	if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || got != "application/ocsp-response" {
		t.Fatalf("%s: status %d, type %q", method, w.Code, got)
	}
	return w.Body.Bytes()
}

func TestRevoked(t *testing.T) {
	a := lab(t)
	good, revoked := mustMake(t, a, ca.Good), mustMake(t, a, ca.Revoked)
	if want := []string{ca.RevocationListURL + revoked.Leaf().SerialNumber.Text(16) + ".crl"}; !slices.Equal(revoked.Leaf().CRLDistributionPoints, want) {
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

func TestOCSP(t *testing.T) {
	a := lab(t)
	for _, tt := range statuses {
		cert := issue(t, a, ca.Leaf{Names: []string{domain}, OCSP: tt.status})
		if want := []string{ca.OCSPURL}; !slices.Equal(cert.Leaf().OCSPServer, want) || len(cert.Leaf().CRLDistributionPoints) > 0 {
			t.Errorf("%s: responders %q, lists %q; want %q alone", tt.word, cert.Leaf().OCSPServer, cert.Leaf().CRLDistributionPoints, want)
		}
		issuer := chainOf(t, cert)[0]
		for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
			request, err := ocsp.CreateRequest(cert.Leaf(), issuer, &ocsp.RequestOptions{Hash: hash})
			if err != nil {
				t.Fatal(err)
			}
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				response, err := ocsp.ParseResponseForCert(ask(t, a, method, request), cert.Leaf(), issuer)
				if err != nil {
					t.Errorf("%s, %s, %s: %v", tt.word, method, hash, err)
					continue
				}
				if response.Status != tt.want || response.IssuerHash != hash || !response.NextUpdate.After(response.ThisUpdate) {
					t.Errorf("%s, %s, %s: status %d by %s, %v to %v", tt.word, method, hash,
						response.Status, response.IssuerHash, response.ThisUpdate, response.NextUpdate)
				}
			}
		}
		if cert.TLS().OCSPStaple != nil {
			t.Errorf("%s: stapled without being asked to", tt.word)
		}
	}
	if plain := issue(t, a, ca.Leaf{Names: []string{domain}}); len(plain.Leaf().OCSPServer) > 0 {
		t.Errorf("without a status: responders %q", plain.Leaf().OCSPServer)
	}
}

// TestOCSPOfOthers asks about certificates that the responder is not there for.
func TestOCSPOfOthers(t *testing.T) {
	a := lab(t)
	plain := issue(t, a, ca.Leaf{Names: []string{domain}})
	request, err := ocsp.CreateRequest(plain.Leaf(), chainOf(t, plain)[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := ocsp.ParseResponse(ask(t, a, http.MethodPost, request), chainOf(t, plain)[0])
	if err != nil || response.Status != ocsp.Unknown {
		t.Errorf("a certificate without a status: %+v, %v; want unknown", response, err)
	}
	other := issue(t, a, ca.Leaf{Names: []string{domain}, UnknownIssuer: true})
	request, err = ocsp.CreateRequest(other.Leaf(), chainOf(t, other)[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, a, http.MethodPost, request); !bytes.Equal(got, ocsp.UnauthorizedErrorResponse) {
		t.Errorf("another issuer's certificate: %x, want unauthorized", got)
	}
}

func TestOCSPMalformed(t *testing.T) {
	a := lab(t)
	cert := issue(t, a, ca.Leaf{Names: []string{domain}, OCSP: ca.StatusGood})
	good, err := ocsp.CreateRequest(cert.Leaf(), chainOf(t, cert)[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, request := range map[string][]byte{
		"nothing":  {},
		"garbage":  []byte("garbage"),
		"trailing": append(slices.Clone(good), 0),
		"cut":      good[:len(good)-1],
		"long":     append(slices.Clone(good), make([]byte, 1<<20)...),
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if got := ask(t, a, method, request); !bytes.Equal(got, ocsp.MalformedRequestErrorResponse) {
				t.Errorf("%s, %s: %x, want malformedRequest", name, method, got)
			}
		}
	}
	w := httptest.NewRecorder()
	a.ServeOCSP(w, httptest.NewRequest(http.MethodGet, ca.OCSPURL+"no%20base64", nil))
	if !bytes.Equal(w.Body.Bytes(), ocsp.MalformedRequestErrorResponse) {
		t.Errorf("no base64: %x", w.Body.Bytes())
	}
	w = httptest.NewRecorder()
	a.ServeOCSP(w, httptest.NewRequest(http.MethodPut, ca.OCSPURL, nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, POST" {
		t.Errorf("PUT: %d, allowed %q", w.Code, w.Header().Get("Allow"))
	}
}

// TestStaple has a client read the response in a handshake.
func TestStaple(t *testing.T) {
	a := lab(t)
	for _, tt := range statuses {
		cert := issue(t, a, ca.Leaf{Names: []string{domain}, OCSP: tt.status, Staple: true})
		inner, outer := pipe(t)
		server := tls.Server(inner, &tls.Config{Certificates: []tls.Certificate{cert.TLS()}})
		served := make(chan error, 1)
		go func() { served <- server.Handshake() }()
		client := tls.Client(outer, &tls.Config{ServerName: domain, RootCAs: a.Pool()})
		if err := client.Handshake(); err != nil {
			t.Fatal(err)
		}
		if err := <-served; err != nil {
			t.Fatal(err)
		}
		response, err := ocsp.ParseResponseForCert(client.ConnectionState().OCSPResponse, cert.Leaf(), chainOf(t, cert)[0])
		if err != nil || response.Status != tt.want {
			t.Errorf("%s: %+v, %v", tt.word, response, err)
		}
	}
}

// TestOpenSSLRevocation asks a second implementation to believe the list and the answers.
func TestOpenSSLRevocation(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	a := lab(t)
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	run := func(args ...string) string {
		out, _ := exec.CommandContext(t.Context(), openssl, args...).CombinedOutput()
		return string(out)
	}
	root := write("root.pem", a.RootPEM())

	revoked := issue(t, a, ca.Leaf{Names: []string{domain}, Revoked: true})
	list, err := a.RevocationList()
	if err != nil {
		t.Fatal(err)
	}
	file := write("revoked.pem", revoked.PEM())
	if out := run("verify", "-trusted", root, "-untrusted", file, "-crl_check", "-CRLfile", write("list.crl", list), file); !strings.Contains(out, "error 23 ") {
		t.Errorf("on the list: want error 23, certificate revoked, in:\n%s", out)
	}

	responder := httptest.NewServer(http.HandlerFunc(a.ServeOCSP))
	defer responder.Close()
	for _, tt := range statuses {
		cert := issue(t, a, ca.Leaf{Names: []string{domain}, OCSP: tt.status})
		file := write("cert.pem", cert.PEM())
		issuer := write("issuer.pem", cert.PEM()[bytes.LastIndex(cert.PEM(), []byte("-----BEGIN")):])
		out := run("ocsp", "-url", responder.URL, "-issuer", issuer, "-cert", file, "-CAfile", root)
		if !strings.Contains(out, "Response verify OK") || !strings.Contains(out, ": "+tt.word) {
			t.Errorf("want an answer that verifies and says %s:\n%s", tt.word, out)
		}
	}
}

// FuzzServeOCSP has the responder answer anything with an answer that can be read.
func FuzzServeOCSP(f *testing.F) {
	a := lab(f)
	cert := issue(f, a, ca.Leaf{Names: []string{domain}, OCSP: ca.StatusRevoked})
	issuer, err := x509.ParseCertificate(cert.Chain()[1])
	if err != nil {
		f.Fatal(err)
	}
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA512} {
		request, err := ocsp.CreateRequest(cert.Leaf(), issuer, &ocsp.RequestOptions{Hash: hash})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(request)
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		answer := ask(t, a, http.MethodPost, request)
		if len(answer) == len(ocsp.MalformedRequestErrorResponse) {
			if bytes.Equal(answer, ocsp.InternalErrorErrorResponse) {
				t.Errorf("internal error for %x", request)
			}
			return
		}
		if _, err := ocsp.ParseResponse(answer, issuer); err != nil {
			t.Errorf("%v, answered to %x", err, request)
		}
	})
}
