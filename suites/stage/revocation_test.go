package stage

import (
	"bufio"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/crypto/ocsp"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/lab"
)

// fetch gets a URL of the lab from an address.
func fetch(t *testing.T, l *lab.Lab, from netip.Addr, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	question, err := l.Dial(t.Context(), netip.AddrPortFrom(l.Resolver, 53))
	if err != nil {
		t.Fatal(err)
	}
	defer question.Close()
	in, _, err := new(dns.Client).ExchangeWithConnContext(t.Context(), new(dns.Msg).SetQuestion(u.Hostname()+".", dns.TypeA), &dns.Conn{Conn: question})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Net.Dial(t.Context(), from, netip.MustParseAddrPort(in.Answer[0].(*dns.A).A.String()+":80"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", u.EscapedPath(), u.Host)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// TestAsked: what counts is who asked, and about which certificate.
func TestAsked(t *testing.T) {
	l, err := lab.Loopback(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	st := New(Config{Lab: l, Zone: "c1.lab", Server: l.Address()})
	if _, err := st.Certificate(ca.Revoked, "p"); err != nil {
		t.Fatal(err)
	}
	byOCSP, err := st.Certificate(ca.OCSPRevoked, "q")
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := x509.ParseCertificate(byOCSP.Certificate[1])
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(byOCSP.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	request, err := ocsp.CreateRequest(leaf, issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	own := ca.RevocationListURL + st.serials[0] + ".crl"
	other, err := l.CA.Make(ca.Revoked, "p.c2.lab")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from netip.Addr
		url  string
		want string
	}{
		{l.Address(), own, AskedNobody},
		{st.Server, other.Leaf().CRLDistributionPoints[0], AskedNobody},
		{st.Server, strings.TrimSuffix(own, ".crl"), AskedNobody},
		{st.Server, own, AskedList},
		{st.Server, ca.OCSPURL + "none", AskedList},
		{st.Server, ca.OCSPURL + url.PathEscape(base64.StdEncoding.EncodeToString(request)), AskedList + " and " + AskedResponder},
	} {
		fetch(t, l, c.from, c.url)
		if got := st.Asked(); got != c.want {
			t.Errorf("%s asks for %s: %q, want %q", c.from, c.url, got, c.want)
		}
	}
	record := st.End(func(func()) {})
	if len(record.Serials) != 2 || record.Serials[0] != st.serials[0] {
		t.Errorf("on record: %q, want %q", record.Serials, st.serials)
	}
}
