package known

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/results"
)

const sample = `# what is broken today
- cell: s2s/pkix/unknown-ca:prosody@13:ejabberd@26.07
  verdict: exposed
  why: accepted an invalid certificate
  reason: "does not ask the validator: see the link"
  link: https://example.org/issues/1
  since: 2026-03-01

- cell: "s2s/policy/*:*:jabberd2@2.7.0"
  verdict: fail
  why: closed without a stream error
  reason: >-
    says nothing
    before it closes
  link: unreported
  since: "2026-03-02"
`

func TestParse(t *testing.T) {
	f, err := Parse("known.yaml", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{"s2s/pkix/unknown-ca:prosody@13:ejabberd@26.07", results.Exposed, "accepted an invalid certificate",
			"does not ask the validator: see the link", "https://example.org/issues/1", "2026-03-01", false, 2},
		{"s2s/policy/*:*:jabberd2@2.7.0", results.Fail, "closed without a stream error",
			"says nothing before it closes", "unreported", "2026-03-02", false, 9},
	}
	if !slices.Equal(f.Entries, want) {
		t.Errorf("got %+v\nwant %+v", f.Entries, want)
	}
	for _, empty := range []string{"", "\n", "# nothing is known\n", "[]\n", "---\n"} {
		if f, err := Parse("known.yaml", []byte(empty)); err != nil || len(f.Entries) != 0 {
			t.Errorf("%q: got %+v, %v; want no entries", empty, f, err)
		}
	}
}

