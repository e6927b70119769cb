package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/formatter"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/known"
	"github.com/xmpp-testday/testday/results/rundir"
	"github.com/xmpp-testday/testday/results/terminal"
	"github.com/xmpp-testday/testday/suites"
	"github.com/xmpp-testday/testday/suites/run"
)

// day is the test day that the specs wait on. Ginkgo's tree is global, and so is
// this.
var day struct {
	config   Config
	known    *known.File
	run      *run.Run
	dir      *rundir.Dir
	terminal *terminal.Terminal
	stop     context.CancelFunc
	observed chan struct{}
	exit     int
}

// TestMain gives the process the exit status of the gate: 0, 1 for red cells
// that are new, 2 for errors of the harness and bad input.
func TestMain(m *testing.M) {
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
	if err := interop(t); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		day.exit = 2
		t.Fail()
	}
}

// interop plans, lets Ginkgo choose among the cells, and runs those.
func interop(t *testing.T) error {
	root, err := Root()
	if err != nil {
		return err
	}
	if day.config, err = FromEnv(os.Getenv, root); err != nil {
		return err
	}
	if day.known, err = known.Load(day.config.Known); err != nil {
		return err
	}
	plan, err := day.config.Plan(context.Background())
	if err != nil {
		return err
	}
	suite, reporter := GinkgoConfiguration()
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
		return errors.New("no cell is chosen by the label filter and focus: `make plan` lists cells and labels")
	}
	options := day.config.Options
	options.Full = true
	options.Only = func(c *suites.Cell) bool { return chosen[c.ID] }
	if plan, err = suites.NewPlan(day.config.Subjects, options); err != nil {
		return err
	}
	if day.dir, err = rundir.Create(day.config.Out, day.config.Latest); err != nil {
		return err
	}
	day.terminal = terminal.New(os.Stdout)
	day.run = run.New(plan, run.Config{Dir: day.dir, ID: day.config.ID, Parallel: day.config.Parallel, Harness: Version(),
		Report: report})
	if os.Getenv("TESTDAY_TERMINAL") == "1" {
		formatter.ColorableStdOut = io.Discard // the terminal says it better
	}
	RunSpecs(t, "interop", suite, reporter)
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
	AfterSuite(end)
}

// spec waits for a cell and fails when the gate would stop at it.
func spec(ctx context.Context, c *suites.Cell) {
	cell, err := day.run.Wait(ctx, c.ID)
	if err != nil {
		Fail(err.Error())
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
	day.terminal.Cell(cell, e.Done, e.Total, e.InFlight)
}

// begin boots the lab and starts to observe. What it starts, end stops.
func begin(boot SpecContext) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	day.stop, day.observed = stop, make(chan struct{})
	go func() {
		<-boot.Done()
		if boot.Err() != nil && day.run.Lab() == nil {
			stop()
		}
	}()
	if err := day.run.Boot(ctx); err != nil {
		close(day.observed)
		day.exit = 2
		day.terminal.Step("interop: " + err.Error())
		Fail(err.Error())
	}
	go func() {
		defer close(day.observed)
		if err := day.run.Observe(ctx); err != nil {
			day.exit = 2
		}
	}()
}

// end publishes what was observed, whether or not all of it was.
func end() {
	day.stop()
	<-day.observed
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := day.run.Close(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		day.exit = 2
	}
	matrix, gate, err := Publish(day.dir, day.known, day.config.whole())
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		day.exit = 2
		return
	}
	day.terminal.Finish(matrix, gate.Lines(), filepath.Join(day.dir.Path, "index.html"))
	day.exit = max(day.exit, gate.ExitCode())
}
