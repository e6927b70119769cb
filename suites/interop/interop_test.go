package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/formatter"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/known"
	"github.com/xmpp-testday/testday/results/terminal"
	"github.com/xmpp-testday/testday/suites"
	"github.com/xmpp-testday/testday/suites/run"
)

// day is the test day that the specs wait on. Ginkgo's tree is global, and so is
// this.
var day struct {
	config   Config
	whole    bool // nothing of the default plan is left out
	known    *known.File
	run      *run.Run
	folder   *folder
	terminal *terminal.Terminal

	signals  context.Context // ends with a signal
	booting  sync.Mutex      // held while begin works: Ginkgo may not wait for it
	stop     func()          // observing
	observed chan error      // nil unless the lab came up
	done     int             // cells, of planned
	planned  int

	failed error // the first failure of the harness: others come of it
	exit   int
}

// TestMain gives the process the exit status of the gate: 0, 1 for red cells
// that are new, 2 for errors of the harness and bad input.
func TestMain(m *testing.M) {
	debug.SetMemoryLimit(run.MemoryLimit)
	code := m.Run()
	if day.exit != 0 {
		code = day.exit
	}
	os.Exit(code)
}

func TestInterop(t *testing.T) {
	if os.Getenv("TESTDAY_DOCKER") != "1" {
		t.Skip("needs a container engine: set TESTDAY_DOCKER=1, or use make interop")
	}
	getenv := os.Getenv
	if os.Getenv("TESTDAY_SHORT") == "1" {
		out := t.TempDir()
		getenv = short(out)
		defer checkShort(t, out)
	}
	if err := interop(t, getenv); err != nil {
		line, excerpt := Line(err)
		for _, l := range excerpt {
			fmt.Println("    " + l)
		}
		fmt.Fprintln(os.Stderr, "interop:", line)
		day.exit = 2
		t.Fail()
	}
}

// interop plans, lets Ginkgo choose among the cells, and runs those.
func interop(t *testing.T, getenv func(string) string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	if day.config, err = FromEnv(getenv, root); err != nil {
		return err
	}
	suite, reporter := GinkgoConfiguration()
	if err := vet(suite); err != nil {
		return err
	}
	if day.known, err = day.config.LoadKnown(); err != nil {
		return err
	}
	plan, err := day.config.Plan(context.Background())
	if err != nil {
		return err
	}
	if day.config.Labels != "" {
		suite.LabelFilter = day.config.Labels
	}
	specs(plan)
	if suite.DryRun {
		RunSpecs(t, "interop", suite, reporter)
		return nil
	}
	chosen := map[string]bool{}
	for _, s := range PreviewSpecs("interop", suite, reporter).SpecReports {
		if s.State == types.SpecStatePassed {
			chosen[s.LeafNodeText] = true
		}
	}
	if len(chosen) == 0 {
		return errors.New("no cell is chosen by Ginkgo's focus, skip and label filter: `make plan` lists cells and labels")
	}
	day.whole = day.config.Whole && len(chosen) == len(plan.Cells)
	options := day.config.Options
	options.Full, options.CoreOnly = true, false
	options.Only = func(c *suites.Cell) bool { return chosen[c.ID] }
	if plan, err = suites.NewPlan(day.config.Subjects, options); err != nil {
		return err
	}
	if day.folder, err = reserve(day.config); err != nil {
		return err
	}
	day.planned = len(plan.Cells)
	day.terminal = terminal.New(os.Stdout)
	day.run = run.New(plan, run.Config{Dir: day.folder.Dir, ID: day.config.ID, Parallel: day.config.Parallel, Harness: Version(),
		Report: report})
	if os.Getenv("TESTDAY_TERMINAL") == "1" {
		formatter.ColorableStdOut = io.Discard // the terminal says it better
	}
	var forget func()
	day.signals, forget = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer forget()
	RunSpecs(t, "interop", suite, reporter)
	end() // not an AfterSuite: a second Ctrl-C would have Ginkgo go on without it
	return day.failed
}

// vet refuses in one line what Ginkgo would end the process for, or what cannot
// work here.
func vet(suite types.SuiteConfig) error {
	if suite.ParallelTotal > 1 {
		return errors.New("cells run concurrently within one process: leave out Ginkgo's -p and -procs, and see PARALLEL=")
	}
	if _, err := types.ParseLabelFilter(suite.LabelFilter); err != nil {
		return fmt.Errorf("-ginkgo.label-filter=%s is not a label filter, such as 'core && family: containsAny s2s-pkix'", oneLine(suite.LabelFilter))
	}
	for name, patterns := range map[string][]string{"focus": suite.FocusStrings, "skip": suite.SkipStrings} {
		for _, p := range patterns {
			if _, err := regexp.Compile(p); err != nil {
				return fmt.Errorf("-ginkgo.%s=%s is not a regular expression: %w", name, oneLine(p), err)
			}
		}
	}
	return nil
}

