package selftest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/xmpp-testday/testday/fixtures/reference"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/results/rundir"
	"github.com/xmpp-testday/testday/servers"
	subject "github.com/xmpp-testday/testday/servers/reference"
	"github.com/xmpp-testday/testday/suites"
	"github.com/xmpp-testday/testday/suites/run"
)

// Nobody in the self-test has timeouts of a real server, so that it need not wait
// as long: scripts wait a fifth of what they do in earnest, and the reference half.
// What remains has to do for a busy machine.
const (
	haste    = 5
	patience = reference.DefaultPatience / 2
)

// Options choose what is run; the zero value is everything.
type Options struct {
	// Rows, when not nil, chooses scenarios by id.
	Rows func(id string) bool
	// Dir is an empty folder that the run's artefacts are kept in; when it is empty
	// they are thrown away.
	Dir string
	// Report is told what happens, as [run.Config.Report].
	Report func(run.Event)
}

// Catch is what became of one mutant in one row.
type Catch struct {
	Row    string
	Mutant reference.Fault
	// Cell is the one that was caught worst, and Verdict and Why what it came to.
	// Cell is empty when no cell asked the mutant.
	Cell    string
	Verdict results.Verdict
	Why     string
	// Witnesses are the kinds of evidence of that cell.
	Witnesses []string
	// Caught: the cell is worse than the reference's.
	Caught bool
}

// Report is the result.
type Report struct {
	// Catches are in the order of the catalogue.
	Catches []Catch
	// Reference lists the cells of the reference that do not pass as they should.
	Reference []results.Cell
	// Rows are the ids of all rows that mutants were made for.
	Rows []string
	// Missing are those without a scenario.
	Missing []string
	Cells   int
	Took    time.Duration
}

// OK reports whether every row has a scenario, is passed by the reference, and
// catches at least one mutant.
func (r *Report) OK() bool {
	return len(r.Missing) == 0 && len(r.Reference) == 0 && len(r.Uncaught()) == 0
}

// Uncaught are the rows that no mutant turns.
func (r *Report) Uncaught() []string {
	var out []string
	for _, row := range r.Rows {
		if !slices.ContainsFunc(r.Catches, func(c Catch) bool { return c.Row == row && c.Caught }) && !slices.Contains(r.Missing, row) {
			out = append(out, row)
		}
	}
	return out
}

// Run puts the rows to the reference and to its mutants.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	began := time.Now()
	if o.Rows == nil {
		o.Rows = func(string) bool { return true }
	}
	report = &Report{}
	asked := map[[2]string]bool{} // row and name of a mutant
	own := servers.Subject{Name: "reference@testday", Driver: subject.Driver{}, Version: subject.Driver{}.Versions()[0]}
	subjects := []servers.Subject{own}
	for _, f := range reference.Faults() {
		chosen := false
		for _, row := range f.Rows() {
			if !o.Rows(row) {
				continue
			}
			chosen = true
			if !slices.Contains(report.Rows, row) {
				report.Rows = append(report.Rows, row)
				if _, err := suites.Lookup(row); err != nil {
					report.Missing = append(report.Missing, row)
				}
			}
			asked[[2]string{row, subject.Mutant(f).Name}] = true
		}
		if chosen {
			subjects = append(subjects, subject.Mutant(f))
		}
	}
	plan, err := suites.NewPlan(subjects, suites.Options{Ask: func(s *suites.Scenario, i, r string) bool {
		if !o.Rows(s.ID) {
			return false
		}
		// A mutant meets the reference, a scripted peer, or its like.
		for _, pair := range [][2]string{{i, r}, {r, i}} {
			if pair[1] != own.Name && pair[1] != judge.PeerName && pair[1] != pair[0] {
				continue
			}
			if pair[0] == own.Name || asked[[2]string{s.ID, pair[0]}] {
				return true
			}
		}
		return false
	}})
	if err != nil {
		return nil, err
	}
	report.Cells = len(plan.Cells)
	cells, err := observe(ctx, plan, o)
	if err != nil {
		return nil, err
	}
	report.read(own.Name, subjects[1:], cells)
	report.Took = time.Since(began)
	return report, nil
}