func TestFlaky(t *testing.T) {
	entry := "- cell: a:x:y\n  verdict: fail\n  why: lost\n  reason: race\n  link: unreported\n  since: 2026-01-02\n"
	passes := []results.Cell{{ID: "a:x:y", Verdict: results.Pass}}
	for _, tt := range []struct {
		text string
		want int
	}{{entry, 1}, {entry + "  flaky: false\n", 1}, {entry + "  flaky: true\n", 0}} {
		f, err := Parse("known.yaml", []byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Gate(passes, Options{Complete: true}); len(got.Unexpected) != tt.want || got.ExitCode() != tt.want {
			t.Errorf("%s: %d unexpected passes, exit %d, want %d", tt.text, len(got.Unexpected), got.ExitCode(), tt.want)
		}
	}
	if _, err := Parse("known.yaml", []byte(entry+"  flaky: perhaps\n")); err == nil || !strings.Contains(err.Error(), "flaky") {
		t.Errorf("flaky: perhaps: %v", err)
	}
}

func TestParseErrors(t *testing.T) {
	// entry is a good one with a field set otherwise, or left out.
	entry := func(changes ...string) string {
		lines := []string{"cell: a/b:c:d", "verdict: fail", "why: closed", "reason: bug", "link: unreported", "since: 2026-03-01"}
		for _, change := range changes {
			name, value, set := strings.Cut(change, ":")
			for n, l := range lines {
				if strings.HasPrefix(l, name+":") {
					lines[n] = name + ":" + value
					if !set {
						lines = slices.Delete(lines, n, n+1)
					}
					break
				}
			}
		}
		return "- " + strings.Join(lines, "\n  ") + "\n"
	}
	if _, err := Parse("k", []byte(entry())); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"unknown field", entry() + "  owner: me\n", `k:7: unknown field "owner"`},
		{"no cell", entry("cell"), "k:1: the entry has no cell"},
		{"no verdict", entry("verdict"), "k:1: the entry has no verdict"},
		{"no why", entry("why"), "k:1: the entry has no why"},
		{"no reason", entry("reason"), "k:1: the entry has no reason"},
		{"no link", entry("link"), "k:1: the entry has no link"},
		{"no since", entry("since"), "k:1: the entry has no since"},
		{"empty why", entry("why:"), "k:3: why is empty"},
		{"blank why", entry(`why: "  "`), "k:3: why is empty"},
		{"verdict", entry("verdict: broken"), `k:2: verdict "broken": want one of exposed, fail, no-interop, weaker`},
		{"verdict that is fine", entry("verdict: pass"), `k:2: verdict "pass": want one of`},
		{"glob", entry("cell: a/[bc]:d"), `k:1: cell "a/[bc]:d": '[' is neither in a cell's id nor a wildcard`},
		{"stars", entry("cell: a/***"), `k:1: cell "a/***": *** has no meaning`},
		{"space", entry("cell: a b"), `k:1: cell "a b": ' ' is neither`},
		{"link", entry("link: bug 7"), `k:5: link "bug 7": want an http or https URL, or "unreported"`},
		{"link to a file", entry("link: file:///etc"), `k:5: link "file:///etc": want an http`},
		{"link without a host", entry("link: https:x"), `k:5: link "https:x": want an http`},
		{"since", entry("since: 1.3.2026"), `k:6: since "1.3.2026": want a date like 2026-03-01`},
		{"no such day", entry("since: 2026-02-30"), `k:6: since "2026-02-30": want a date`},
		{"duplicate", entry() + entry(), "k:7: repeats the entry of line 1"},
		{"field twice", entry() + "  why: again\n", "k:7: "},
		{"field is a list", entry("why: [closed]"), "k:3: why: want text, found a sequence"},
		{"field is an alias", "- cell: &c a/b:c:d\n", "k:1: cell: want text, found a anchor"},
		{"entry is text", "- a/b:c:d\n", "k:1: want an entry, found a string"},
		{"not a list", "cell: a\n", "k:1: want a list of entries, found a mapping"},
		{"two documents", entry() + "---\n" + entry(), "k:8: a second YAML document"},
		{"syntax", entry() + "- cell: \"open\n", "k:7: "},
		{"deep", strings.Repeat("[", 100), "k:1: nested deeper than 64 levels"},
		{"deep block", "- a\n" + strings.Repeat("- ", 100), "k:2: nested deeper than 64 levels"},
		{"large", strings.Repeat("#", maxSize+1), "k: larger than 1048576 bytes"},
	} {
		f, err := Parse("k", []byte(c.text))
		if err == nil {
			t.Errorf("%s: no error, got %+v", c.name, f)
			continue
		}
		if got := err.Error(); !strings.HasPrefix(got, c.want) || strings.ContainsAny(got, "\n\r") {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
	// The same cell may fail in two ways.
	if _, err := Parse("k", []byte(entry()+entry("why: reset"))); err != nil {
		t.Error(err)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known.yaml")
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v, want one that names %s", err, path)
	}
	if err := os.WriteFile(path, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path)
	if err != nil || f.Name != path || len(f.Entries) != 2 {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestMatch(t *testing.T) {
	const id = "s2s/policy/P1.self-P2.good:prosody@13:jabberd2@2.7.0"
	for _, c := range []struct {
		pattern string
		want    bool
	}{
		{id, true},
		{id + "0", false},
		{id[:len(id)-1], false},
		{id[1:], false},
		{"s2s/policy/*:prosody@13:jabberd2@2.7.0", true},
		{"s2s/policy/*:*:*", true},
		{"s2s/policy/P1.*:prosody@*:*", true},
		{"s2s/policy/P0.*:prosody@*:*", false},
		{"*/*/*:*:*", true},
		{"s2s/*:*:*", false},    // * does not cross a /
		{"s2s/policy/*", false}, // nor a :
		{"**", true},
		{"s2s/**", true},
		{"**:jabberd2@2.7.0", true},
		{"**:prosody@13", false},
		{"s2s/**:prosody@13:**", true},
		{"s2s/policy/P?.self-P?.good:prosody@1?:*", true},
		{"s2s?policy/**", false}, // ? is neither / nor :
		{"s2s/policy/P1.self-P2.good?prosody@13:jabberd2@2.7.0", false},
		{"s2s/policy/P1xself-P2.good:prosody@13:jabberd2@2.7.0", false}, // . is itself
		{id + "*", true},                                                // * may stand for nothing
		{id + "**", true},
		{id + "?", false},
		{"", false},
	} {
		if got := match(c.pattern, id); got != c.want {
			t.Errorf("match(%q): got %t, want %t", c.pattern, got, c.want)
		}
	}
}

// BenchmarkMatch has a pattern that takes a backtracking matcher exponential
// time.
func BenchmarkMatch(b *testing.B) {
	pattern, id := strings.Repeat("*a", 30)+"b", strings.Repeat("a", 60)
	for b.Loop() {
		match(pattern, id)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{sample, "", "- {cell: a, verdict: fail}", "- cell: &a x\n  why: *a\n", "? - a\n: - b\n", "<<: 1", "- |\n  x", "!!binary x", "%YAML 1.2\n---\n", "- - - -", "{[}]", "\x00\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("fuzz.yaml", data)
		if err != nil {
			if file != nil || !strings.HasPrefix(err.Error(), "fuzz.yaml:") || strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Fatalf("error is not one line that names the file: %q", err)
			}
			return
		}
		for _, e := range file.Entries {
			if checkPattern(e.Cell) != nil || checkVerdict(string(e.Verdict)) != nil || e.Why == "" || e.Reason == "" ||
				checkLink(e.Link) != nil || checkSince(e.Since) != nil || e.Line < 1 {
				t.Fatalf("entry passes that should not: %+v", e)
			}
		}
		file.Gate([]results.Cell{{ID: "a/b:c:d", Verdict: results.Fail, Why: "x"}}, Options{Complete: true})
	})
}
