package suites

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/servers"
)

// fake is a server that has policies container wide and cannot show a
// certificate for another name.
type fake struct{ name string }

func (f fake) Name() string              { return f.name }
func (fake) Versions() []servers.Version { return []servers.Version{{Name: "1"}} }
func (fake) Files() fs.FS                { return nil }
func (fake) Log() servers.LogReader      { return nil }
func (f fake) Place(s servers.Setting) (servers.Place, error) {
	if s.Certificate == servers.Other {
		return servers.Place{}, &servers.Unsupported{Setting: s, Reason: "it picks certificates by name"}
	}
	if s.Policy == "nonsense" {
		return servers.Place{}, errors.New("no such policy")
	}
	return servers.Place{Policy: s.Policy, Ciphers: s.Ciphers}, nil
}

func subjects(n int) []servers.Subject {
	var out []servers.Subject
	for k := range n {
		f := fake{fmt.Sprintf("s%d", k)}
		out = append(out, servers.Subject{Name: f.name + "@1", Driver: f})
	}
	return out
}

func mustPlan(t testing.TB, n int, o Options) *Plan {
	t.Helper()
	p, err := NewPlan(subjects(n), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlanIsDeterministic(t *testing.T) {
	text := func(p *Plan) string {
		var b strings.Builder
		for _, c := range p.Cells {
			fmt.Fprintln(&b, c.ID, c.Initiator.Domain, c.Receiver.Domain, c.Initiator.Account, c.Controls)
		}
		return b.String()
	}
	a, b, c := mustPlan(t, 3, Options{Seed: 7}), mustPlan(t, 3, Options{Seed: 7}), mustPlan(t, 3, Options{Seed: 8})
	if text(a) != text(b) {
		t.Error("two plans of one seed differ")
	}
	if text(a) == text(c) {
		t.Error("plans of two seeds are the same")
	}
}

// TestPlanIsolates: no two cells share a domain and the container on its other
// side, and every domain is served by exactly the container that its cell names.
func TestPlanIsolates(t *testing.T) {
	p := mustPlan(t, 3, Options{Full: true})
	seen, pairs := map[string]string{}, map[string]string{}
	for _, c := range p.Cells {
		if c.Unsupported != "" {
			if c.Initiator.Domain != "" {
				t.Errorf("%s cannot be configured and has a domain", c.ID)
			}
			continue
		}
		for _, sides := range [][2]Party{{c.Initiator, c.Receiver}, {c.Receiver, c.Initiator}} {
			if sides[0].Container == "" {
				if other, ok := pairs[sides[0].Domain]; ok || !c.World.Scripted() {
					t.Fatalf("%s and %s share the peers under %s", other, c.ID, sides[0].Domain)
				}
				pairs[sides[0].Domain] = c.ID
				continue
			}
			pair := sides[0].Domain + " met by " + cmp.Or(sides[1].Container, sides[1].Domain)
			if other, ok := pairs[pair]; ok {
				t.Fatalf("%s and %s share %s", other, c.ID, pair)
			}
			pairs[pair] = c.ID
			if container, ok := seen[sides[0].Domain]; ok && container != sides[0].Container {
				t.Fatalf("%s is served by %s and %s", sides[0].Domain, container, sides[0].Container)
			}
			seen[sides[0].Domain] = sides[0].Container
		}
	}
	hosts := 0
	for _, k := range p.Containers {
		for _, h := range k.Hosts {
			hosts++
			if seen[h.Domain] != k.Name {
				t.Errorf("%s serves %s, whose cells name %q", k.Name, h.Domain, seen[h.Domain])
			}
			if place, _ := k.Subject.Driver.Place(h.Setting); place != k.Place {
				t.Errorf("%s serves %s, whose place is %v, not %v", k.Name, h.Domain, place, k.Place)
			}
		}
	}
	if hosts != len(seen) {
		t.Errorf("%d hosts for %d domains", hosts, len(seen))
	}
	if hosts > len(p.Cells) {
		t.Errorf("%d hosts for %d cells: they are not shared", hosts, len(p.Cells))
	}
}

// TestContainersGrowWithPolicies: the number of containers does not depend on
// the number of pairs or cells.
func TestContainersGrowWithPolicies(t *testing.T) {
	perSubject := len(mustPlan(t, 1, Options{}).Containers)
	for n := 2; n <= 6; n++ {
		if got := len(mustPlan(t, n, Options{Full: true}).Containers); got != n*perSubject {
			t.Errorf("%d subjects need %d containers, want %d each", n, got, perSubject)
		}
	}
}

// TestControls: every cell that can be configured has a first and a last
// control, which are planned, federate by the oracle, and run in containers that
// the cell uses.
func TestControls(t *testing.T) {
	p := mustPlan(t, 3, Options{})
	byID := map[string]*Cell{}
	for _, c := range p.Cells {
		byID[c.ID] = c
	}
	for _, c := range p.Cells {
		if c.Unsupported != "" || c.Scenario.Control != NotControl {
			continue
		}
		used := map[string]bool{}
		kinds := map[Control]bool{}
		for _, id := range c.Controls {
			ctl := byID[id]
			if ctl == nil {
				t.Fatalf("%s names the control %s, which is not planned", c.ID, id)
			}
			if !ctl.World.Scripted() && !federate(ctl.Initiator.Setting, ctl.Receiver.Setting) {
				t.Errorf("%s cannot federate by its own settings", id)
			}
			used[ctl.Initiator.Container], used[ctl.Receiver.Container] = true, true
			kinds[ctl.Scenario.Control] = true
		}
		if !used[c.Initiator.Container] || !used[c.Receiver.Container] || !kinds[ControlFirst] || !kinds[ControlLast] {
			t.Errorf("%s: controls %v do not cover %s", c.ID, c.Controls, c.Pair())
		}
	}
	first := slices.IndexFunc(p.Cells, func(c *Cell) bool { return c.Scenario.Control != ControlFirst })
	last := slices.IndexFunc(p.Cells, func(c *Cell) bool { return c.Scenario.Control == ControlLast })
	for n, c := range p.Cells {
		if c.Scenario.Control == ControlFirst && n > first || c.Scenario.Control != ControlLast && n > last {
			t.Fatalf("%s is out of place", c.ID)
		}
	}
}

func TestEveryOrderedPair(t *testing.T) {
	p := mustPlan(t, 3, Options{})
	pairs := map[string]map[string]bool{}
	for _, c := range p.Cells {
		world, _, _ := strings.Cut(c.ID, ":")
		if c.Scenario.Control != NotControl {
			continue // the plan makes their worlds
		}
		if pairs[world] == nil {
			pairs[world] = map[string]bool{}
		}
		pairs[world][c.Initiator.Subject.Name+">"+c.Receiver.Subject.Name] = true
	}
	for _, s := range All() {
		for _, w := range s.Worlds {
			want := 9
			if w.Scripted() {
				want = 3
			}
			if s.Full {
				want = 0
			}
			world, _, _ := strings.Cut(CellID(s.ID, w.Name, "", ""), ":")
			if got := len(pairs[world]); got != want {
				t.Errorf("%s is asked of %d pairs of 3 subjects, want %d", world, got, want)
			}
		}
	}
}

var shellSafe = regexp.MustCompile(`^[A-Za-z0-9@:/.+_-]+$`)

func TestCellIDs(t *testing.T) {
	p := mustPlan(t, 3, Options{Full: true})
	seen, folders := map[string]bool{}, map[string]bool{}
	for _, c := range p.Cells {
		if !shellSafe.MatchString(c.ID) {
			t.Errorf("%q needs quoting in a shell", c.ID)
		}
		if seen[c.ID] || folders[Folder(c.ID)] {
			t.Errorf("%q is not unique", c.ID)
		}
		seen[c.ID], folders[Folder(c.ID)] = true, true
	}
}

func TestOnlyOneCell(t *testing.T) {
	id := "s2s/starttls/required-both:s0@1:s1@1"
	p := mustPlan(t, 3, Options{Only: func(c *Cell) bool { return c.ID == id }})
	if len(p.Cells) != 3 || len(p.Containers) != 2 {
		t.Errorf("%d cells in %d containers, want the cell, 2 controls and 2 containers", len(p.Cells), len(p.Containers))
	}
	if _, err := p.Lookup(id); err != nil {
		t.Error(err)
	}
	if _, err := p.Lookup("s2s/none:a:b"); err == nil {
		t.Error("an unknown cell was found")
	}
}

func TestScenarioIDsAndCitations(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range All() {
		if seen[s.ID] {
			t.Errorf("%s is there twice", s.ID)
		}
		seen[s.ID] = true
		if s.Asks == "" || s.Control == NotControl && (len(s.Cites) == 0 || len(s.Worlds) == 0) {
			t.Errorf("%s asks nothing, cites nothing, or has no world", s.ID)
		}
		worlds := map[string]bool{}
		for _, w := range s.Worlds {
			if worlds[w.Name] {
				t.Errorf("%s has two worlds %q", s.ID, w.Name)
			}
			worlds[w.Name] = true
			if w.Scripted() {
				if err := w.Subject().Validate(); err != nil || len(w.Scene.Expect) == 0 {
					t.Errorf("%s+%s: %d expectations, %v", s.ID, w.Name, len(w.Scene.Expect), err)
				}
				continue
			}
			if err := w.Initiator.Validate(); err != nil {
				t.Errorf("%s: %v", s.ID, err)
			}
			if err := w.Receiver.Validate(); err != nil {
				t.Errorf("%s: %v", s.ID, err)
			}
		}
	}
	flows := 0
	for id := range seen {
		if strings.HasPrefix(id, "s2s/policy/flow-") {
			flows++
		}
	}
	if flows != 36 {
		t.Errorf("%d flows of XEP-0238, want 36", flows)
	}
}

func BenchmarkPlanFull(b *testing.B) {
	s := subjects(3)
	for b.Loop() {
		p, err := NewPlan(s, Options{Full: true})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(p.Cells)), "cells")
	}
}
