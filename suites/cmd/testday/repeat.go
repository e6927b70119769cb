package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/known"
	"github.com/xmpp-testday/testday/results/rundir"
	"github.com/xmpp-testday/testday/suites"
	"github.com/xmpp-testday/testday/suites/interop"
	"github.com/xmpp-testday/testday/suites/run"
)

// maxTimes bounds how often a plan is repeated.
const maxTimes = 1000

// history is what became of one cell in every run.
type history struct {
	verdicts []results.Verdict          // empty where a known flake struck
	whys     map[results.Verdict]string // the first of each
}

// struck counts the runs of a cell that a flake struck which the known failures name.
func (h *history) struck() int {
	n := 0
	for _, v := range h.verdicts {
		if v == "" {
			n++
		}
	}
	return n
}

// repeat runs the same plan again and again, each time in a new lab, and prints
// every cell whose verdicts are not all the same. It returns 1 if there are any.
// What the known failures call flaky is counted apart, with the cells that rest on a
// control which it struck. The folders of runs that differ from the first are kept, and said.
func repeat(ctx context.Context, out io.Writer, times string) (int, error) {
	n, err := strconv.Atoi(times)
	if err != nil || n < 2 || n > maxTimes {
		return 2, fmt.Errorf("TIMES=%q is not a number from 2 to %d", times, maxTimes)
	}
	c, err := config()
	if err != nil {
		return 2, err
	}
	p, err := c.Plan(ctx)
	if err != nil {
		return 2, err
	}
	k, err := c.LoadKnown()
	if err != nil {
		return 2, err
	}
	fmt.Fprintf(out, "%d times %d cells of %d subjects\n", n, len(p.Cells), len(p.Subjects))
	cells := map[string]*history{}
	for i := range n {
		path := filepath.Join(c.Out, fmt.Sprintf("%03d", i+1))
		began := time.Now()
		changed, err := again(ctx, p, k, path, fmt.Sprintf("%s-%d", c.ID, i+1), cells)
		if err != nil {
			return 2, fmt.Errorf("run %d of %d: %w", i+1, n, err)
		}
		line := fmt.Sprintf("run %d of %d: %.0f s, ", i+1, n, time.Since(began).Seconds())
		switch {
		case i == 0:
			line += "the first; kept in " + path
		case len(changed) == 0:
			line += "the same verdicts"
			if err := os.RemoveAll(path); err != nil {
				return 2, fmt.Errorf("remove the folder of run %d: %w", i+1, err)
			}
		default:
			line += fmt.Sprintf("%d cells differ from another run; kept in %s", len(changed), path)
		}
		fmt.Fprintln(out, line)
	}
	return differences(out, cells, n), nil
}

// again runs a plan once, and returns the cells whose verdicts are not all the same
// by then.
func again(ctx context.Context, p *suites.Plan, k *known.File, path, id string, cells map[string]*history) (changed []string, err error) {
	dir, err := rundir.Create(path)
	if err != nil {
		return nil, err
	}
	r := run.New(p, run.Config{Dir: dir, ID: id, Harness: interop.Version()})
	defer func() { err = errors.Join(err, r.Close(context.WithoutCancel(ctx))) }()
	if err := r.Boot(ctx); err != nil {
		return nil, err
	}
	if err := r.Observe(ctx); err != nil {
		return nil, err
	}
	flaked := map[string]bool{}
	ended := make([]results.Cell, len(p.Cells))
	for i, planned := range p.Cells {
		if ended[i], err = r.Wait(ctx, planned.ID); err != nil {
			return nil, err
		}
		if k.Flaky(&ended[i]) {
			flaked[planned.ID] = true
		}
	}
	for _, c := range ended {
		h := cells[c.ID]
		if h == nil {
			h = &history{whys: map[results.Verdict]string{}}
			cells[c.ID] = h
		}
		if flaked[c.ID] || slices.ContainsFunc(c.Control, func(id string) bool { return flaked[id] }) {
			h.verdicts = append(h.verdicts, "")
			continue
		}
		h.verdicts = append(h.verdicts, c.Verdict)
		if h.whys[c.Verdict] == "" {
			h.whys[c.Verdict] = c.Why
		}
		if len(h.whys) > 1 {
			changed = append(changed, c.ID)
		}
	}
	return changed, nil
}

// differences prints the cells whose verdicts differ, and returns 1 if there are
// any.
func differences(out io.Writer, cells map[string]*history, times int) int {
	var ids []string
	flakes := 0
	for id, h := range cells {
		if len(h.whys) > 1 {
			ids = append(ids, id)
		}
		flakes += h.struck()
	}
	slices.Sort(ids)
	for _, id := range ids {
		h := cells[id]
		fmt.Fprintln(out, id)
		for _, v := range results.Verdicts() {
			var runs []string
			for i, got := range h.verdicts {
				if got == v {
					runs = append(runs, strconv.Itoa(i+1))
				}
			}
			if len(runs) > 0 {
				fmt.Fprintf(out, "  %s in runs %s: %s\n", v, strings.Join(runs, " "), h.whys[v])
			}
		}
	}
	if flakes > 0 {
		fmt.Fprintf(out, "%d times a cell, or a control of it, met what is known to be flaky\n", flakes)
	}
	if len(ids) > 0 {
		fmt.Fprintf(out, "%d of %d cells differ in %d runs\n", len(ids), len(cells), times)
		return 1
	}
	fmt.Fprintf(out, "%d cells, and the same verdict in all %d runs\n", len(cells), times)
	return 0
}
