package publish

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/xmpp-testday/testday/results"
)

// hostile is what a server might say of itself, to break out of whatever it is
// put in.
const hostile = "\x1b[2Jx\r\n# pwned |a| `b` <script>alert(1)</script> ]]> <!-- **bold** [c](javascript:d) http://evil.example www.evil.example \u202e\u2028\x00\x9b\xff\ufffe&amp;\"'"

// matrix is a small test day with a cell of every verdict, out of order.
func matrix() *results.Matrix {
	cell := func(id string, v results.Verdict, why string) results.Cell {
		scenario, _, _ := strings.Cut(id, ":")
		parts := strings.Split(id, ":")
		return results.Cell{
			ID: id, Scenario: scenario, Subjects: parts[1:], Policy: "P1/good P1/self", Verdict: v, Why: why,
			Expected: "TLS with EXTERNAL both ways", Reproduce: "make interop CELL='" + id + "'", Seconds: 0.25,
			Artefacts: []string{"cells/" + scenario + "/observation.json"},
		}
	}
	m := &results.Matrix{
		Run: results.Run{
			ID: "2026-03-01T10-00-00Z", Started: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
			Finished: time.Date(2026, 3, 1, 10, 0, 42, 0, time.UTC), Seed: 7, Profile: "manifesto-2014", Cores: 2,
		},
		Subjects: []results.Subject{
			{Name: "prosody@13", Version: "13.0.7 (13.0.7-1)", Image: "testday/prosody:1@sha256:aa"},
			{Name: "jabberd2@2.7.0", Version: "2.7.0", Image: "testday/jabberd2:1@sha256:bb"},
		},
		Scenarios: []results.ScenarioInfo{
			{ID: "s2s/starttls/required-both", Asks: "Do two servers federate?", Family: "s2s-starttls", Core: true,
				Cites: []results.Citation{{Document: "RFC 6120", Section: "13.4", Level: results.Must}}},
			{ID: "s2s/pkix/unknown-ca", Asks: "Is it refused?", Family: "s2s-pkix", Core: true},
		},
		Cells: []results.Cell{
			cell("s2s/starttls/required-both:prosody@13:prosody@13", results.Pass, "delivered"),
			cell("s2s/starttls/required-both:prosody@13:jabberd2@2.7.0", results.Fail, "the sender was told nothing"),
			cell("s2s/starttls/required-both:jabberd2@2.7.0:prosody@13", results.Weaker, "dialback, though the certificate is valid"),
			cell("s2s/starttls/required-both:jabberd2@2.7.0:jabberd2@2.7.0", results.NoInterop, "nothing arrived"),
			cell("s2s/pkix/unknown-ca:prosody@13:prosody@13", results.HarnessError, "no tap"),
			cell("s2s/pkix/unknown-ca:prosody@13:jabberd2@2.7.0", results.Exposed, "an invalid certificate was accepted"),
			cell("s2s/pkix/unknown-ca:jabberd2@2.7.0:prosody@13", results.NotSupported, "cannot be configured"),
			cell("s2s/pkix/unknown-ca:jabberd2@2.7.0:jabberd2@2.7.0", results.Inconclusive, "no control"),
			cell("s2s/other/unlisted:jabberd2@2.7.0:jabberd2@2.7.0", results.Skipped, "not asked for"),
		},
		Timing: results.Timing{Images: 1, Boot: 2, Observe: 3, Wall: 42, CPU: 5, Containers: 6},
	}
	m.Cells[1].Blame = results.BlameInitiator
	m.Cells[1].Known = &results.Known{Reason: "tracked", Link: "https://example.org/issues/1", Since: "2026-02-01"}
	m.Cells[5].Blame = results.BlameReceiver
	m.Cells[5].Cites = []results.Citation{{Document: "RFC 6120", Section: "13.7.2", Level: results.Must}, {Document: "manifesto", Level: results.PolicyLevel}}
	return m
}