// specs makes one spec a cell, in containers by family.
func specs(plan *suites.Plan) {
	byFamily := map[string][]*suites.Cell{}
	var families []string
	for _, c := range plan.Cells {
		f := c.Scenario.Family()
		if byFamily[f] == nil {
			families = append(families, f)
		}
		byFamily[f] = append(byFamily[f], c)
	}
	slices.Sort(families)
	for _, f := range families {
		Describe(f, func() {
			for _, c := range byFamily[f] {
				It(c.ID, Label(c.Labels()...), func(ctx SpecContext) { spec(ctx, c) })
			}
		})
	}
	BeforeSuite(begin)
}

// spec waits for a cell and fails when the gate would stop at it.
func spec(ctx context.Context, c *suites.Cell) {
	cell, err := day.run.Wait(ctx, c.ID)
	if err != nil {
		AbortSuite(err.Error()) // neither will any other finish
	}
	text := fmt.Sprintf("%s: %s\n%s", cell.Verdict, cell.Why, cell.Reproduce)
	AddReportEntry("cell", ReportEntryVisibilityFailureOrVerbose, text)
	switch {
	case cell.Verdict == results.HarnessError:
		Fail(text)
	case stops(&cell):
		Fail(text)
	case cell.Verdict == results.NotSupported, cell.Verdict == results.Skipped:
		Skip(cell.Why)
	}
}

// stops reports whether the gate would stop at the cell, and marks one that is
// known.
func stops(c *results.Cell) bool {
	cells := []results.Cell{*c}
	r := day.known.Gate(cells, known.Options{})
	c.Known = cells[0].Known
	return len(r.New)+len(r.Changed) > 0
}

func report(e run.Event) {
	if e.Cell == nil {
		day.terminal.Step(e.Step)
		return
	}
	cell := *e.Cell
	stops(&cell)
	day.done = max(day.done, e.Done)
	day.terminal.Cell(cell, e.Done, e.Total, e.InFlight)
}

var errNothing = errors.New("interrupted before the first cell: there is nothing to keep")

// fail notes why the harness failed.
func fail(err error) {
	if day.failed == nil {
		day.failed = err
	}
}

// begin boots the lab and starts to observe. What it starts, end stops.
func begin(boot SpecContext) {
	day.booting.Lock()
	defer day.booting.Unlock()
	ctx, cancel := context.WithCancel(day.signals)
	day.stop = cancel
	detach := context.AfterFunc(boot, cancel) // Ginkgo has time limits of its own
	err := day.run.Boot(ctx)
	detach()
	switch {
	case err == nil:
		err = day.folder.keep()
	case day.signals.Err() != nil:
		err = errNothing
	}
	if err != nil {
		fail(err)
		Fail(err.Error())
	}
	observed := make(chan error, 1)
	day.observed = observed
	go func() { observed <- day.run.Observe(ctx) }()
}

// end publishes what was observed, whether or not all of it was. Signals that
// come meanwhile change nothing: it takes seconds.
func end() {
	day.booting.Lock()
	defer day.booting.Unlock()
	interrupted := day.signals.Err() != nil
	if day.observed != nil {
		day.stop()
		if err := <-day.observed; err != nil {
			fail(unfinished(err, interrupted))
		}
	} else if interrupted {
		fail(errNothing)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := day.run.Close(ctx); err != nil {
		fail(err)
	}
	if day.observed == nil {
		if err := day.folder.drop(); err != nil {
			fail(err)
		}
		return
	}
	matrix, gate, err := Publish(day.folder.Dir, day.known, day.whole && day.failed == nil)
	if err != nil {
		fail(err)
		return
	}
	day.terminal.Finish(matrix, gate.Lines(), filepath.Join(day.folder.Path, "index.html"))
	day.exit = gate.ExitCode()
}

// unfinished says what became of a day that ended early.
func unfinished(err error, interrupted bool) error {
	rest := fmt.Sprintf("%d of %d cells have finished and are kept, the others are skipped", day.done, day.planned)
	switch {
	case interrupted:
		return fmt.Errorf("interrupted: %s", rest)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: make room, and then `make publish RUN=%s`: %s", err, day.folder.Path, rest)
	default:
		return fmt.Errorf("%w: %s", err, rest)
	}
}
