package run

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites"
)

type fakeDriver struct{}

func (fakeDriver) Name() string                { return "x" }
func (fakeDriver) Versions() []servers.Version { return []servers.Version{{Name: "1"}} }
func (fakeDriver) Files() fs.FS                { return nil }
func (fakeDriver) Log() servers.LogReader      { return nil }
func (fakeDriver) Place(s servers.Setting) (servers.Place, error) {
	return servers.Place{Policy: s.Policy}, nil
}

func plan(t testing.TB) *suites.Plan {
	t.Helper()
	var subjects []servers.Subject
	for k := range 3 {
		subjects = append(subjects, servers.Subject{Name: fmt.Sprintf("x%d@1", k), Driver: fakeDriver{}})
	}
	p, err := suites.NewPlan(subjects, suites.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSchedule runs a plan with cells that end in any order, and looks at the
// order in which they begin.
func TestSchedule(t *testing.T) {
	p := plan(t)
	s := newSchedule(p.Cells)
	byID := map[string]*suites.Cell{}
	for _, c := range p.Cells {
		byID[c.ID] = c
	}
	var mu sync.Mutex
	began, ended := map[string]bool{}, map[string]bool{}
	slots := make(chan struct{}, 16)
	var wg sync.WaitGroup
	for c := range s.cells(t.Context()) {
		mu.Lock()
		if began[c.ID] {
			t.Fatalf("%s began twice", c.ID)
		}
		began[c.ID] = true
		for _, id := range c.Controls {
			switch first := byID[id].Scenario.Control == suites.ControlFirst; {
			case first && !ended[id]:
				t.Errorf("%s began before its first control %s had ended", c.ID, id)
			case !first && began[id]:
				t.Errorf("%s began after its last control %s", c.ID, id)
			}
		}
		mu.Unlock()
		slots <- struct{}{}
		wg.Go(func() {
			for range rand.IntN(1000) {
			}
			mu.Lock()
			ended[c.ID] = true
			mu.Unlock()
			<-slots
			s.done(c)
		})
	}
	wg.Wait()
	if len(ended) != len(p.Cells) {
		t.Errorf("%d of %d cells ended", len(ended), len(p.Cells))
	}
}

// TestScheduleEnds: a context that ends, ends the hand-out even while cells wait
// for controls that never end.
func TestScheduleEnds(t *testing.T) {
	s := newSchedule(plan(t).Cells)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for range s.cells(ctx) {
		if n++; n == 3 {
			cancel()
		}
	}
	if n != 3 {
		t.Errorf("%d cells were handed out, want 3", n)
	}
}

func TestScheduleWithoutControls(t *testing.T) {
	p := plan(t).Without(func(c *suites.Cell) bool { return c.Scenario.Control != suites.NotControl })
	s := newSchedule(p.Cells)
	n := 0
	for c := range s.cells(t.Context()) {
		n++
		s.done(c)
	}
	if n != len(p.Cells) {
		t.Errorf("%d of %d cells", n, len(p.Cells))
	}
}
