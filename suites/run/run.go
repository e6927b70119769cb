package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/xmpp-testday/testday/fixtures/engine"
	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/fixtures/reference"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/results/rundir"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites"
)

// Config says how a plan is executed. Zero fields have useful defaults.
type Config struct {
	// Dir is the run folder.
	Dir *rundir.Dir
	// ID names the run.
	ID string
	// Parallel is how many cells are in flight at once; default 32 a core. Most of
	// them wait.
	Parallel int
	// Report is told what happens. It is called by one goroutine at a time.
	Report func(Event)
	// Harness is the harness's own version, for the record.
	Harness string
	// Haste is how many times faster than in earnest the waits of scripts pass;
	// default 1. Patience is how long the reference waits for another server; default
	// [reference.DefaultPatience]. Both are for runs in which no subject has timeouts
	// of its own.
	Haste    int
	Patience time.Duration
}

// Event is something that a reader of the terminal wants to know.
type Event struct {
	// Step is a slow step that begins, in words; empty for a cell.
	Step string
	// Cell ended, and is the Done-th of Total; InFlight others run.
	Cell                  *results.Cell
	Done, Total, InFlight int
}

// Run is a plan being executed.
type Run struct {
	plan   *suites.Plan
	config Config

	engine  *engine.Engine
	lab     *lab.Lab
	servers map[string]*server
	hosts   map[string]*host

	active  chan struct{}  // bounds cells that do more than wait
	leaving sync.WaitGroup // clients that log out

	mu       sync.Mutex
	meta     rundir.Meta
	cells    map[string]*cellState
	controls map[string]judge.Control
	done     int
	inFlight int
	failed   error // what made the rest of the run impossible

	report sync.Mutex
}

// cellState is a cell from its plan to its verdict.
type cellState struct {
	plan *suites.Cell
	cell results.Cell
	done chan struct{} // closed when the verdict is final
}

// MemoryLimit is what the process of a run should ask the runtime to keep to, in
// bytes (debug.SetMemoryLimit): the servers need the memory more, and what a run
// holds is a fraction of this.
const MemoryLimit = 224 << 20

// New prepares the execution of a plan.
func New(plan *suites.Plan, config Config) *Run {
	if config.Parallel == 0 {
		config.Parallel = 32 * runtime.NumCPU()
	}
	config.Haste = max(config.Haste, 1)
	if config.Patience == 0 {
		config.Patience = reference.DefaultPatience
	}
	if config.Report == nil {
		config.Report = func(Event) {}
	}
	r := &Run{plan: plan, config: config, servers: map[string]*server{}, hosts: map[string]*host{},
		active: make(chan struct{}, 6*runtime.NumCPU()), cells: map[string]*cellState{}, controls: map[string]judge.Control{}}
	r.meta.Run = results.Run{ID: config.ID, Started: time.Now().UTC().Truncate(time.Millisecond), Seed: plan.Seed,
		Profile: suites.Profile, Cores: runtime.NumCPU(), Harness: config.Harness}
	for _, c := range plan.Cells {
		r.cells[c.ID] = &cellState{plan: c, done: make(chan struct{})}
		r.meta.Planned = append(r.meta.Planned, c.ID)
	}
	return r
}

func (r *Run) step(format string, args ...any) {
	r.report.Lock()
	defer r.report.Unlock()
	r.config.Report(Event{Step: fmt.Sprintf(format, args...)})
}

// Boot finds the engine, builds images, and starts the lab and the servers. When
// it fails, [Run.Close] must still be called.
func (r *Run) Boot(ctx context.Context) error {
	began := time.Now()
	if len(r.plan.Containers) == 0 {
		return r.config.Dir.WriteMeta(r.meta) // nothing that was asked for can be configured
	}
	if !slices.ContainsFunc(r.plan.Subjects, func(s servers.Subject) bool { _, ok := s.Driver.(local); return !ok }) {
		return r.bootLoopback(ctx)
	}
	var err error
	r.engine, err = engine.Open(ctx, engine.WithRun(r.config.ID), engine.WithProgress(func(s string) { r.step("%s", s) }))
	if err != nil {
		return err
	}
	if _, err := r.engine.Sweep(ctx, engine.SweepOptions{}); err != nil {
		return err
	}
	if r.meta.Run.Engine, err = r.engine.Version(ctx); err != nil {
		return err
	}
	images, err := r.images(ctx)
	if err != nil {
		return err
	}
	r.meta.Timing.Images = time.Since(began).Seconds()

	began = time.Now()
	r.step("starting %d servers", len(r.plan.Containers))
	if r.lab, err = lab.Start(ctx, r.engine); err != nil {
		return err
	}
	return r.boot(ctx, began, images)
}

// boot makes the world in a lab that runs, and starts the servers in it.
func (r *Run) boot(ctx context.Context, began time.Time, images map[string]engine.Image) error {
	if err := r.world(ctx); err != nil {
		return err
	}
	if err := r.start(ctx, images); err != nil {
		return err
	}
	r.meta.Timing.Boot = time.Since(began).Seconds()
	r.meta.Timing.Containers = len(r.plan.Containers)
	r.meta.Subjects = r.subjects(images)
	return r.config.Dir.WriteMeta(r.meta)
}

// Lab is the running lab, for exploring. It is nil before [Run.Boot].
func (r *Run) Lab() *lab.Lab { return r.lab }

