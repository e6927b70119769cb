// Command testday does what is beside the main job: it prints the plan, keeps a
// lab up for exploring, publishes an earlier run again, and cleans up. Its
// variables are those of `make interop`.
//
//	testday plan             cells, containers and labels of the plan
//	testday lab              boots the plan's lab, says how to reach it, waits
//	testday publish RUN      judges and publishes a run folder again
//	testday clean            removes every container and network of the project
//	testday clean images     and its images
//	testday engine           says which container engine answers
//	testday selftest [ROW]   puts rows to the reference and to its mutants
//	testday repeat TIMES     runs the plan again and again, and prints what differs
//	testday bench            measures, and prints every figure with its method
//
// The exit status is 0; 1 when publish finds new red cells, selftest a row that
// catches nothing, or repeat a difference; and 2 for errors.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/xmpp-testday/testday/fixtures/engine"
	"github.com/xmpp-testday/testday/results/rundir"
	"github.com/xmpp-testday/testday/results/terminal"
	"github.com/xmpp-testday/testday/suites/interop"
	"github.com/xmpp-testday/testday/suites/run"
	"github.com/xmpp-testday/testday/suites/selftest"
)

func main() {
	debug.SetMemoryLimit(run.MemoryLimit)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := command(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		line, excerpt := interop.Line(err)
		for _, l := range excerpt {
			fmt.Println("    " + l)
		}
		fmt.Fprintln(os.Stderr, "testday:", line)
		code = 2
	}
	os.Exit(code)
}

var errUsage = errors.New("usage: testday plan | lab | publish RUN | clean [images] | engine | selftest [ROW] | repeat TIMES | bench")

func command(ctx context.Context, args []string, out io.Writer) (int, error) {
	if len(args) == 0 {
		return 2, errUsage
	}
	switch verb := strings.Join(args, " "); {
	case verb == "plan":
		return 0, plan(ctx, out)
	case verb == "lab":
		return 0, keep(ctx, out)
	case verb == "bench":
		return 0, bench(ctx, out)
	case args[0] == "repeat" && len(args) == 2:
		return repeat(ctx, out, args[1])
	case args[0] == "publish" && len(args) == 2:
		return republish(args[1], out)
	case args[0] == "selftest" && len(args) <= 2:
		return selfTest(ctx, out, args[1:])
	case verb == "clean", verb == "clean images":
		return 0, clean(ctx, out, len(args) == 2)
	case verb == "engine":
		eng, err := engine.Open(ctx)
		if err != nil {
			return 2, err
		}
		version, err := eng.Version(ctx)
		fmt.Fprintln(out, version)
		return 0, errors.Join(err, eng.Close())
	}
	return 2, errUsage
}

// selfTest puts every row, or those whose id begins with the one given, to the
// reference and to its mutants.
func selfTest(ctx context.Context, out io.Writer, prefix []string) (int, error) {
	o := selftest.Options{Dir: os.Getenv("OUT")}
	if len(prefix) > 0 {
		o.Rows = func(id string) bool { return strings.HasPrefix(id, prefix[0]) }
	}
	report, err := selftest.Run(ctx, o)
	if err != nil {
		return 2, err
	}
	if len(report.Rows) == 0 {
		return 2, fmt.Errorf("no row begins with %q: `make plan` lists the scenarios", strings.Join(prefix, ""))
	}
	if err := report.Write(out); err != nil || !report.OK() {
		return 1, err
	}
	return 0, nil
}

func config() (interop.Config, error) {
	root, err := interop.Root()
	if err != nil {
		return interop.Config{}, err
	}
	return interop.FromEnv(os.Getenv, root)
}

func plan(ctx context.Context, out io.Writer) error {
	c, err := config()
	if err != nil {
		return err
	}
	p, err := c.Plan(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	hosts, impossible := 0, 0
	for _, k := range p.Containers {
		fmt.Fprintf(w, "container\t%s\t%d hosts\n", k.Name, len(k.Hosts))
		hosts += len(k.Hosts)
	}
	for _, cell := range p.Cells {
		note := cell.Initiator.Domain + " > " + cell.Receiver.Domain
		if cell.Unsupported != "" {
			note = "not supported: " + cell.Unsupported
			impossible++
		}
		fmt.Fprintf(w, "cell\t%s\t%s\t%s\n", cell.ID, strings.Join(cell.Labels(), ", "), note)
	}
	fmt.Fprintf(w, "%d cells, %d of them not supported by configuration; %d containers, %d virtual hosts; seed %d\n",
		len(p.Cells), impossible, len(p.Containers), hosts, p.Seed)
	return w.Flush()
}

// keep boots the lab of the plan and waits to be interrupted.
func keep(ctx context.Context, out io.Writer) (err error) {
	c, err := config()
	if err != nil {
		return err
	}
	p, err := c.Plan(ctx)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "testday-lab-")
	if err != nil {
		return fmt.Errorf("make a folder for the lab: %w", err)
	}
	defer os.RemoveAll(tmp)
	dir, err := rundir.Create(tmp)
	if err != nil {
		return err
	}
	term := terminal.New(out)
	r := run.New(p, run.Config{Dir: dir, ID: c.ID, Harness: interop.Version(), Report: func(e run.Event) { term.Step(e.Step) }})
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		err = errors.Join(err, r.Close(ctx))
	}()
	if err := r.Boot(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nThe lab is up. Its servers:")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range r.Servers() {
		fmt.Fprintf(w, "  %s\t%s\tdocker exec -it %s sh\n", s.Name, s.Addr, s.ID)
		for n, h := range s.Hosts {
			if n == 3 {
				fmt.Fprintf(w, "    ... and %d more\t\t(make plan lists them)\n", len(s.Hosts)-n)
				break
			}
			fmt.Fprintf(w, "    %s@%s\tpassword %s\t%s with certificate %s\n", h.Accounts[0].User, h.Domain, h.Accounts[0].Password, h.Setting.Policy, h.Setting.Certificate)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "DNS inside the lab: %s. Logs: docker logs -f CONTAINER. Ctrl-C ends the lab.\n", r.Lab().Resolver)
	<-ctx.Done()
	return nil
}

func republish(path string, out io.Writer) (int, error) {
	if path == "" {
		return 2, errors.New("publish which run? make publish RUN=results/runs/latest, or another folder")
	}
	c, err := config()
	if err != nil {
		return 2, err
	}
	k, err := c.LoadKnown()
	if err != nil {
		return 2, err
	}
	dir, err := rundir.Open(path)
	if err != nil {
		return 2, err
	}
	m, gate, err := interop.Publish(dir, k, false)
	if err != nil {
		return 2, err
	}
	terminal.New(out).Finish(m, gate.Lines(), filepath.Join(dir.Path, "index.html"))
	return gate.ExitCode(), nil
}

func clean(ctx context.Context, out io.Writer, images bool) error {
	eng, err := engine.Open(ctx)
	if err != nil {
		return err
	}
	swept, err := eng.Sweep(ctx, engine.SweepOptions{Images: images, All: true})
	fmt.Fprintf(out, "removed %d containers, %d networks, %d images\n", swept.Containers, swept.Networks, swept.Images)
	return errors.Join(err, eng.Close())
}
