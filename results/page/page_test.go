package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/tally"
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
				if h := (i*31 + r*17 + n*7) % 40; h < len(verdictsHere) && (i*r+n)%3 == 0 {
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
					Artefacts: []string{"cells/" + s.ID + "/observation.json", "cells/" + s.ID + "/transcript.txt", "cells/" + s.ID + "/cell.pcapng", "cells/" + s.ID + "/log/dns.txt"},
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

// spiteful is a test day all of whose texts are hostile.
func spiteful() *results.Matrix {
	cell := results.Cell{
		ID: "s2s/" + hostile + ":a:b", Scenario: "s2s/" + hostile, Subjects: []string{hostile, hostile + "2"}, Policy: hostile, Verdict: results.Exposed,
		Blame: results.Blame(hostile), Known: &results.Known{Reason: hostile, Link: "javascript:alert(5)", Since: hostile}, Expected: hostile, Why: hostile,
		Cites: []results.Citation{{Document: hostile, Section: hostile, Level: results.Level(hostile)}}, Possible: hostile, Witnesses: []string{hostile}, Inventory: []string{hostile},
		Control: []string{hostile}, Reproduce: hostile + "\nrm -rf ~", Artefacts: []string{hostile, "javascript:alert(6)", "../../etc/passwd", "//evil.example/x", "a/b.txt"},
		Outcome: results.Outcome{TLS: hostile, Suite: hostile, Auth: results.AuthPair{Initiator: hostile, Receiver: hostile}, Condition: hostile,
			There: results.Leg{Asked: true, TLS: hostile, Suite: hostile, Auth: hostile, Condition: hostile, End: hostile}},
	}
	odd := cell
	odd.ID, odd.Verdict, odd.Subjects, odd.Known = "odd", results.Verdict(hostile), nil, nil
	return &results.Matrix{
		Run:      results.Run{ID: hostile, Profile: hostile, Engine: hostile, Harness: hostile},
		Subjects: []results.Subject{{Name: hostile, Version: hostile, Image: hostile}},
		Scenarios: []results.ScenarioInfo{{ID: "s2s/" + hostile, Asks: hostile, Family: hostile, Expect: hostile,
			Cites: []results.Citation{{Document: hostile, Section: hostile, Level: results.Level(hostile)}}}},
		Cells: []results.Cell{cell, odd},
	}
}

// nodes calls f with each node of a page.
func nodes(t testing.TB, text string, f func(*html.Node)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		f(n)
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// content is the text in a node, with single spaces.
func content(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestSummaryWithoutScript(t *testing.T) {
	m := day(3, 20)
	m.Cells = m.Cells[:0:0]
	for _, v := range []results.Verdict{results.Pass, results.Pass, results.Fail, results.NotSupported} {
		m.Cells = append(m.Cells, results.Cell{ID: fmt.Sprint("s2s/x/", len(m.Cells), ":prosody@13:mine"), Subjects: []string{"prosody@13", "mine"}, Verdict: v, Why: "as told", Reproduce: "make interop CELL=x"})
	}
	m.Cells = append(m.Cells, results.Cell{ID: "s2s/y/z:mine:mine", Subjects: []string{"mine", "mine"}, Verdict: results.Exposed, Known: &results.Known{}})
	var squares, heads, redRows, scopes []string
	nodes(t, render(t, m), func(n *html.Node) {
		switch {
		case n.Data == "td" && strings.HasPrefix(attribute(n, "class"), "square"):
			squares = append(squares, attribute(n, "class")+": "+content(n))
		case n.Data == "h1", n.Data == "p" && strings.HasPrefix(attribute(n, "class"), "verdict-line"), n.Data == "title":
			heads = append(heads, content(n))
		case n.Data == "noscript":
			redRows = append(redRows, content(n))
		case n.Data == "th":
			scopes = append(scopes, attribute(n, "scope"))
		}
	})
	want := []string{
		"square worst-fail: prosody@13 to mine, worst: ✗ fail ✗1 fail, ✓2 pass, 1 not-supported",
		"square worst-exposed all-known: mine to mine, worst: ‼\ufe0e exposed, known ‼\ufe0e1 (1 known) exposed,",
	}
	if len(squares) != 16 {
		t.Errorf("%d squares of four subjects", len(squares))
	}
	for _, w := range want {
		if !slices.Contains(squares, w) {
			t.Errorf("no %q among\n%s", w, strings.Join(squares, "\n"))
		}
	}
	if want := []string{"Test day 2026-03-01T10-00-00Z", "Test day 2026-03-01T10-00-00Z", "2 red cells, 1 of them known"}; !slices.Equal(heads, want) {
		t.Errorf("the head says %q, want %q", heads, want)
	}
	if len(redRows) != 1 || !strings.Contains(redRows[0], "s2s/x/2:prosody@13:mine") || !strings.Contains(redRows[0], "as told") || strings.Contains(redRows[0], "s2s/x/1:") {
		t.Errorf("without JavaScript the red cells are %q", redRows)
	}
	if slices.Contains(scopes, "") {
		t.Errorf("a heading of a table has no scope: %q", scopes)
	}
}

// TestSelfContained looks for anything that a browser would fetch or run.
func TestSelfContained(t *testing.T) {
	for _, m := range []*results.Matrix{day(3, 20), spiteful(), {}} {
		scripts := 0
		nodes(t, render(t, m), func(n *html.Node) {
			for _, a := range n.Attr {
				switch {
				case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "srcset":
					t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
				case a.Key == "href" && !strings.HasPrefix(a.Val, "#") && a.Val != "data:,":
					t.Errorf("<%s href=%q>", n.Data, a.Val)
				}
			}
			switch n.Data {
			case "img", "iframe", "object", "embed", "base":
				if n.Type == html.ElementNode {
					t.Errorf("<%s>", n.Data)
				}
			case "script":
				scripts++
			}
		})
		if scripts != 2 {
			t.Errorf("%d scripts, want the data and the one that shows it", scripts)
		}
	}
}

func TestPolicy(t *testing.T) {
	var policyText, scriptText, styleText string
	nodes(t, render(t, spiteful()), func(n *html.Node) {
		switch {
		case n.Data == "meta" && attribute(n, "http-equiv") == "Content-Security-Policy":
			policyText = attribute(n, "content")
		case n.Data == "script" && attribute(n, "type") == "":
			scriptText = n.FirstChild.Data
		case n.Data == "style":
			styleText = n.FirstChild.Data
		}
	})
	if !strings.HasPrefix(policyText, "default-src 'none'; ") || strings.Contains(policyText, "unsafe") {
		t.Errorf("the policy is %q", policyText)
	}
	for what, text := range map[string]string{"script": scriptText, "style": styleText} {
		sum := sha256.Sum256([]byte(text))
		if want := what + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policyText, want) {
			t.Errorf("the policy %q does not allow the %s, which is %s", policyText, what, want)
		}
	}
}

// TestScriptMakesTextOnly forbids what turns text into elements or code.
func TestScriptMakesTextOnly(t *testing.T) {
	for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch(", "XMLHttpRequest", "import("} {
		if strings.Contains(script, never) {
			t.Errorf("the script uses %s", never)
		}
	}
}

func TestDataIsTheMatrix(t *testing.T) {
	for _, m := range []*results.Matrix{day(2, 9), spiteful()} {
		var got data
		nodes(t, render(t, m), func(n *html.Node) {
			if n.Data == "script" && attribute(n, "id") == "data" {
				if err := json.Unmarshal([]byte(n.FirstChild.Data), &got); err != nil {
					t.Fatal(err)
				}
			}
		})
		slices.SortFunc(m.Cells, func(a, b results.Cell) int { return strings.Compare(a.ID, b.ID) })
		// What is not UTF-8 is replaced as it is written the first time.
		var replaced results.Matrix
		text, _ := json.Marshal(m)
		if err := json.Unmarshal(text, &replaced); err != nil {
			t.Fatal(err)
		}
		want, _ := json.Marshal(replaced)
		have, _ := json.Marshal(got.Matrix)
		if !bytes.Equal(have, want) {
			t.Errorf("the data is\n%s\nwant\n%s", have, want)
		}
	}
}

func TestOrderOfCells(t *testing.T) {
	m := day(2, 9)
	first, before := render(t, m), m.Cells[0].ID
	slices.Reverse(m.Cells)
	if render(t, m) != first {
		t.Error("the order of the cells changes the page")
	}
	if m.Cells[len(m.Cells)-1].ID != before {
		t.Error("writing changed the matrix")
	}
}

func TestWhen(t *testing.T) {
	at := time.Date(2026, 3, 1, 23, 59, 0, 0, time.UTC)
	for _, c := range []struct {
		run  results.Run
		want string
	}{
		{results.Run{Started: at}, "1 March 2026, 23:59:00 UTC, cut short"},
		{results.Run{Started: at, Finished: at.Add(30 * time.Second)}, "1 March 2026, 23:59:00 to 23:59:30 UTC"},
		{results.Run{Started: at, Finished: at.Add(2 * time.Minute)}, "1 March 2026, 23:59:00 to 2 March 2026, 00:01:00 UTC"},
	} {
		if got := when(c.run); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestVerdicts: the page knows every verdict, in the order that it shares with the
// other publications, and tells the script which ones are counted apart.
func TestVerdicts(t *testing.T) {
	var names []results.Verdict
	for _, v := range verdicts {
		names = append(names, v.Name)
		if v.Apart != tally.Apart(v.Name) || v.Red != v.Name.Red() {
			t.Errorf("%s is described as %+v", v.Name, v)
		}
	}
	if !slices.Equal(names, tally.Verdicts()) {
		t.Errorf("verdicts %q, want %q", names, tally.Verdicts())
	}
}

func TestWriteError(t *testing.T) {
	err := Write(failing{}, day(1, 1))
	if err == nil || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error %v, want one that wraps %v", err, io.ErrShortWrite)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// FuzzText puts a text everywhere, and holds the structure of the page against the
// one that a plain text gives.
func FuzzText(f *testing.F) {
	f.Add(hostile)
	f.Add("<!--<script>")
	f.Add("{{template \"page\"}}")
	shape := func(t testing.TB, s string) string {
		m := &results.Matrix{
			Run:       results.Run{ID: s, Profile: s, Engine: "e" + s, Harness: "h" + s},
			Subjects:  []results.Subject{{Name: "a" + s, Version: s, Image: s}},
			Scenarios: []results.ScenarioInfo{{ID: "x", Family: s, Asks: s}},
			Cells:     []results.Cell{{ID: s, Scenario: "x", Subjects: []string{"a" + s, "a" + s}, Verdict: results.Fail, Blame: results.Blame("b" + s), Why: s, Reproduce: s}},
		}
		var b strings.Builder
		nodes(t, render(t, m), func(n *html.Node) {
			if n.Type == html.ElementNode {
				b.WriteString(n.Data)
				for _, a := range n.Attr {
					b.WriteString(" " + a.Key)
				}
				b.WriteString("\n")
			}
		})
		return b.String()
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := shape(t, s), shape(t, "plain"); got != want {
			t.Errorf("%q changes the elements of the page", s)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	m := day(7, 62)
	for b.Loop() {
		if err := Write(io.Discard, m); err != nil {
			b.Fatal(err)
		}
	}
}
