package run

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/xmpp-testday/testday/results/oracle"
	"github.com/xmpp-testday/testday/suites"
)

// schedule hands out the cells of a plan in an order in which every cell comes
// after its first controls have ended, and every last control after the cells
// that rest on it have.
type schedule struct {
	mu      sync.Mutex
	ready   []*suites.Cell // the next one first
	waiting map[string]*waiting
	left    int           // cells that have not ended
	changed chan struct{} // closed at the next change
}

// waiting is a cell with what it waits for and what waits for it.
type waiting struct {
	cell   *suites.Cell
	before int
	after  []*waiting
}

func newSchedule(cells []*suites.Cell) *schedule {
	s := &schedule{waiting: map[string]*waiting{}, left: len(cells), changed: make(chan struct{})}
	for _, c := range cells {
		s.waiting[c.ID] = &waiting{cell: c}
	}
	for _, c := range cells {
		w := s.waiting[c.ID]
		for _, id := range c.Controls {
			ctl, ok := s.waiting[id]
			if !ok {
				continue // a plan without its controls
			}
			first, second := ctl, w
			if ctl.cell.Scenario.Control == suites.ControlLast {
				first, second = w, ctl
			}
			first.after = append(first.after, second)
			second.before++
		}
	}
	for _, c := range cells {
		if s.waiting[c.ID].before == 0 {
			s.ready = append(s.ready, c)
		}
	}
	slices.SortStableFunc(s.ready, longestFirst)
	return s
}

// cells yields each cell as soon as it may begin, until all have ended or ctx
// ends.
func (s *schedule) cells(ctx context.Context) iter.Seq[*suites.Cell] {
	return func(yield func(*suites.Cell) bool) {
		for {
			s.mu.Lock()
			left, changed := s.left, s.changed
			var next *suites.Cell
			if len(s.ready) > 0 {
				next, s.ready = s.ready[0], s.ready[1:]
			}
			s.mu.Unlock()
			switch {
			case left == 0 || ctx.Err() != nil:
				return
			case next == nil:
				select {
				case <-changed:
				case <-ctx.Done():
				}
			case !yield(next):
				return
			}
		}
	}
}

// done says that a cell has ended.
func (s *schedule) done(c *suites.Cell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left--
	for _, w := range s.waiting[c.ID].after {
		if w.before--; w.before == 0 {
			s.ready = append(s.ready, w.cell)
		}
	}
	slices.SortStableFunc(s.ready, longestFirst)
	close(s.changed)
	s.changed = make(chan struct{})
}

// longestFirst orders cells that are ready: controls before all, as others wait
// for them; then many messages, which take their time; then those that the
// oracle expects to be refused, which wait for some server's timeout.
func longestFirst(a, b *suites.Cell) int {
	return cmp.Or(
		boolInt(a.Scenario.Control == suites.NotControl)-boolInt(b.Scenario.Control == suites.NotControl),
		cmp.Compare(b.Scenario.Stimulus.Count, a.Scenario.Stimulus.Count),
		boolInt(delivers(a))-boolInt(delivers(b)),
	)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// delivers reports whether the oracle expects anything to arrive.
func delivers(c *suites.Cell) bool {
	i, err := oracle.For(string(c.World.Initiator.Policy), string(c.World.Initiator.Certificate))
	if err != nil {
		return true
	}
	r, err := oracle.For(string(c.World.Receiver.Policy), string(c.World.Receiver.Certificate))
	return err != nil || oracle.Ask(i, r).Best != oracle.NO
}
