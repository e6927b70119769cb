package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/rundir"
	"github.com/xmpp-testday/testday/suites"
	"github.com/xmpp-testday/testday/suites/interop"
	"github.com/xmpp-testday/testday/suites/run"
)

const (
	// naiveCells is how many cells are run the naive way: enough for a mean, few
	// enough to wait for.
	naiveCells = 5
	// manyCells is the size of run at which memory is read.
	manyCells = 3000
)

// measured is what one run of a plan took.
type measured struct {
	results.Timing
	cells int
	total time.Duration // from the plan to the published folder, images included
}

// bench measures everything that the README has a figure for, in one go and on
// one machine, so that the figures can be compared with each other.
func bench(ctx context.Context, out io.Writer) error {
	c, err := config()
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "testday-bench-")
	if err != nil {
		return fmt.Errorf("make a folder for the runs: %w", err)
	}
	defer os.RemoveAll(scratch)
	b := bencher{config: c, scratch: scratch, out: out}
	for _, step := range []func(context.Context) error{b.planning, b.warm, b.core, b.families, b.single, b.naive, b.many} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type bencher struct {
	config  interop.Config
	scratch string
	out     io.Writer
	runs    int
	rate    float64 // pair cells a second of the default core run
	sample  []*suites.Cell
}

func (b *bencher) say(format string, args ...any) { fmt.Fprintf(b.out, format+"\n", args...) }

func (b *bencher) plan(o suites.Options) (*suites.Plan, error) {
	o.Seed = b.config.Options.Seed
	return suites.NewPlan(b.config.Subjects, o)
}

// run executes a plan in a folder of its own, and throws it away.
func (b *bencher) run(ctx context.Context, p *suites.Plan) (measured, error) {
	return b.runThen(ctx, p, func(*rundir.Dir) error { return nil })
}

// runThen is [bencher.run] with a look at the folder.
func (b *bencher) runThen(ctx context.Context, p *suites.Plan, look func(*rundir.Dir) error) (m measured, err error) {
	b.runs++
	dir, err := rundir.Create(filepath.Join(b.scratch, fmt.Sprint(b.runs)))
	if err != nil {
		return m, err
	}
	began := time.Now()
	r := run.New(p, run.Config{Dir: dir, ID: fmt.Sprintf("%s-bench%d", b.config.ID, b.runs), Parallel: b.config.Parallel})
	if err = r.Boot(ctx); err == nil {
		err = r.Observe(ctx)
	}
	err = errors.Join(err, r.Close(context.WithoutCancel(ctx)))
	m = measured{Timing: r.Timing(), cells: len(p.Cells), total: time.Since(began)}
	if err == nil {
		err = look(dir)
	}
	return m, errors.Join(err, os.RemoveAll(dir.Path))
}

