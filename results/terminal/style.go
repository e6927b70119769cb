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

// mark is how a verdict stands in the matrix.
type mark struct {
	sign    string
	style   style
	meaning string
}

var marks = map[results.Verdict]mark{
	results.Exposed:      {"‼", alarm, "a security failure"},
	results.Fail:         {"✗", red, "breaks a MUST or the profile"},
	results.HarnessError: {"H", magenta, "the harness failed; says nothing of the subjects"},
	results.NoInterop:    {"∅", yellow, "no rule broken, yet it did not arrive"},
	results.Inconclusive: {"?", yellow, "neither proven"},
	results.Weaker:       {"≈", cyan, "works, below what the pair could do"},
	results.Pass:         {"✓", green, "every expected fact was seen"},
	results.NotSupported: {"–", dim, "not configurable so, or option absent, failed safe"},
	results.Skipped:      {"·", dim, "not run by choice"},
}
