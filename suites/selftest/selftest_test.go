package selftest

import (
	"os"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/fixtures/reference"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/servers"
	subject "github.com/xmpp-testday/testday/servers/reference"
)

// TestEveryRowGoesRed is the self-test itself.
func TestEveryRowGoesRed(t *testing.T) {
	report, err := Run(t.Context(), Options{Dir: os.Getenv("TESTDAY_SELFTEST_OUT")})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := report.Write(&table); err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Errorf("a row does not do what it is there for:\n%s", table.String())
	}
	if len(report.Rows) != 108 {
		t.Errorf("mutants are made for %d rows, want the 108 of the six families", len(report.Rows))
	}
}

// TestCatch: a mutant is caught by what is worse than the reference's own cell,
// and by nothing else.
func TestCatch(t *testing.T) {
	const row, own = "s2s/dialback/unknown-target", "reference@testday"
	fault := reference.UnknownTargetCloses
	mutant := subject.Mutant(fault)
	cell := func(world, name string, v results.Verdict) results.Cell {
		return results.Cell{ID: row + world + ":peer:" + name, Scenario: row, Subjects: []string{"peer", name}, Verdict: v, Why: string(v)}
	}
	for _, tt := range []struct {
		name              string
		reference, mutant results.Verdict
		caught, ok        bool
	}{
		{"red", results.Pass, results.Fail, true, true},
		{"exposed", results.Pass, results.Exposed, true, true},
		{"weaker", results.Pass, results.Weaker, true, true},
		{"not caught", results.Pass, results.Pass, false, false},
		{"proves nothing", results.Pass, results.Inconclusive, false, false},
		{"breaks the harness", results.Pass, results.HarnessError, false, false},
		{"the reference fails alike", results.Fail, results.Fail, false, false},
		{"the reference fails", results.Fail, results.Exposed, true, false},
		{"the reference is inconclusive", results.Inconclusive, results.Fail, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &Report{Rows: []string{row}}
			cells := map[string]results.Cell{}
			for _, c := range []results.Cell{
				cell("", own, tt.reference), cell("", mutant.Name, tt.mutant),
				cell("+b", own, results.Pass), cell("+b", mutant.Name, results.Pass),
			} {
				cells[c.ID] = c
			}
			r.read(own, []servers.Subject{mutant}, cells)
			if len(r.Catches) != 1 || r.Catches[0].Caught != tt.caught {
				t.Fatalf("caught: %+v, want %t", r.Catches, tt.caught)
			}
			if r.OK() != tt.ok {
				t.Errorf("OK is %t, want %t", r.OK(), tt.ok)
			}
			if tt.caught && (r.Catches[0].Verdict != tt.mutant || r.Catches[0].Why != string(tt.mutant)) {
				t.Errorf("by %+v, want %s", r.Catches[0], tt.mutant)
			}
		})
	}
}

// TestMissing: a row without a scenario, or that no cell asked of its mutant, is
// said to be so.
func TestMissing(t *testing.T) {
	r := &Report{Rows: []string{"s2s/none/a", "s2s/dialback/unknown-target"}, Missing: []string{"s2s/none/a"}}
	r.read("reference@testday", []servers.Subject{subject.Mutant(reference.UnknownTargetCloses)}, nil)
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"no scenario: s2s/none/a\n", "caught by nothing: s2s/dialback/unknown-target\n", "no cell asks it\n", "0 of 2 rows catch a mutant"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
	if r.OK() {
		t.Error("it is said to be in order")
	}
}