func render(t testing.TB, write func(io.Writer, *results.Matrix) error, m *results.Matrix) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJSON(t *testing.T) {
	m := matrix()
	before := m.Cells[0].ID
	text := render(t, WriteJSON, m)
	if err := Validate([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if m.Cells[0].ID != before || m.Schema != 0 {
		t.Error("writing changed the matrix")
	}
	slices.Reverse(m.Cells)
	if render(t, WriteJSON, m) != text {
		t.Error("the order of the cells changes what is written")
	}
	if !strings.HasPrefix(text, "{\n  \"schema\": 1,\n  \"run\": {\n    \"id\": \"2026-03-01T10-00-00Z\",\n") {
		t.Errorf("begins with %q", text[:80])
	}
	// The names that the publication promises.
	for _, path := range []string{
		"run id", "run started", "run finished", "run seed", "run profile", "run cores",
		"subjects name", "subjects version", "subjects image",
		"scenarios id", "scenarios asks", "scenarios family", "scenarios core",
		"scenarios cites document", "scenarios cites section", "scenarios cites level",
		"cells id", "cells scenario", "cells subjects", "cells policy", "cells verdict", "cells blame", "cells known",
		"cells outcome delivered", "cells outcome encrypted", "cells outcome tls", "cells outcome condition",
		"cells outcome auth initiator", "cells outcome auth receiver",
		"cells expected", "cells why", "cells reproduce", "cells seconds", "cells artefacts",
		"timing images", "timing boot", "timing observe", "timing wall", "timing cpu", "timing containers",
	} {
		var at any
		if err := json.Unmarshal([]byte(text), &at); err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(path) {
			if list, ok := at.([]any); ok {
				at = list[0]
			}
			object, _ := at.(map[string]any)
			next, ok := object[name]
			if !ok {
				t.Errorf("no %s", path)
				break
			}
			at = next
		}
	}
	if err := Validate([]byte(render(t, WriteJSON, &results.Matrix{Run: results.Run{ID: "empty"}}))); err != nil {
		t.Errorf("a matrix without cells: %v", err)
	}
}

// TestSchemaCovers walks the Go types: each field must be described by the schema,
// required exactly when it is always written, and nothing else may be described.
func TestSchemaCovers(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(results.Schema, &root); err != nil {
		t.Fatal(err)
	}
	resolve := func(s map[string]any) map[string]any {
		if options, ok := s["anyOf"].([]any); ok {
			s = options[1].(map[string]any)
		}
		if ref, ok := s["$ref"].(string); ok {
			s = root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		}
		return s
	}
	var walk func(at string, typ reflect.Type, s map[string]any)
	walk = func(at string, typ reflect.Type, s map[string]any) {
		s = resolve(s)
		switch {
		case typ.Kind() == reflect.Pointer:
			walk(at, typ.Elem(), s)
		case typ.Kind() == reflect.Slice:
			items, ok := s["items"].(map[string]any)
			if !ok {
				t.Errorf("%s: the schema has no items", at)
				return
			}
			walk(at+"[]", typ.Elem(), items)
		case typ.Kind() == reflect.Struct && typ != reflect.TypeFor[time.Time]():
			properties, _ := s["properties"].(map[string]any)
			var required []string
			for n := range typ.NumField() {
				name, options, _ := strings.Cut(typ.Field(n).Tag.Get("json"), ",")
				if !strings.Contains(options, "omitempty") {
					required = append(required, name)
				}
				property, ok := properties[name].(map[string]any)
				if !ok {
					t.Errorf("%s.%s: not in the schema", at, name)
					continue
				}
				delete(properties, name)
				walk(at+"."+name, typ.Field(n).Type, property)
			}
			for name := range properties {
				t.Errorf("%s.%s: in the schema, and no field", at, name)
			}
			var declared []string
			list, _ := s["required"].([]any)
			for _, name := range list {
				declared = append(declared, name.(string))
			}
			slices.Sort(required)
			slices.Sort(declared)
			if !slices.Equal(required, declared) {
				t.Errorf("%s: the schema requires %v, always written are %v", at, declared, required)
			}
			s["properties"] = map[string]any{}
			for n := range typ.NumField() { // the definition may be shared
				name, _, _ := strings.Cut(typ.Field(n).Tag.Get("json"), ",")
				s["properties"].(map[string]any)[name] = map[string]any{"items": map[string]any{}}
			}
		}
	}
	walk("matrix", reflect.TypeFor[results.Matrix](), root)

	for _, v := range results.Verdicts() {
		m := matrix()
		m.Cells[0].Verdict = v
		if err := Validate([]byte(render(t, WriteJSON, m))); err != nil {
			t.Errorf("the schema refuses the verdict %s: %v", v, err)
		}
	}
}

func TestValidateErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(*results.Matrix)
		want string
	}{
		{"verdict", func(m *results.Matrix) { m.Cells[0].Verdict = "fine" }, "/cells/8/verdict: value must be one of 'harness-error'"},
		{"blame", func(m *results.Matrix) { m.Cells[0].Blame = "server" }, "/cells/8/blame: value must be one of"},
		{"auth", func(m *results.Matrix) { m.Cells[0].Outcome.There.Auth = "magic" }, "/cells/8/outcome/there/auth: value must be one of"},
		{"unsafe id", func(m *results.Matrix) { m.Cells[0].ID = "s2s/x$(reboot)" }, "/cells/8/id: 's2s/x$(reboot)' does not match pattern"},
		{"absolute artefact", func(m *results.Matrix) { m.Cells[0].Artefacts = []string{"/etc/passwd"} }, "/cells/8/artefacts/0: "},
		{"escaping artefact", func(m *results.Matrix) { m.Cells[0].Artefacts = []string{"cells/../../x"} }, "/cells/8/artefacts/0: "},
		{"artefact that is a URL", func(m *results.Matrix) { m.Cells[0].Artefacts = []string{"javascript:alert(1)"} }, "/cells/8/artefacts/0: "},
		{"bug link", func(m *results.Matrix) {
			m.Cells[0].Known = &results.Known{Reason: "r", Link: "javascript:alert(1)", Since: "2026-01-01"}
		}, "/cells/8/known"},
		{"no run", func(m *results.Matrix) { m.Run.ID = "" }, "/run/id: minLength: got 0, want 1"},
		{"level", func(m *results.Matrix) { m.Scenarios[0].Cites[0].Level = "OUGHT" }, "/scenarios/0/cites/0/level: value must be one of"},
		{"much", func(m *results.Matrix) {
			for n := range m.Cells {
				m.Cells[n].Verdict = "fine"
			}
		}, "; and 6 more"},
	} {
		m := matrix()
		c.make(m)
		err := Validate([]byte(render(t, WriteJSON, m)))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %v, want %s", c.name, err, c.want)
		}
	}
	for text, want := range map[string]string{
		"":                               "not JSON: ",
		"{} {}":                          "not JSON: ",
		"[]":                             "/: got array, want object",
		`{"schema":1}`:                   "missing properties 'run', 'subjects', 'scenarios', 'cells', 'timing'",
		strings.Repeat("[", 1_000_000):   "not JSON: ",
		"{\"a\u001b\nb\": \"unescaped\"": "not JSON: ",
	} {
		if err := Validate([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got error %v, want %s", text, err, want)
		}
	}
	// A later version may add fields.
	text := strings.Replace(render(t, WriteJSON, matrix()), `"run": {`, `"later": {}, "run": {"weather": "fine",`, 1)
	if err := Validate([]byte(text)); err != nil {
		t.Errorf("a new field is refused: %v", err)
	}
}