func (b *bencher) planning(context.Context) error {
	began := time.Now()
	p, err := b.plan(suites.Options{Full: true})
	if err != nil {
		return err
	}
	b.say("machine: %d cores, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	b.say("plan: %d cells in %.0f ms (the full product, all subjects)", len(p.Cells), time.Since(began).Seconds()*1e3)
	return nil
}

// warm makes the images, so that what follows does not measure them.
func (b *bencher) warm(ctx context.Context) error {
	p, err := b.plan(suites.Options{CoreOnly: true, Only: func(c *suites.Cell) bool {
		return c.Scenario.ID == "s2s/starttls/required-both"
	}})
	if err != nil {
		return err
	}
	m, err := b.run(ctx, p)
	if err != nil {
		return err
	}
	b.say("images: %.1f s (built, or found if they were there)", m.Images)
	return nil
}

func (b *bencher) core(ctx context.Context) error {
	p, err := b.plan(suites.Options{CoreOnly: true})
	if err != nil {
		return err
	}
	observed := 0
	for _, c := range p.Cells {
		if c.Unsupported == "" {
			observed++
		}
		if c.Unsupported == "" && c.Scenario.Control == suites.NotControl && len(b.sample) < naiveCells && c.Initiator.Subject.Name != c.Receiver.Subject.Name {
			b.sample = append(b.sample, c)
		}
	}
	m, err := b.run(ctx, p)
	if err != nil {
		return err
	}
	b.rate = float64(observed) / m.Observe
	floor := m.CPU / float64(runtime.NumCPU())
	b.say("default core run, warm images: %.1f s wall = %.1f s images + %.1f s boot of %d containers + %.1f s observing %d cells + the rest",
		m.total.Seconds(), m.Images, m.Boot, m.Containers, m.Observe, observed)
	b.say("pair cells a second on a warm lab: %.1f (cells observed / seconds observing)", b.rate)
	b.say("floor: %.1f s = %.1f s of processor time of the harness and all servers / %d cores; wall / floor = %.2f",
		floor, m.CPU, runtime.NumCPU(), m.Wall/floor)
	return nil
}

// families runs everything that runs by default, and says where the time of its
// cells went: they run side by side, so that the sums are not times on a clock.
func (b *bencher) families(ctx context.Context) error {
	p, err := b.plan(suites.Options{})
	if err != nil {
		return err
	}
	type took struct {
		id, what        string
		seconds, waited float64
	}
	all := map[string][]took{}
	var slowest []took
	m, err := b.runThen(ctx, p, func(dir *rundir.Dir) error {
		for _, c := range p.Cells {
			if c.Unsupported != "" {
				continue
			}
			obs, err := dir.Observation(suites.Folder(c.ID))
			if err != nil {
				return err
			}
			t := took{id: c.ID, seconds: obs.Seconds}
			t.waited, t.what = suites.Waited(obs)
			all[c.Scenario.Family()] = append(all[c.Scenario.Family()], t)
			slowest = append(slowest, t)
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.say("default run, warm images: %.1f s wall, %d cells in %d containers", m.total.Seconds(), m.cells, m.Containers)
	for _, family := range slices.Sorted(maps.Keys(all)) {
		sum, waited := 0.0, 0.0
		for _, t := range all[family] {
			sum, waited = sum+t.seconds, max(waited, t.seconds)
		}
		b.say("  %s: %d cells, %.2f s each, %.1f s the slowest", family, len(all[family]), sum/float64(len(all[family])), waited)
	}
	slices.SortFunc(slowest, func(x, y took) int { return cmp.Compare(y.seconds, x.seconds) })
	b.say("the slowest cells, and what they waited for:")
	for _, t := range slowest[:min(10, len(slowest))] {
		b.say("  %.1f s %s: %.1f s for %s", t.seconds, t.id, t.waited, t.what)
	}
	return nil
}

func (b *bencher) single(ctx context.Context) error {
	if len(b.sample) == 0 {
		return errors.New("no cell between two subjects to measure: SERVERS needs two")
	}
	one := b.sample[0]
	delivered := suites.CellID("s2s/starttls/required-both", "", one.Initiator.Subject.Name, one.Receiver.Subject.Name)
	for _, id := range []string{delivered, one.ID} {
		p, err := b.plan(suites.Options{Only: func(c *suites.Cell) bool { return c.ID == id }})
		if err != nil {
			return err
		}
		m, err := b.run(ctx, p)
		if err != nil {
			return err
		}
		b.say("one cell again: %.1f s (%s with its controls, from the start of the lab to its end)", m.total.Seconds(), id)
	}
	return nil
}

// naive runs a sample of the same cells, each with a container pair of its own.
func (b *bencher) naive(ctx context.Context) error {
	var total time.Duration
	for _, want := range b.sample {
		p, err := b.plan(suites.Options{Only: func(c *suites.Cell) bool { return c.ID == want.ID }})
		if err != nil {
			return err
		}
		m, err := b.run(ctx, p.Without(func(c *suites.Cell) bool { return c.Scenario.Control != suites.NotControl }))
		if err != nil {
			return err
		}
		total += m.total
	}
	each := total.Seconds() / float64(len(b.sample))
	b.say("the naive way: %.2f s a cell (a fresh lab and container pair for each of %d of the same cells, one after the other); this harness is %.0f x as fast",
		each, len(b.sample), each*b.rate)
	return nil
}

func (b *bencher) many(ctx context.Context) error {
	n := 0
	p, err := b.plan(suites.Options{Full: true, Only: func(c *suites.Cell) bool {
		if c.Unsupported == "" && c.Scenario.Control == suites.NotControl {
			n++
		}
		return n <= manyCells
	}})
	if err != nil {
		return err
	}
	m, err := b.run(ctx, p)
	if err != nil {
		return err
	}
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	b.say("%d cells: %.0f s wall, %d containers; peak memory of the harness %s (VmHWM)", m.cells, m.total.Seconds(), m.Containers, peak)
	return nil
}

// peakMemory is the peak resident set of this process, as the kernel prints it.
func peakMemory() (string, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return "", fmt.Errorf("read peak memory: %w", err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
			return strings.TrimSpace(v), nil
		}
	}
	return "", errors.New("read peak memory: the kernel does not say")
}
