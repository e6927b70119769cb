package known

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/results"
)

func cell(id string, verdict results.Verdict, why string) results.Cell {
	return results.Cell{ID: id, Verdict: verdict, Why: why}
}

func entry(line int, pattern string, verdict results.Verdict, why string) Entry {
	return Entry{Cell: pattern, Verdict: verdict, Why: why, Reason: "reason " + why, Link: "unreported", Since: "2026-03-01", Line: line}
}

// summary is a report in short: "new a; changed b line 3; stale line 4 c d;
// harness e; known 2".
func summary(r Report) string {
	var parts []string
	for _, f := range r.New {
		parts = append(parts, "new "+f.Cell.ID)
	}
	for _, f := range r.Changed {
		parts = append(parts, fmt.Sprintf("changed %s line %d", f.Cell.ID, f.Entry.Line))
	}
	for _, s := range r.Unexpected {
		text := fmt.Sprintf("stale line %d", s.Entry.Line)
		for _, c := range s.Cells {
			text += " " + c.ID
		}
		parts = append(parts, text)
	}
	for _, c := range r.HarnessErrors {
		parts = append(parts, "harness "+c.ID)
	}
	return strings.Join(append(parts, fmt.Sprintf("known %d/%d", r.Known, r.KnownRed)), "; ")
}

func TestGate(t *testing.T) {
	for _, c := range []struct {
		name    string
		entries []Entry
		cells   []results.Cell
		part    bool
		want    string
		exit    int
	}{
		{name: "nothing", want: "known 0/0"},
		{
			name: "all well",
			cells: []results.Cell{
				cell("a:x:y", results.Pass, ""), cell("b:x:y", results.Weaker, ""), cell("c:x:y", results.NoInterop, ""),
				cell("d:x:y", results.NotSupported, ""), cell("e:x:y", results.Skipped, ""), cell("f:x:y", results.Inconclusive, ""),
			},
			want: "known 0/0",
		},
		{
			name:  "new red",
			cells: []results.Cell{cell("a:x:y", results.Fail, "closed"), cell("b:x:y", results.Exposed, "clear")},
			want:  "new a:x:y; new b:x:y; known 0/0", exit: 1,
		},
		{
			name:    "known for the same reason",
			entries: []Entry{entry(1, "a:*:*", results.Fail, "closed")},
			cells:   []results.Cell{cell("a:x:y", results.Fail, "it closed early"), cell("a:y:x", results.Fail, "closed")},
			want:    "known 2/2",
		},
		{
			name:    "another why",
			entries: []Entry{entry(1, "a:x:y", results.Fail, "closed")},
			cells:   []results.Cell{cell("a:x:y", results.Fail, "reset")},
			want:    "changed a:x:y line 1; known 0/0", exit: 1,
		},
		{
			name:    "another verdict",
			entries: []Entry{entry(1, "a:x:y", results.Fail, "closed")},
			cells:   []results.Cell{cell("a:x:y", results.Exposed, "closed")},
			want:    "changed a:x:y line 1; known 0/0", exit: 1,
		},
		{
			name:    "one cell of a pattern changed, one did not",
			entries: []Entry{entry(1, "a:**", results.Fail, "closed")},
			cells:   []results.Cell{cell("a:x:y", results.Fail, "closed"), cell("a:y:x", results.Exposed, "clear")},
			want:    "changed a:y:x line 1; known 1/1", exit: 1,
		},
		{
			name:    "fails in one of two known ways",
			entries: []Entry{entry(1, "a:x:y", results.Fail, "closed"), entry(2, "a:x:*", results.Fail, "reset")},
			cells:   []results.Cell{cell("a:x:y", results.Fail, "reset")},
			want:    "stale line 1 a:x:y; known 1/1", exit: 1,
		},
		{
			name:    "unexpected pass",
			entries: []Entry{entry(1, "a:x:y", results.Fail, "closed")},
			cells:   []results.Cell{cell("a:x:y", results.Pass, "")},
			want:    "stale line 1 a:x:y; known 0/0", exit: 1,
		},
		{
			name:    "unexpected pass of one cell, in part of a plan",
			entries: []Entry{entry(1, "a:x:y", results.Fail, "closed")},
			cells:   []results.Cell{cell("a:x:y", results.Weaker, "")}, part: true,
			want: "stale line 1 a:x:y; known 0/0", exit: 1,
		},
		{
			name:    "all cells of a pattern pass",
			entries: []Entry{entry(1, "a:*:*", results.Fail, "closed")},
			cells:   []results.Cell{cell("a:x:y", results.Pass, ""), cell("a:y:x", results.NoInterop, "")},
			want:    "stale line 1 a:x:y a:y:x; known 0/0", exit: 1,
		},
		{
			name:    "all cells of a pattern pass, in part of a plan",
			entries: []Entry{entry(1, "a:*:*", results.Fail, "closed")},
			cells:   []results.Cell{cell("a:x:y", results.Pass, "")}, part: true,
			want: "known 0/0",
		},
		{
			name:    "some cells of a pattern pass",
			entries: []Entry{entry(1, "a:*:*", results.Fail, "closed")},
			cells:   []results.Cell{cell("a:x:y", results.Pass, ""), cell("a:y:x", results.Fail, "closed")},
			want:    "known 1/1",
		},
		{
			name:    "did not run",
			entries: []Entry{entry(1, "a:x:y", results.Fail, "closed"), entry(2, "b:**", results.Fail, "closed")},
			cells: []results.Cell{
				cell("c:x:y", results.Pass, ""), cell("a:x:y", results.Skipped, ""),
				cell("b:x:y", results.NotSupported, ""), cell("b:y:x", results.Inconclusive, ""),
			},
			want: "known 0/0",
		},
		{
			name:    "known and not red",
			entries: []Entry{entry(1, "a:x:y", results.NoInterop, "timed out")},
			cells:   []results.Cell{cell("a:x:y", results.NoInterop, "timed out twice")},
			want:    "known 1/0",
		},
		{
			name:    "harness error, and a red cell",
			entries: []Entry{entry(1, "a:x:y", results.Fail, "closed")},
			cells:   []results.Cell{cell("a:x:y", results.HarnessError, "no tap"), cell("b:x:y", results.Fail, "closed")},
			want:    "new b:x:y; harness a:x:y; known 0/0", exit: 2,
		},
	} {
		f := &File{Name: "known.yaml", Entries: c.entries}
		r := f.Gate(c.cells, Options{Complete: !c.part})
		if got := summary(r); got != c.want || r.ExitCode() != c.exit {
			t.Errorf("%s: got %s, exit %d; want %s, exit %d", c.name, got, r.ExitCode(), c.want, c.exit)
		}
	}
}