func TestMarkdown(t *testing.T) {
	got := render(t, WriteMarkdown, matrix())
	for _, want := range []string{
		"# Test day 2026-03-01T10-00-00Z\n\n9 cells of 2 scenarios: ‼1 ✗1(1 known) H1 ∅1 ?1 ≈1 ✓1 –1 ·1\n",
		"Started 2026-03-01T10:00:00Z, finished 2026-03-01T10:00:42Z. Profile manifesto-2014, seed 7, 2 cores, 6 containers, 42.0 s.",
		"| `prosody@13` | 13.0.7 (13.0.7-1) | `testday/prosody:1@sha256:aa` |\n",
		"| initiator \\ receiver | `prosody@13` | `jabberd2@2.7.0` |\n|---|---|---|\n" +
			"| `prosody@13` | H1 ✓1 | ‼1 ✗1(1 known) |\n" +
			"| `jabberd2@2.7.0` | ≈1 –1 | ∅1 ?1 ·1 |\n",
		"## Red cells\n\n- **exposed, receiver** `s2s/pkix/unknown-ca:prosody@13:jabberd2@2.7.0`: an invalid certificate was accepted\n" +
			"  - policy `P1/good P1/self`; expected: TLS with EXTERNAL both ways\n" +
			"  - rule: RFC 6120 section 13.7.2 (MUST), manifesto (POLICY)\n" +
			"  - reproduce: `make interop CELL='s2s/pkix/unknown-ca:prosody@13:jabberd2@2.7.0'`\n\n",
		"## Red cells, known\n\n- **fail, initiator** `s2s/starttls/required-both:prosody@13:jabberd2@2.7.0`: the sender was told nothing\n",
		"  - rule: RFC 6120 section 13.4 (MUST)\n  - known since 2026-02-01: tracked (<https://example.org/issues/1>)\n",
		"## Cells in which the harness failed\n\n- **harness-error** `s2s/pkix/unknown-ca:prosody@13:prosody@13`: no tap\n",
		"| ✗ | fail | contradicts a MUST or the profile |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q in\n%s", want, got)
		}
	}
	legend := got[strings.Index(got, "## Legend"):]
	for _, v := range results.Verdicts() {
		if !strings.Contains(legend, "| "+string(v)+" |") {
			t.Errorf("the legend lacks %s", v)
		}
	}
	m := matrix()
	m.Run.Finished = time.Time{}
	m.Subjects = m.Subjects[:1]
	got = render(t, WriteMarkdown, m)
	if !strings.Contains(got, "finished cut short") || !strings.Contains(got, "| initiator \\ receiver | `prosody@13` | `jabberd2@2.7.0` |") {
		t.Errorf("a run cut short with an undeclared subject reads\n%s", got)
	}
}

