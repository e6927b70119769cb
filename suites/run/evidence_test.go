package run

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/results"
)

// fetch gets a URL of the lab from an address.
func fetch(t *testing.T, l *lab.Lab, from netip.Addr, url string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		resolver, err := l.Dial(ctx, netip.AddrPortFrom(l.Resolver, 53))
		if err != nil {
			return nil, err
		}
		defer resolver.Close()
		in, err := ask(ctx, resolver, host+".", dns.TypeA)
		if err != nil {
			return nil, err
		}
		return l.Net.Dial(ctx, from, netip.MustParseAddrPort(in.Answer[0].(*dns.A).A.String()+":80"))
	}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// TestRequests: a cell's requests are those of its parties, made while it ran, about
// its certificates or about none that is named.
func TestRequests(t *testing.T) {
	l, err := lab.Loopback(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r, subject := &Run{lab: l}, l.Address()
	own, other := ca.RevocationListURL+"1f.crl", ca.RevocationListURL+"2f.crl"
	fetch(t, l, subject, own)
	obs := &results.Observation{Started: time.Now()}
	fetch(t, l, subject, own)
	fetch(t, l, subject, other)
	fetch(t, l, subject, ca.RevocationListURL)
	fetch(t, l, l.Address(), own)

	files := map[string][]byte{}
	r.requests(obs, files, func(a netip.Addr) string {
		if a == subject {
			return "receiver"
		}
		return ""
	}, "1f", "3f")
	if len(obs.Requests) != 2 || obs.Requests[0].Serial != "1f" || obs.Requests[1].URL != ca.RevocationListURL {
		t.Fatalf("%+v", obs.Requests)
	}
	for _, q := range obs.Requests {
		if q.Party != "receiver" || q.At < 0 || q.Method != http.MethodGet || q.Status != http.StatusOK {
			t.Errorf("%+v", q)
		}
	}
	if text := string(files["http.txt"]); strings.Count(text, "\n") != 2 || !strings.Contains(text, own) {
		t.Errorf("http.txt:\n%s", text)
	}

	files = map[string][]byte{}
	r.requests(&results.Observation{Started: time.Now()}, files, func(netip.Addr) string { return "receiver" }, "1f")
	if len(files) > 0 {
		t.Errorf("a file, though nobody asked: %q", files)
	}
}
