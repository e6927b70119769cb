package tally_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/tally"
)

func TestVerdicts(t *testing.T) {
	if got, want := slices.Sorted(slices.Values(tally.Verdicts())), slices.Sorted(slices.Values(results.Verdicts())); !slices.Equal(got, want) {
		t.Errorf("verdicts %q, want every one of %q once", got, want)
	}
	for n, v := range tally.Verdicts() {
		if tally.Rank(v) != n {
			t.Errorf("rank of %s is %d, want %d", v, tally.Rank(v), n)
		}
	}
	if tally.Rank("excellent") != tally.Rank(results.Inconclusive) {
		t.Error("what is not a verdict proves something")
	}
	tally.Verdicts()[0] = results.Pass
	if tally.Verdicts()[0] != results.Exposed {
		t.Error("the order can be changed from outside")
	}
}

func TestOf(t *testing.T) {
	known := &results.Known{Reason: "tracked"}
	m := &results.Matrix{
		Subjects: []results.Subject{{Name: "b"}, {Name: "a"}, {Name: "b"}},
		Cells: []results.Cell{
			{Subjects: []string{"z", "a"}, Verdict: results.Pass},
			{Subjects: []string{"b", "a"}, Verdict: results.Fail},
			{Subjects: []string{"b", "a"}, Verdict: results.Fail, Known: known},
			{Subjects: []string{"a", "b"}, Verdict: results.Pass},
			{Subjects: []string{"c"}, Verdict: results.Skipped},
			{Subjects: []string{"a", "b"}, Verdict: "excellent"},
			{Verdict: results.NoInterop},
		},
	}
	got := tally.Of(m)
	if want := []string{"b", "a", "", "c", "z"}; !slices.Equal(got.Names, want) {
		t.Errorf("names %q, want %q", got.Names, want)
	}
	if got.Total.Sum() != len(m.Cells) {
		t.Errorf("%d cells in all, want %d", got.Total.Sum(), len(m.Cells))
	}
	for _, c := range []struct {
		pair         tally.Pair
		verdict      results.Verdict
		cells, known int
	}{
		{tally.Pair{Initiator: "b", Receiver: "a"}, results.Fail, 2, 1},
		{tally.Pair{Initiator: "b", Receiver: "a"}, results.Pass, 0, 0},
		{tally.Pair{Initiator: "a", Receiver: "b"}, results.Pass, 1, 0},
		{tally.Pair{Initiator: "a", Receiver: "b"}, results.Inconclusive, 1, 0},
		{tally.Pair{Initiator: "z", Receiver: "a"}, results.Pass, 1, 0},
		{tally.Pair{Initiator: "c", Receiver: "c"}, results.Skipped, 1, 0},
		{tally.Pair{}, results.NoInterop, 1, 0},
		{tally.Pair{Initiator: "a", Receiver: "a"}, results.Pass, 0, 0},
	} {
		if n := got.Pairs[c.pair]; n.Cells(c.verdict) != c.cells || n.Known(c.verdict) != c.known {
			t.Errorf("%v: %d %s, %d known, want %d and %d", c.pair, n.Cells(c.verdict), c.verdict, n.Known(c.verdict), c.cells, c.known)
		}
	}
	if len(got.Pairs) != 5 {
		t.Errorf("%d squares with cells, want 5", len(got.Pairs))
	}
	if empty := tally.Of(&results.Matrix{}); empty.Names == nil || empty.Total.Sum() != 0 {
		t.Errorf("an empty matrix gives %+v", empty)
	}
}

func ExampleOf() {
	t := tally.Of(&results.Matrix{Cells: []results.Cell{
		{Subjects: []string{"prosody@13", "mine"}, Verdict: results.Pass},
		{Subjects: []string{"prosody@13", "mine"}, Verdict: results.Weaker},
	}})
	square := t.Pairs[tally.Pair{Initiator: "prosody@13", Receiver: "mine"}]
	fmt.Println(t.Names, square.Sum(), square.Cells(results.Weaker))
	// Output: [mine prosody@13] 2 1
}