// Observe runs every cell of the plan: a first control before the cells that
// rest on it, a last control after them. It returns when every verdict is final,
// or when ctx ends.
func (r *Run) Observe(ctx context.Context) error {
	began := time.Now()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.meta.Timing.Observe = time.Since(began).Seconds()
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, r.config.Parallel)
	s := newSchedule(r.plan.Cells)
	var flying sync.WaitGroup
	for c := range s.cells(ctx) {
		slots <- struct{}{}
		flying.Go(func() {
			if err := r.one(ctx, c); err != nil {
				cancel(err)
			}
			<-slots
			s.done(c)
		})
	}
	flying.Wait()
	if err := context.Cause(ctx); err != nil {
		r.fail(err)
		return err
	}
	if err := r.settle(); err != nil {
		r.fail(err)
		return err
	}
	return nil
}

// one runs a cell, judges it, and writes its folder.
func (r *Run) one(ctx context.Context, c *suites.Cell) error {
	r.mu.Lock()
	r.inFlight++
	r.mu.Unlock()
	obs, files := r.observe(ctx, c)
	if ctx.Err() != nil {
		return ctx.Err() // cut short: not an observation
	}
	artefacts, err := r.config.Dir.Cell(suites.Folder(c.ID), obs, files)
	if err != nil {
		return err
	}
	j, err := suites.Grade(obs, r.verdicts(c))
	if err != nil {
		return err
	}
	cell := suites.Publish(obs, j, artefacts, r.meta.Subjects)

	r.mu.Lock()
	state := r.cells[c.ID]
	state.cell = cell
	if c.Scenario.Control != suites.NotControl {
		r.controls[c.ID] = judge.Control{Cell: c.ID, Verdict: j.Verdict, Why: j.Why}
	}
	r.inFlight--
	r.done++
	ev := Event{Cell: &cell, Done: r.done, Total: len(r.plan.Cells), InFlight: r.inFlight}
	r.mu.Unlock()

	r.report.Lock()
	defer r.report.Unlock()
	r.config.Report(ev)
	return nil
}

// verdicts returns the controls known so far. A control that did not run yet
// is not held against a cell: [Run.settle] judges it again when all have.
func (r *Run) verdicts(c *suites.Cell) map[string]judge.Control {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := maps.Clone(r.controls)
	for _, id := range c.Controls {
		if _, ok := known[id]; !ok {
			known[id] = judge.Control{Cell: id, Verdict: results.Pass}
		}
	}
	return known
}

// settle makes the verdicts final: now every control is known. Cells that rest on
// one that did not federate are judged again.
func (r *Run) settle() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, s := range r.cells {
		if slices.ContainsFunc(s.plan.Controls, func(ctl string) bool { return !r.controls[ctl].Federates() }) {
			obs, err := r.config.Dir.Observation(suites.Folder(id))
			if err != nil {
				return err
			}
			j, err := suites.Grade(obs, r.controls)
			if err != nil {
				return err
			}
			s.cell = suites.Publish(obs, j, s.cell.Artefacts, r.meta.Subjects)
		}
		close(s.done)
	}
	return nil
}

// fail tells everyone who waits for a cell that it will not come.
func (r *Run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = err
	for _, s := range r.cells {
		select {
		case <-s.done:
		default:
			close(s.done)
		}
	}
}

// Timing is where the time went so far.
func (r *Run) Timing() results.Timing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.meta.Timing
}

// Wait returns a cell's final verdict.
func (r *Run) Wait(ctx context.Context, id string) (results.Cell, error) {
	s, ok := r.cells[id]
	if !ok {
		return results.Cell{}, fmt.Errorf("cell %s is not in the plan", id)
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		return results.Cell{}, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.cell.ID == "" {
		return results.Cell{}, fmt.Errorf("cell %s did not finish: %w", id, r.failed)
	}
	return s.cell, nil
}

// Close ends the lab and writes what is known of the run.
func (r *Run) Close(ctx context.Context) error {
	var errs []error
	r.leaving.Wait()
	r.meta.Timing.CPU = r.cpu(ctx)
	for _, s := range r.servers {
		if l, ok := s.run.(*localServer); ok {
			errs = append(errs, l.stop())
		}
	}
	if r.lab != nil {
		errs = append(errs, r.lab.Close())
	}
	if r.engine != nil {
		errs = append(errs, r.engine.Close())
	}
	r.meta.Run.Finished = time.Now().UTC().Truncate(time.Millisecond)
	r.meta.Timing.Wall = r.meta.Run.Finished.Sub(r.meta.Run.Started).Seconds()
	return errors.Join(append(errs, r.config.Dir.WriteMeta(r.meta))...)
}

// cpu is the processor time so far of this process and of every server, in
// seconds.
func (r *Run) cpu(ctx context.Context) float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	total := float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, s := range r.servers {
		if s.run == nil {
			continue
		}
		wg.Go(func() {
			used, err := s.run.CPU(ctx)
			if err != nil {
				return // a server that is gone cannot be asked
			}
			mu.Lock()
			defer mu.Unlock()
			total += used.Seconds()
		})
	}
	wg.Wait()
	return total
}

// Server is a running server, for who explores the lab.
type Server struct {
	Name, ID string
	Addr     netip.Addr
	Hosts    []suites.Host
}

// Servers lists the running servers.
func (r *Run) Servers() []Server {
	var out []Server
	for _, k := range r.plan.Containers {
		s := r.servers[k.Name]
		id := "in this process"
		if c, ok := s.run.(*engine.Running); ok {
			id = c.ID[:12]
		}
		out = append(out, Server{Name: k.Name, ID: id, Addr: s.addr, Hosts: k.Hosts})
	}
	return out
}
