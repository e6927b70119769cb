package known

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/text"
)

// Options say what a run was.
type Options struct {
	// Complete: every cell of the plan was run, rather than a selection. Only then
	// can an entry with a wildcard be stale.
	Complete bool
}

// Finding is a red cell that the gate stops at.
type Finding struct {
	Cell results.Cell
	// Entry is the first entry whose pattern matches a changed cell; nil for a new
	// one.
	Entry *Entry
}

// Stale is an entry whose cells no longer fail as it says: an unexpected pass.
type Stale struct {
	Entry *Entry
	// Cells are those it matches that came to a verdict.
	Cells []results.Cell
}

// Report is what the gate found.
type Report struct {
	// File is the name of the file of known failures.
	File string
	// New are red cells that no entry's pattern matches.
	New []Finding
	// Changed are red cells that an entry's pattern matches, with another verdict
	// or why than the entry's.
	Changed []Finding
	// Unexpected are the stale entries.
	Unexpected []Stale
	// Known counts the cells that an entry explains, and KnownRed those of them that
	// would be red without it.
	Known, KnownRed int
	// HarnessErrors are the cells in which the harness failed.
	HarnessErrors []results.Cell
}

// Gate compares the cells of a run with what is known, and sets the Known mark
// of each: the first entry in the file that matches, or nil. A nil File knows
// nothing.
func (f *File) Gate(cells []results.Cell, opts Options) Report {
	var entries []Entry
	var report Report
	if f != nil {
		entries, report.File = f.Entries, f.Name
	}
	alive := make([]bool, len(entries))
	decided := make([][]results.Cell, len(entries))
	changed := make([]bool, len(entries))
	for n := range cells {
		c := &cells[n]
		c.Known = nil
		if c.Verdict == results.HarnessError {
			report.HarnessErrors = append(report.HarnessErrors, *c)
		}
		var near []int
		for k := range entries {
			e := &entries[k]
			if !ran(c.Verdict) || !match(e.Cell, c.ID) {
				continue
			}
			if e.Flaky && !e.matches(c) {
				continue // what fails now and then says nothing of other failures
			}
			near = append(near, k)
			decided[k] = append(decided[k], *c)
			if !e.matches(c) {
				continue
			}
			alive[k] = true
			if c.Known == nil {
				c.Known = &results.Known{Reason: e.Reason, Link: e.Link, Since: e.Since}
			}
		}
		switch {
		case c.Known != nil:
			report.Known++
			if c.Verdict.Red() {
				report.KnownRed++
			}
		case !c.Verdict.Red():
		case len(near) == 0:
			report.New = append(report.New, Finding{Cell: *c})
		default:
			report.Changed = append(report.Changed, Finding{Cell: *c, Entry: &entries[near[0]]})
			for _, k := range near {
				changed[k] = true
			}
		}
	}
	for k := range entries {
		// An entry whose cell is red in another way is reported with that cell.
		if alive[k] || changed[k] || len(decided[k]) == 0 || !opts.Complete && !literal(entries[k].Cell) {
			continue
		}
		report.Unexpected = append(report.Unexpected, Stale{Entry: &entries[k], Cells: decided[k]})
	}
	return report
}

// Flaky reports whether a cell failed in a way that is known to come and go.
func (f *File) Flaky(c *results.Cell) bool {
	return f != nil && slices.ContainsFunc(f.Entries, func(e Entry) bool { return e.Flaky && e.matches(c) })
}

// ran reports whether a verdict says something of the subjects.
func ran(v results.Verdict) bool {
	switch v {
	case results.Exposed, results.Fail, results.NoInterop, results.Weaker, results.Pass:
		return true
	default:
		return false
	}
}

// ExitCode is the gate's answer: 0 when every red cell is known for the same
// reason; 1 for a new or changed red cell, or an unexpected pass; 2 when the
// harness failed in a cell, whatever else there is, as then the run is not to be
// relied on.
func (r Report) ExitCode() int {
	switch {
	case len(r.HarnessErrors) > 0:
		return 2
	case len(r.New)+len(r.Changed)+len(r.Unexpected) > 0:
		return 1
	default:
		return 0
	}
}

// named is how many cells a line of an unexpected pass names.
const named = 5

// Lines says what was found, a line each, worst first, and a summary last.
// Nothing in them can end a line or reach a terminal as a control sequence.
func (r Report) Lines() []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, text.Line(fmt.Sprintf(format, args...))) }
	for _, c := range r.HarnessErrors {
		add("harness error: %s: %s", c.ID, c.Why)
	}
	for _, f := range r.New {
		add("new: %s: %s: %s", f.Cell.Verdict, f.Cell.ID, f.Cell.Why)
	}
	for _, f := range r.Changed {
		add("changed: %s: %s: %s (%s:%d knows it as %s: %s)", f.Cell.Verdict, f.Cell.ID, f.Cell.Why,
			r.File, f.Entry.Line, f.Entry.Verdict, f.Entry.Why)
	}
	for _, s := range r.Unexpected {
		var cells []string
		for n, c := range s.Cells {
			if n == named {
				cells = append(cells, fmt.Sprintf("and %d more", len(s.Cells)-named))
				break
			}
			cells = append(cells, fmt.Sprintf("%s is %s", c.ID, c.Verdict))
		}
		add("unexpected pass: %s:%d knows %s as %s (%s), and it is no more: %s; remove the entry", r.File, s.Entry.Line,
			s.Entry.Cell, s.Entry.Verdict, s.Entry.Why, strings.Join(cells, ", "))
	}
	add("gate: %d new, %d changed, %d unexpected passes, %d known (%d of them red), %d harness errors",
		len(r.New), len(r.Changed), len(r.Unexpected), r.Known, r.KnownRed, len(r.HarnessErrors))
	return lines
}
