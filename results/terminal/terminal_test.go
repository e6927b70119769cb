package terminal

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/xmpp-testday/testday/results"
)

// hostile is what a server might say of itself, to steer a terminal.
const hostile = "\x1b[2J\x1b]0;owned\x07\x9b1A\r\nfake line \u202eevil\u2028\x00\xff\t<b>"

// fake is a clock that stands until it is moved.
type fake struct {
	mu sync.Mutex
	at time.Time
}

func (f *fake) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *fake) add(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
}

func newFake(opts ...Option) (*Terminal, *bytes.Buffer, *fake) {
	var b bytes.Buffer
	f := &fake{at: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}
	t := New(&b, append(opts, func(t *Terminal) { t.now = f.now })...)
	return t, &b, f
}

func cell(id string, v results.Verdict, why string) results.Cell {
	parts := strings.Split(id, ":")
	return results.Cell{ID: id, Scenario: parts[0], Subjects: parts[1:], Verdict: v, Why: why, Reproduce: "make interop CELL='" + id + "'"}
}

// day is a test day of so many subjects, with a cell of every verdict in the
// first square.
func day(subjects int) *results.Matrix {
	all := []string{"prosody@13", "ejabberd@26.07", "jabberd2@2.7.0", "prosody@0.12", "ejabberd@24.12", "ejabberd@23.01", "mine"}[:subjects]
	m := &results.Matrix{
		Run:       results.Run{ID: "2026-03-01T10-00-00Z", Profile: "manifesto-2014", Cores: 2, Started: time.Unix(1, 0), Finished: time.Unix(90, 0)},
		Scenarios: make([]results.ScenarioInfo, 58),
		Timing:    results.Timing{Images: 0.4, Boot: 6.25, Observe: 12.1, Wall: 83.2, CPU: 24.3, Containers: 12},
	}
	for _, s := range all {
		m.Subjects = append(m.Subjects, results.Subject{Name: s})
	}
	for n, i := range all {
		for k, r := range all {
			for s := range 49 {
				m.Cells = append(m.Cells, cell(fmt.Sprintf("s2s/policy/flow-%d:%s:%s", s, i, r), results.Pass, "delivered"))
			}
			switch {
			case n == 0 && k == 0:
				for _, v := range results.Verdicts() {
					m.Cells = append(m.Cells, cell(fmt.Sprintf("s2s/verdict/%s:%s:%s", v, i, r), v, "so it is"))
				}
			case (n+k)%3 == 0:
				m.Cells = append(m.Cells, cell(fmt.Sprintf("s2s/pkix/unknown-ca:%s:%s", i, r), results.Fail, "no answer"))
			}
		}
	}
	return m
}