func TestJUnit(t *testing.T) {
	text := render(t, WriteJUnit, matrix())
	var doc junitSuites
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Tests != 9 || doc.Failures != 1 || doc.Errors != 1 || doc.Skipped != 3 || doc.Time != "2.250" {
		t.Errorf("counts %+v", doc.junitCounts)
	}
	got := map[string]string{}
	for _, s := range doc.Suites {
		if s.Tests != len(s.Cases) || s.Timestamp != "2026-03-01T10:00:00" {
			t.Errorf("suite %+v", s.junitCounts)
		}
		for _, c := range s.Cases {
			state := "passed"
			switch {
			case c.Failure != nil:
				state = "failure " + c.Failure.Type + ": " + c.Failure.Message
			case c.Error != nil:
				state = "error: " + c.Error.Message
			case c.Skipped != nil:
				state = "skipped: " + c.Skipped.Message
			}
			got[c.Class+" "+c.Name] = state
		}
	}
	for name, want := range map[string]string{
		"s2s-starttls s2s/starttls/required-both:prosody@13:prosody@13":         "passed",
		"s2s-starttls s2s/starttls/required-both:prosody@13:jabberd2@2.7.0":     "passed", // known
		"s2s-starttls s2s/starttls/required-both:jabberd2@2.7.0:prosody@13":     "passed",
		"s2s-starttls s2s/starttls/required-both:jabberd2@2.7.0:jabberd2@2.7.0": "passed",
		"s2s-pkix s2s/pkix/unknown-ca:prosody@13:prosody@13":                    "error: no tap",
		"s2s-pkix s2s/pkix/unknown-ca:prosody@13:jabberd2@2.7.0":                "failure exposed: an invalid certificate was accepted",
		"s2s-pkix s2s/pkix/unknown-ca:jabberd2@2.7.0:prosody@13":                "skipped: not-supported: cannot be configured",
		"s2s-pkix s2s/pkix/unknown-ca:jabberd2@2.7.0:jabberd2@2.7.0":            "skipped: inconclusive: no control",
		"s2s/other/unlisted s2s/other/unlisted:jabberd2@2.7.0:jabberd2@2.7.0":   "skipped: skipped: not asked for",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	for _, want := range []string{
		"fail: the sender was told nothing\nblame: initiator\nknown since 2026-02-01: tracked (https://example.org/issues/1)\npolicy: P1/good P1/self\n",
		"rule: RFC 6120 section 13.7.2 (MUST), manifesto (POLICY)\nreproduce: make interop CELL=",
	} {
		if !strings.Contains(strings.ReplaceAll(text, "&#xA;", "\n"), want) {
			t.Errorf("lacks %q in\n%s", want, text)
		}
	}
}

// poison puts a string into every string of a matrix.
func poison(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem(), s)
		}
	case reflect.Slice:
		for n := range v.Len() {
			poison(v.Index(n), s)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for n := range v.NumField() {
			poison(v.Field(n), s)
		}
	case reflect.String:
		if v.Type() != reflect.TypeFor[results.Verdict]() {
			v.SetString(s)
		}
	}
}

