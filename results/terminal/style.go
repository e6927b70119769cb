package terminal

import "github.com/xmpp-testday/testday/results"

// style is a Select Graphic Rendition (ECMA-48 section 8.3.117).
type style string

const (
	plain   style = ""
	bold    style = "1"
	dim     style = "2"
	red     style = "31"
	alarm   style = "1;97;41"
	green   style = "32"
	yellow  style = "33"
	magenta style = "35"
	cyan    style = "36"
)

func (t *Terminal) paint(s style, text string) string {
	if !t.color || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// marks are the verdicts as they stand in the matrix, the worst first.
var marks = [...]struct {
	verdict results.Verdict
	mark    string
	style   style
	meaning string
}{
	{results.Exposed, "‼", alarm, "a security failure"},
	{results.Fail, "✗", red, "breaks a MUST or the profile"},
	{results.HarnessError, "H", magenta, "the harness failed; says nothing of the subjects"},
	{results.NoInterop, "∅", yellow, "no rule broken, yet it did not arrive"},
	{results.Weaker, "≈", cyan, "works, below what the pair could do"},
	{results.Inconclusive, "?", yellow, "neither proven"},
	{results.Pass, "✓", green, "every expected fact was seen"},
	{results.NotSupported, "–", dim, "not configurable so, or option absent, failed safe"},
	{results.Skipped, "·", dim, "not run by choice"},
}

// rank is the place of a verdict among the marks. What is not a verdict proves
// nothing.
func rank(v results.Verdict) int {
	undecided := 0
	for n, m := range marks {
		switch m.verdict {
		case v:
			return n
		case results.Inconclusive:
			undecided = n
		}
	}
	return undecided
}

// apart reports whether cells of the verdict are counted outside the matrix: they
// say nothing of how two subjects got on.
func apart(v results.Verdict) bool { return v == results.NotSupported || v == results.Skipped }