func TestPlainProgress(t *testing.T) {
	term, out, clock := newFake()
	term.Step("building image prosody@13")
	clock.add(4 * time.Second)
	for n := range 100 {
		clock.add(100 * time.Millisecond)
		c := cell(fmt.Sprintf("s2s/a/%d:x:y", n), results.Pass, "delivered")
		if n == 42 {
			c = cell("s2s/pkix/expired:x:y", results.Exposed, "an expired certificate was accepted")
			c.Blame = results.BlameReceiver
		}
		term.Cell(c, n+1, 100, 7)
	}
	want := []string{
		"   0:00  building image prosody@13",
		"10/100 cells, 10 %  7 in flight  0 red  0:05",
		"20/100 cells, 20 %  7 in flight  0 red  0:06",
		"30/100 cells, 30 %  7 in flight  0 red  0:07  ~7 s left",
		"40/100 cells, 40 %  7 in flight  0 red  0:08  ~6 s left",
		"‼ exposed  s2s/pkix/expired:x:y",
		"    blames receiver: an expired certificate was accepted",
		"50/100 cells, 50 %  7 in flight  1 red  0:09  ~5 s left",
		"60/100 cells, 60 %  7 in flight  1 red  0:10  ~4 s left",
		"70/100 cells, 70 %  7 in flight  1 red  0:11  ~3 s left",
		"80/100 cells, 80 %  7 in flight  1 red  0:12  ~2 s left",
		"90/100 cells, 90 %  7 in flight  1 red  0:13  ~1 s left",
		"100/100 cells, 100 %  7 in flight  1 red  0:14",
	}
	if got := strings.TrimSpace(out.String()); got != strings.TrimSpace(strings.Join(want, "\n")) {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestPlainIsNotQuietForLong(t *testing.T) {
	term, out, clock := newFake()
	for n := range 5 {
		term.Cell(cell("s2s/a/b:x:y", results.Pass, ""), n+1, 1000, 1)
		clock.add(quietFor)
	}
	if got := strings.Count(out.String(), "\n"); got != 4 {
		t.Errorf("%d lines in four long waits:\n%s", got, out)
	}
}

func TestKnownAndBrokenCells(t *testing.T) {
	term, out, _ := newFake()
	known := cell("s2s/a/b:x:y", results.Fail, "as ever")
	known.Known = &results.Known{Reason: "tracked", Link: "unreported"}
	term.Cell(known, 1, 3, 1)
	term.Cell(cell("s2s/a/c:x:y", results.HarnessError, "no tap"), 2, 3, 1)
	term.Cell(cell("s2s/a/d:x:y", results.Weaker, "quiet"), 3, 3, 0)
	for _, want := range []string{"✗ fail (known)  s2s/a/b:x:y\n    as ever\n", "H harness-error  s2s/a/c:x:y\n    no tap\n", "1 red (1 known)  1 harness error"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out.String(), "quiet") {
		t.Errorf("a cell that is not red was told:\n%s", out)
	}
}

func TestHostileText(t *testing.T) {
	for _, live := range []bool{false, true} {
		term, out, _ := newFake(Live(live))
		c := cell(hostile, results.Exposed, hostile)
		c.Blame, c.Subjects, c.Reproduce = results.Blame(hostile), []string{hostile, hostile}, hostile
		term.Step(hostile)
		term.Cell(c, 1, 1, 0)
		m := &results.Matrix{Run: results.Run{Profile: hostile}, Cells: []results.Cell{c}}
		term.Finish(m, []string{hostile}, hostile)
		for n, r := range out.String() {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) || r == utf8.RuneError && !strings.HasPrefix(out.String()[n:], "\ufffd") {
				t.Errorf("live %v: %q at %d of %q", live, r, n, out)
			}
		}
		if strings.Contains(out.String(), "\nfake line") {
			t.Errorf("live %v: a text begins its own line: %q", live, out)
		}
	}
}

func TestLiveLine(t *testing.T) {
	term, out, clock := newFake(Live(true), Color(true), Width(40))
	for n := range 50 {
		clock.add(200 * time.Millisecond)
		term.Cell(cell("s2s/a/b:x:y", results.Pass, ""), n+1, 60, 9)
	}
	lines := strings.Split(out.String(), "\r\x1b[J")
	last := lines[len(lines)-1]
	if want := "\x1b[1m50/60 cells, 83 %  9 in flight  0 red …\x1b[0m\r"; last != want {
		t.Errorf("the live line is %q, want %q", last, want)
	}
	out.Reset()
	term.Cell(cell("s2s/a/c:x:y", results.Fail, "no answer"), 51, 60, 9)
	if got := out.String(); !strings.HasPrefix(got, "\r\x1b[J\x1b[31m✗ fail\x1b[0m  s2s/a/c:x:y\n") || !strings.HasSuffix(got, "\x1b[0m\r") {
		t.Errorf("a red cell is %q", got)
	}
	out.Reset()
	term.Finish(&results.Matrix{}, nil, "")
	if got := out.String(); !strings.HasPrefix(got, "\r\x1b[J") || strings.Contains(got, "in flight") {
		t.Errorf("after the end: %q", got)
	}
	if term.stop != nil {
		t.Error("the live line still ticks")
	}
}

func TestLeft(t *testing.T) {
	term, _, clock := newFake()
	term.Cell(cell("s2s/a/b:x:y", results.Pass, ""), 1, 1000, 1)
	for n, step := range []struct {
		after time.Duration
		done  int
		want  string
	}{
		{time.Second, 100, ""},            // too soon
		{time.Second, 101, "~18 s"},       // 100 in 2 s
		{8 * time.Second, 101, "~90 s"},   // nothing ended: it grows
		{40 * time.Second, 201, "~3 min"}, // 200 in 50 s
		{time.Second, 1000, ""},           // nothing is left
	} {
		clock.add(step.after)
		term.Cell(cell("s2s/a/b:x:y", results.Pass, ""), step.done, 1000, 1)
		got := ""
		if d, ok := term.left(); ok {
			got = about(d)
		}
		if got != step.want {
			t.Errorf("step %d: %q left, want %q", n, got, step.want)
		}
	}
}

func TestConcurrent(t *testing.T) {
	var b bytes.Buffer
	term := New(&b, Live(true))
	var wg sync.WaitGroup
	for n := range 64 {
		wg.Go(func() {
			term.Step(fmt.Sprint("step ", n))
			term.Cell(cell(fmt.Sprintf("s2s/a/%d:x:y", n), results.Fail, "no"), n+1, 64, 64-n)
		})
	}
	wg.Wait()
	term.Finish(day(3), nil, "")
	if got := strings.Count(b.String(), "✗ fail  s2s/a/"); got != 64 {
		t.Errorf("%d red cells told, want 64", got)
	}
	if term.red != 64 || term.done != 64 {
		t.Errorf("%d red of %d done", term.red, term.done)
	}
}

func TestFinish(t *testing.T) {
	term, out, _ := newFake()
	m := day(3)
	for n := range m.Cells {
		if m.Cells[n].ID == "s2s/pkix/unknown-ca:jabberd2@2.7.0:ejabberd@26.07" {
			m.Cells[n].Known = &results.Known{Reason: "tracked"}
		}
	}
	term.Finish(m, []string{"new: fail: x", "gate: 1 new"}, "results/runs/latest/index.html")
	for _, want := range []string{
		"\nfrom \\ to       prosody@13             ejabberd@26.07  jabberd2@2.7.0\n",
		"\nprosody@13      ‼1 ✗1 H1 ∅1 ?1 ≈1 ✓50  ✓49",
		"\njabberd2@2.7.0  ✓49                    ✗1(1) ✓49       ✓49\n",
		"    1 ‼ exposed        a security failure\n",
		"    3 ✗ fail           breaks a MUST or the profile; 1 known\n",
		"Counted apart, not in the table:\n    1 – not-supported",
		"Images 0.4 s, boot 6.2 s, observe 12.1 s, wall 83 s;\nCPU 24.3 s on 2 cores; 12 containers\n",
		"\nnew: fail: x\ngate: 1 new\n",
		"Reproduce:\n  ‼ make interop CELL='s2s/verdict/exposed:prosody@13:prosody@13'\n  ✗ make",
		"Page: results/runs/latest/index.html\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestFits holds the summary against the width of the narrowest terminal that is
// common, with up to seven subjects.
func TestFits(t *testing.T) {
	for subjects := 1; subjects <= 7; subjects++ {
		term, out, _ := newFake(Width(80))
		term.Finish(day(subjects), nil, "")
		for _, line := range strings.Split(out.String(), "\n") {
			if n := utf8.RuneCountInString(line); n > 80 {
				t.Errorf("%d subjects: a line of %d columns: %s", subjects, n, line)
			}
		}
		// Nothing is lost in any of the layouts.
		sum := 0
		head, _, _ := strings.Cut(out.String(), "\n\n")
		for _, n := range regexp.MustCompile(`✓(\d+)`).FindAllStringSubmatch(head, -1) {
			var cells int
			fmt.Sscan(n[1], &cells)
			sum += cells
		}
		if want := 49*subjects*subjects + 1; sum != want {
			t.Errorf("%d subjects: %d passes in the table, want %d:\n%s", subjects, sum, want, out)
		}
	}
}

func TestCommandsAreFew(t *testing.T) {
	term, out, _ := newFake()
	term.Finish(day(7), nil, "")
	if got := strings.Count(out.String(), "make interop CELL="); got != maxCommands {
		t.Errorf("%d commands, want %d:\n%s", got, maxCommands, out)
	}
	if !strings.Contains(out.String(), "and 13 more, on the page") {
		t.Errorf("what was left out is not told:\n%s", out)
	}
}

func TestColor(t *testing.T) {
	term, out, _ := newFake(Color(true))
	term.Finish(day(2), nil, "")
	if !strings.Contains(out.String(), "\x1b[1;97;41m‼1\x1b[0m") || !strings.Contains(out.String(), "\x1b[32m✓49\x1b[0m") {
		t.Errorf("no colour in %q", out)
	}
	bare := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(out.String(), "")
	term, out, _ = newFake()
	term.Finish(day(2), nil, "")
	if out.String() != bare {
		t.Errorf("colour changes the text:\n%s\nwithout:\n%s", bare, out)
	}
}

func TestNoTerminal(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if term := New(f); term.live || term.color || term.width() != fallbackWidth {
		t.Errorf("a file is taken for a terminal: live %v, colour %v, %d columns", term.live, term.color, term.width())
	}
}

func TestLongTextIsCut(t *testing.T) {
	term, out, _ := newFake()
	term.Step(strings.Repeat("é", 3*maxText))
	if got := utf8.RuneCountInString(out.String()); got > maxText+20 {
		t.Errorf("%d runes written of a text that is bounded to %d", got, maxText)
	}
}

func TestMarks(t *testing.T) {
	for _, v := range results.Verdicts() {
		if m := marks[v]; m.sign == "" || m.meaning == "" {
			t.Errorf("%s has no mark", v)
		}
	}
}