func TestHostile(t *testing.T) {
	for _, s := range []string{hostile, strings.Repeat("`", 50), "\n\n```\n", "|", "\\", "<https://x> ", "http://x\n", "https://x|y>"} {
		m := matrix()
		poison(reflect.ValueOf(m), s)

		text := render(t, WriteJSON, m)
		if !json.Valid([]byte(text)) || strings.ContainsAny(text, "<>\x1b\x00") {
			t.Errorf("%.20q: matrix.json is not JSON, or holds markup or control characters", s)
		}

		text = render(t, WriteJUnit, m)
		var doc junitSuites
		if err := xml.Unmarshal([]byte(text), &doc); err != nil || doc.Tests != len(m.Cells) {
			t.Errorf("%.20q: junit.xml does not read back: %v, %d cases", s, err, doc.Tests)
		}
		plain(t, "junit.xml", text)

		text = render(t, WriteMarkdown, m)
		plain(t, "matrix.md", text)
		structure(t, text)
	}
}

// plain fails on what could steer a terminal or reverse a line.
func plain(t *testing.T, name, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
			t.Errorf("%s holds %U", name, r)
			return
		}
	}
}

var (
	escape = regexp.MustCompile(`\\.`)
	tags   = regexp.MustCompile(`<[^>]*>`)
	heads  = regexp.MustCompile(`^# Test day |^## (Matrix|Red cells|Red cells, known|Cells in which the harness failed|Legend)$`)
)

// markup is a line less its escapes and code spans.
func markup(l string) string {
	var out strings.Builder
	for n := 0; n < len(l); n++ {
		switch l[n] {
		case '\\':
			n++
		case '`':
			end := strings.IndexByte(l[n+1:], '`')
			if end < 0 {
				return out.String() + l[n:]
			}
			n += end + 1
		default:
			out.WriteByte(l[n])
		}
	}
	return out.String()
}

// structure fails where Markdown has other lines, table cells, links or markup
// than the writer makes.
func structure(t *testing.T, text string) {
	t.Helper()
	width := 0
	for n, l := range strings.Split(text, "\n") {
		bare := markup(l)
		if strings.HasPrefix(l, "#") && !heads.MatchString(l) {
			t.Errorf("line %d is a heading: %s", n+1, l)
		}
		if strings.HasPrefix(l, "|") {
			bars := strings.Count(escape.ReplaceAllString(l, ""), "|")
			if width != 0 && bars != width {
				t.Errorf("line %d has %d bars where its table has %d: %s", n+1, bars, width, l)
			}
			width = bars
		} else {
			width = 0
		}
		if tags.MatchString(bare) && !strings.Contains(bare, "(<http") {
			t.Errorf("line %d holds a tag: %s", n+1, l)
		}
		if strings.ContainsAny(strings.TrimPrefix(strings.TrimSpace(bare), "- **"), "[]`~$") || strings.Contains(bare, "www.") {
			t.Errorf("line %d holds markup: %s", n+1, l)
		}
		if strings.Contains(strings.ReplaceAll(bare, "(<http", ""), "://") && !strings.Contains(bare, "(<http") {
			t.Errorf("line %d holds a bare link: %s", n+1, l)
		}
	}
}

func TestLongTextIsCut(t *testing.T) {
	m := matrix()
	m.Cells[1].Why = strings.Repeat("é", 3*maxText)
	for name, write := range map[string]func(io.Writer, *results.Matrix) error{"JUnit": WriteJUnit, "Markdown": WriteMarkdown} {
		if longest := regexp.MustCompile("é+").FindString(render(t, write, m)); len([]rune(longest)) != maxText-1 {
			t.Errorf("%s: %d runes of a text that is bounded to %d", name, len([]rune(longest)), maxText)
		}
	}
}

func TestMarks(t *testing.T) {
	for _, v := range results.Verdicts() {
		if m := marks[v]; m.mark == "" || m.meaning == "" {
			t.Errorf("%s has no mark", v)
		}
	}
}

