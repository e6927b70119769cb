package tally

import (
	"slices"

	"github.com/xmpp-testday/testday/results"
)

// order has the verdicts as a reader should meet them.
var order = [...]results.Verdict{
	results.Exposed, results.Fail, results.HarnessError, results.NoInterop, results.Inconclusive,
	results.Weaker, results.Pass, results.NotSupported, results.Skipped,
}

// Verdicts lists every verdict, the worst first: what a reader should look at
// before the rest. The order in which verdicts are reached is another, see
// [results.Verdicts].
func Verdicts() []results.Verdict { return slices.Clone(order[:]) }

// Rank is the place of a verdict among [Verdicts]. What is not a verdict proves
// nothing, and has the place of inconclusive.
func Rank(v results.Verdict) int {
	if n := slices.Index(order[:], v); n >= 0 {
		return n
	}
	return slices.Index(order[:], results.Inconclusive)
}

// Apart reports whether cells of the verdict are counted beside the matrix: they
// say nothing of how two subjects got on.
func Apart(v results.Verdict) bool { return v == results.NotSupported || v == results.Skipped }

// Counts are numbers of cells by verdict. The zero value counts none.
type Counts struct {
	cells, known [len(order)]int
}

// Add counts a cell.
func (c *Counts) Add(cell *results.Cell) {
	n := Rank(cell.Verdict)
	c.cells[n]++
	if cell.Known != nil {
		c.known[n]++
	}
}

// Cells is the number of cells with the verdict.
func (c Counts) Cells(v results.Verdict) int { return c.cells[Rank(v)] }

// Known is how many of the cells with the verdict match an entry of the
// known-failures file.
func (c Counts) Known(v results.Verdict) int { return c.known[Rank(v)] }

// Sum is the number of cells with any verdict.
func (c Counts) Sum() int {
	sum := 0
	for _, n := range c.cells {
		sum += n
	}
	return sum
}

// Pair names the square of a matrix.
type Pair struct{ Initiator, Receiver string }

// PairOf is the square that a cell is in. A cell of one subject is in the row and
// the column of that.
func PairOf(c *results.Cell) Pair {
	switch len(c.Subjects) {
	case 0:
		return Pair{}
	case 1:
		return Pair{c.Subjects[0], c.Subjects[0]}
	default:
		return Pair{c.Subjects[0], c.Subjects[1]}
	}
}

// Tally is the cells of a test day, counted.
type Tally struct {
	// Names are the rows and the columns: the subjects in the matrix's order, and
	// after them, sorted, those that only cells name. It is never nil.
	Names []string
	// Total counts every cell.
	Total Counts
	// Pairs counts the cells of each square that has any.
	Pairs map[Pair]Counts
}

// Of counts the cells of a matrix.
func Of(m *results.Matrix) Tally {
	t := Tally{Names: []string{}, Pairs: map[Pair]Counts{}}
	seen := map[string]bool{}
	name := func(s string) {
		if !seen[s] {
			seen[s] = true
			t.Names = append(t.Names, s)
		}
	}
	for _, s := range m.Subjects {
		name(s.Name)
	}
	listed := len(t.Names)
	for n := range m.Cells {
		cell := &m.Cells[n]
		t.Total.Add(cell)
		p := PairOf(cell)
		c := t.Pairs[p]
		c.Add(cell)
		t.Pairs[p] = c
		name(p.Initiator)
		name(p.Receiver)
	}
	slices.Sort(t.Names[listed:])
	return t
}