// observe runs a plan and returns its cells by id.
func observe(ctx context.Context, plan *suites.Plan, o Options) (cells map[string]results.Cell, err error) {
	path := o.Dir
	if path == "" {
		if path, err = os.MkdirTemp("", "testday-selftest-"); err != nil {
			return nil, fmt.Errorf("make a folder for the self-test: %w", err)
		}
		defer os.RemoveAll(path)
	}
	dir, err := rundir.Create(path)
	if err != nil {
		return nil, err
	}
	r := run.New(plan, run.Config{Dir: dir, ID: "selftest", Haste: haste, Patience: patience, Report: o.Report})
	defer func() { err = errors.Join(err, r.Close(context.WithoutCancel(ctx))) }()
	if err := r.Boot(ctx); err != nil {
		return nil, err
	}
	if err := r.Observe(ctx); err != nil {
		return nil, err
	}
	cells = map[string]results.Cell{}
	for _, c := range plan.Cells {
		if cells[c.ID], err = r.Wait(ctx, c.ID); err != nil {
			return nil, err
		}
	}
	return cells, nil
}

// read makes the report from the cells of a run.
func (r *Report) read(own string, mutants []servers.Subject, cells map[string]results.Cell) {
	var ids []string
	for id := range cells {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		c := cells[id]
		if isReference(c, own) && c.Verdict != results.Pass && !weakAtBest(c) {
			r.Reference = append(r.Reference, c)
		}
	}
	for _, row := range r.Rows {
		if slices.Contains(r.Missing, row) {
			continue
		}
		for _, m := range mutants {
			f := m.Driver.(subject.Driver).Faults[0]
			if !slices.Contains(f.Rows(), row) {
				continue
			}
			r.Catches = append(r.Catches, r.catch(row, f, m.Name, own, ids, cells))
		}
	}
}

// catch finds the cell of a row in which a mutant did worst, against the
// reference in its place.
func (r *Report) catch(row string, f reference.Fault, name, own string, ids []string, cells map[string]results.Cell) Catch {
	best := Catch{Row: row, Mutant: f}
	for _, id := range ids {
		c := cells[id]
		if c.Scenario != row || !slices.Contains(c.Subjects, name) {
			continue
		}
		caught := severity(c.Verdict) > severity(cells[strings.ReplaceAll(id, name, own)].Verdict)
		if best.Cell == "" || caught && severity(c.Verdict) > severity(best.Verdict) {
			best = Catch{Row: row, Mutant: f, Cell: id, Verdict: c.Verdict, Why: c.Why, Witnesses: c.Witnesses, Caught: caught}
		}
	}
	return best
}

// severity orders the verdicts that catch a mutant; the others, which prove
// nothing, are 0 as a pass is.
func severity(v results.Verdict) int {
	return slices.Index([]results.Verdict{results.NotSupported, results.Weaker, results.NoInterop, results.Fail, results.Exposed}, v) + 1
}

func isReference(c results.Cell, own string) bool {
	return !slices.ContainsFunc(c.Subjects, func(s string) bool { return s != own && s != judge.PeerName })
}

// weakAtBest reports whether a cell is no better because its world allows none
// better.
func weakAtBest(c results.Cell) bool {
	s, err := suites.Lookup(c.Scenario)
	if err != nil {
		return false
	}
	w, err := s.World(c.ID)
	return err == nil && w.WeakAtBest() && c.Verdict == results.Weaker
}

// Write prints the table, and what is wrong.
func (r *Report) Write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "row\tmutant\tcaught\tby\tevidence")
	for _, c := range r.Catches {
		caught, by, why := "NO", "", c.Why
		if c.Caught {
			caught = string(c.Verdict)
		}
		if c.Cell == "" {
			why = "no cell asks it"
		} else {
			by = strings.Join(c.Witnesses, " ")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.120s\n", c.Row, c.Mutant, caught, by, why)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, c := range r.Reference {
		fmt.Fprintf(out, "the reference: %s: %s: %s\n", c.ID, c.Verdict, c.Why)
	}
	for _, row := range r.Missing {
		fmt.Fprintf(out, "no scenario: %s\n", row)
	}
	for _, row := range r.Uncaught() {
		fmt.Fprintf(out, "caught by nothing: %s\n", row)
	}
	_, err := fmt.Fprintf(out, "%d of %d rows catch a mutant; %d cells, %.1f s\n",
		len(r.Rows)-len(r.Missing)-len(r.Uncaught()), len(r.Rows), r.Cells, r.Took.Seconds())
	return err
}