func TestAllAndRead(t *testing.T) {
	dir := t.TempDir()
	m := matrix()
	extra := File{Name: "index.html", Write: func(w io.Writer, m *results.Matrix) error {
		_, err := fmt.Fprintf(w, "<p>%d cells", len(m.Cells))
		return err
	}}
	for range 2 { // the second time over the first
		if err := All(dir, m, extra); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"matrix.json": render(t, WriteJSON, m), "matrix.md": render(t, WriteMarkdown, m), "junit.xml": render(t, WriteJUnit, m),
		"index.html": "<p>9 cells",
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s: %v, %d bytes, want %d", name, err, len(got), len(want))
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v, mode %v", name, err, info.Mode())
		}
	}
	back, err := Read(filepath.Join(dir, "matrix.json"))
	if err != nil {
		t.Fatal(err)
	}
	if want := stable(m); !reflect.DeepEqual(back, want) {
		t.Errorf("read back\n%+v\nwant\n%+v", back, want)
	}
	leftovers(t, dir, 4)
}

func leftovers(t *testing.T, dir string, want int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != want {
		t.Errorf("the folder holds %v, want %d files", entries, want)
	}
}

func TestAllErrors(t *testing.T) {
	dir := t.TempDir()
	full := errors.New("no space left on device")
	half := File{Name: "index.html", Write: func(w io.Writer, _ *results.Matrix) error {
		_, _ = io.WriteString(w, "half a page")
		return full
	}}
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("of last time"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := All(dir, matrix(), half)
	if !errors.Is(err, full) || !strings.Contains(err.Error(), "index.html") {
		t.Errorf("got error %v, want one that names the file and wraps the cause", err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "index.html")); string(got) != "of last time" {
		t.Errorf("half a file replaced a whole one: %q", got)
	}
	leftovers(t, dir, 4)

	m := matrix()
	m.Cells[0].Verdict = "fine"
	if err := All(dir, m); err == nil || !strings.Contains(err.Error(), "matrix.json: it breaks the schema: /cells/8/verdict") {
		t.Errorf("got error %v, want one that names the cell", err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "matrix.json")); !strings.Contains(string(got), `"verdict": "fine"`) {
		t.Error("a matrix that breaks the schema was not written")
	}
	if _, err := Read(filepath.Join(dir, "matrix.json")); err == nil || !strings.Contains(err.Error(), "is not a matrix: /cells/8/verdict") {
		t.Errorf("got error %v, want one that names the file and the cell", err)
	}
	missing := filepath.Join(dir, "none", "matrix.json")
	if _, err := Read(missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("got error %v, want one that names %s", err, missing)
	}
	if err := All(filepath.Join(dir, "none"), m); err == nil || strings.Count(err.Error(), "publish ") != 3 {
		t.Errorf("got error %v, want one for each file", err)
	}
}

// FuzzRead feeds foreign files to the reader: what it accepts, it writes and
// accepts again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(render(f, WriteJSON, matrix())))
	f.Add([]byte(`{"schema":1,"run":{},"subjects":[],"scenarios":[],"cells":[],"timing":{}}`))
	f.Add([]byte(`{"schema":1e0,"cells":[null]}`))
	path := filepath.Join(f.TempDir(), "matrix.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Read(path)
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Fatalf("error does not name the file: %v", err)
			}
			return
		}
		if err := Validate([]byte(render(t, WriteJSON, m))); err != nil {
			t.Fatalf("accepted once and not again: %v", err)
		}
		plain(t, "matrix.md", render(t, WriteMarkdown, m))
		if err := xml.Unmarshal([]byte(render(t, WriteJUnit, m)), new(junitSuites)); err != nil {
			t.Fatal(err)
		}
	})
}

func large(cells int) *results.Matrix {
	m := matrix()
	small := m.Cells
	m.Cells = nil
	for n := range cells {
		c := small[n%len(small)]
		c.ID = fmt.Sprintf("%s+%d", c.ID, n)
		m.Cells = append(m.Cells, c)
	}
	return m
}

func BenchmarkAll(b *testing.B) {
	m, dir := large(3000), b.TempDir()
	b.ReportAllocs()
	for b.Loop() {
		if err := All(dir, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	m, dir := large(3000), b.TempDir()
	if err := All(dir, m); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(filepath.Join(dir, "matrix.json")); err != nil {
			b.Fatal(err)
		}
	}
}
