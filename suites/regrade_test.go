package suites

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/rundir"
)

// TestRegradeOtherVersion: a run of another version is judged as far as its
// scenarios are still asked.
func TestRegradeOtherVersion(t *testing.T) {
	dir, err := rundir.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Lookup("s2s/starttls/required-both")
	if err != nil {
		t.Fatal(err)
	}
	known := ideal(s, s.Worlds[0]).Observation
	known.Controls = nil
	gone := known
	gone.Cell, gone.Scenario = "s2s/none/forgotten:x@1:y@1", "s2s/none/forgotten"
	world := known
	world.Cell = "s2s/starttls/required-both+forgotten:x@1:y@1"
	meta := rundir.Meta{Planned: []string{known.Cell, gone.Cell, world.Cell, "s2s/none/unfinished:x@1:y@1"}}
	for _, obs := range []results.Observation{known, gone, world} {
		if _, err := dir.Cell(Folder(obs.Cell), &obs, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := dir.WriteMeta(meta); err != nil {
		t.Fatal(err)
	}
	m, err := Regrade(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []results.Verdict{results.Pass, results.Skipped, results.Skipped, results.Skipped}
	for i, c := range m.Cells {
		if c.Verdict != want[i] || c.Verdict == results.Skipped && !strings.Contains(c.Why, "this version does not ask it") {
			t.Errorf("%s: %s (%s), want %s", c.ID, c.Verdict, c.Why, want[i])
		}
	}
	if len(m.Cells) != len(want) {
		t.Errorf("%d cells, want %d", len(m.Cells), len(want))
	}
}
