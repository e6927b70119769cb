package page

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-testday/testday/results"
)

// hostile is what a server might say of itself, to break out of a page.
const hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>]]>--><!--\"' onload='alert(3)' javascript:alert(4) \u202e\u2066\u2028\x00\x1b\xff{{.}}&lt;"

// day is a test day of so many cells a pair, with every verdict, and hostile text
// in one of its cells.
func day(subjects, each int) *results.Matrix {
	m := &results.Matrix{
		Schema: 1,
		Run: results.Run{
			ID: "2026-03-01T10-00-00Z", Started: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), Finished: time.Date(2026, 3, 1, 10, 0, 42, 0, time.UTC),
			Seed: 7, Profile: "manifesto-2014", Cores: 2, Engine: "Docker 20.10.24", Harness: "v0.1.0",
		},
		Timing: results.Timing{Images: 0.4, Boot: 6.2, Observe: 12.1, Wall: 20.3, CPU: 24.3, Containers: 12},
	}
	subjectNames := []string{"prosody@13", "ejabberd@26.07", "jabberd2@2.7.0", "prosody@0.12", "ejabberd@24.12", "ejabberd@23.01", "mine"}[:subjects]
	versions := []string{"13.0.7 (13.0.7-1)", "26.07 (26.07-1)", "2.7.0 (2.7.0-5)", "0.12.3 (0.12.3-1)", "24.12 (24.12-3)", "23.01 (23.01-1)", "dev"}
	for n, s := range subjectNames {
		m.Subjects = append(m.Subjects, results.Subject{Name: s, Version: versions[n], Image: "testday/" + strings.ReplaceAll(s, "@", ":") + "@sha256:" + strings.Repeat(fmt.Sprint(n), 64)})
	}
	families := []string{"s2s-starttls", "s2s-pkix", "s2s-dialback", "s2s-policy"}
	scenarioNames := []string{"required-both", "policy-mismatch", "tls13-preferred", "forward-secrecy-only", "unknown-ca", "expired"}
	for n := range each {
		family := families[n%len(families)]
		id := strings.Replace(family, "-", "/", 1) + "/" + scenarioNames[n%len(scenarioNames)] + fmt.Sprintf("-%03d", n)
		m.Scenarios = append(m.Scenarios, results.ScenarioInfo{
			ID: id, Asks: "Does the receiver refuse a certificate that nobody vouches for?", Family: family, Core: n%3 == 0,
			Cites:  []results.Citation{{Document: "RFC 6120", Section: "13.7.2", Level: results.Must}, {Document: "XEP-0220", Section: "2.4.2", Level: results.Should}, {Document: "Manifesto", Level: results.PolicyLevel}},
			Expect: "No stanza is delivered, and the sender is told why.",
		})
	}
	verdictsHere := results.Verdicts()
	whys := map[results.Verdict]string{
		results.Exposed: "the receiver accepted a certificate of an authority that it does not trust", results.Fail: "the sender was told nothing for 12 s, and the message was lost",
		results.Weaker: "authenticated by dialback, though both certificates are valid", results.Pass: "delivered both ways inside TLS 1.3, authenticated by pkix",
		results.NoInterop: "policies exclude each other: TLS required meets TLS off", results.HarnessError: "the tap of the receiver was not reached",
		results.NotSupported: "configuration: cannot require TLS and forbid dialback on one virtual host", results.Inconclusive: "the control cell did not pass", results.Skipped: "not asked for",
	}
	for i, from := range subjectNames {
		for r, to := range subjectNames {
			for n, s := range m.Scenarios {
				v := results.Pass
				if h := (i*31 + r*17 + n*7) % 40; h < len(verdictsHere) && (i+r+n)%2 == 0 {
					v = verdictsHere[h]
				} else if h == 39 {
					v = results.NotSupported
				} else if h == 38 {
					v = results.Weaker
				}
				id := s.ID + ":" + from + ":" + to
				c := results.Cell{
					ID: id, Scenario: s.ID, Subjects: []string{from, to}, Policy: "P2/good P1/self", Verdict: v, Why: whys[v],
					Outcome: results.Outcome{
						Delivered: v == results.Pass, Encrypted: true, TLS: "TLS 1.3", Suite: "TLS_AES_256_GCM_SHA384", Auth: results.AuthPair{Initiator: results.AuthPKIX, Receiver: results.AuthDialback},
						There: results.Leg{Asked: true, Sent: 1, Delivered: 1, Encrypted: true, TLS: "TLS 1.3", Suite: "TLS_AES_256_GCM_SHA384", Auth: results.AuthPKIX, End: "open"},
						Back:  results.Leg{Asked: true, Sent: 1, Encrypted: true, TLS: "TLS 1.2", Suite: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Auth: results.AuthDialback, Condition: "remote-server-not-found", End: "receiver: alert unknown_ca"},
					},
					Expected: "best: delivered both ways with pkix; allowed: dialback", Witnesses: []string{"clients", "wire", "log:initiator"},
					Control: []string{m.Scenarios[0].ID + ":" + from + ":" + to}, Reproduce: "make interop CELL='" + id + "'", Seconds: 0.42,
					Artefacts: []string{"cells/" + s.ID + "/observation.json", "cells/" + s.ID + "/transcript.txt", "cells/" + s.ID + "/cell.pcapng", "cells/" + s.ID + "/dns.log"},
				}
				switch v {
				case results.Exposed, results.Fail:
					c.Blame = results.BlameReceiver
					c.Cites = []results.Citation{{Document: "RFC 6120", Section: "5.4.3.3", Level: results.Must}}
					if n%2 == 0 {
						c.Known = &results.Known{Reason: "the dialback fallback ignores the policy of the host", Link: "https://example.org/issues/1", Since: "2026-02-01"}
					}
				case results.Weaker:
					c.Possible = "pkix both ways"
				}
				m.Cells = append(m.Cells, c)
			}
		}
	}
	return m
}

func render(t testing.TB, m *results.Matrix) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPageIsWritten(t *testing.T) {
	text := render(t, day(3, 20))
	for _, want := range []string{"<h1>Test day <bdi>2026-03-01T10-00-00Z</bdi></h1>", "13.0.7 (13.0.7-1)", "manifesto-2014"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}