// TestGateFlaky: an entry for what fails now and then is never out of date, and
// another failure of its cells is a new one.
func TestGateFlaky(t *testing.T) {
	e := entry(3, "**", results.Fail, "broke")
	e.Flaky = true
	f := &File{Entries: []Entry{e}}
	for _, tt := range []struct {
		cell results.Cell
		want string
		exit int
	}{
		{cell("a:x:y", results.Pass, ""), "known 0/0", 0},
		{cell("a:x:y", results.Fail, "it broke"), "known 1/1", 0},
		{cell("a:x:y", results.Exposed, "it leaked"), "new a:x:y; known 0/0", 1},
	} {
		r := f.Gate([]results.Cell{tt.cell}, Options{Complete: true})
		if got := summary(r); got != tt.want || r.ExitCode() != tt.exit {
			t.Errorf("%s: %q, exit %d; want %q, exit %d", tt.cell.Why, got, r.ExitCode(), tt.want, tt.exit)
		}
		if got, want := f.Flaky(&tt.cell), tt.cell.Why == "it broke"; got != want {
			t.Errorf("%s: flaky %t", tt.cell.Why, got)
		}
	}
}

func TestGateMarks(t *testing.T) {
	cells := []results.Cell{
		cell("a:x:y", results.Fail, "closed"),
		cell("b:x:y", results.Fail, "closed"),
		cell("c:x:y", results.Pass, ""),
	}
	cells[1].Known = &results.Known{Reason: "of an earlier gate"}
	f := &File{Entries: []Entry{entry(1, "a:**", results.Fail, "clos"), entry(2, "a:x:y", results.Fail, "closed")}}
	f.Gate(cells, Options{})
	if want := (results.Known{Reason: "reason clos", Link: "unreported", Since: "2026-03-01"}); cells[0].Known == nil || *cells[0].Known != want {
		t.Errorf("got %+v, want the first entry's, %+v", cells[0].Known, want)
	}
	if cells[1].Known != nil || cells[2].Known != nil {
		t.Errorf("marked without an entry: %+v, %+v", cells[1].Known, cells[2].Known)
	}
	var none *File
	if r := none.Gate(cells, Options{}); r.ExitCode() != 1 || len(r.New) != 2 || cells[0].Known != nil {
		t.Errorf("a nil file knows something: %s", summary(r))
	}
}

func TestLines(t *testing.T) {
	f := &File{Name: "known.yaml", Entries: []Entry{
		entry(2, "b:x:y", results.Fail, "closed"),
		entry(9, "c:**", results.Fail, "closed"),
	}}
	cells := []results.Cell{
		cell("a:x:y", results.Exposed, "banner \x1b[2J\nnew: pass\u202e\x9b\xff"),
		cell("b:x:y", results.Fail, "reset"),
		cell("d:x:y", results.HarnessError, "no tap"),
	}
	for n := range 7 {
		cells = append(cells, cell(fmt.Sprintf("c:x:%d", n), results.Pass, ""))
	}
	got := f.Gate(cells, Options{Complete: true}).Lines()
	want := []string{
		"harness error: d:x:y: no tap",
		"new: exposed: a:x:y: banner \ufffd[2J new: pass\ufffd\ufffd",
		"changed: fail: b:x:y: reset (known.yaml:2 knows it as fail: closed)",
		"unexpected pass: known.yaml:9 knows c:** as fail (closed), and it is no more: c:x:0 is pass, c:x:1 is pass, c:x:2 is pass, " +
			"c:x:3 is pass, c:x:4 is pass, and 2 more; remove the entry",
		"gate: 1 new, 1 changed, 1 unexpected passes, 0 known (0 of them red), 1 harness errors",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func BenchmarkGate(b *testing.B) {
	f := &File{}
	for n := range 50 {
		f.Entries = append(f.Entries, entry(n, fmt.Sprintf("s2s/policy/P%d.*:*:ejabberd@26.07", n), results.Fail, "closed"))
	}
	var cells []results.Cell
	for n := range 3000 {
		cells = append(cells, cell(fmt.Sprintf("s2s/policy/P%d.self-P2.good:prosody@13:ejabberd@26.07", n%100), results.Fail, "closed"))
	}
	b.ResetTimer()
	for b.Loop() {
		f.Gate(cells, Options{Complete: true})
	}
}
