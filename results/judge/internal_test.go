package judge

import (
	"testing"

	"github.com/xmpp-testday/testday/results"
)

// TestTimeProvesNothing: a note for which nothing came passes no cell, though the
// expectation lists it.
func TestTimeProvesNothing(t *testing.T) {
	e := Note("the answer", "stream error *", "nothing")
	for value, want := range map[string]results.Verdict{"stream error not-authorized": "", "nothing": results.Inconclusive, "valid": results.Fail} {
		f, found := e.rule(results.Note{Name: "the answer", Value: value}, results.BlameReceiver)
		if found != (want != "") || f.Verdict != want {
			t.Errorf("%s: %q (%s), want %q", value, f.Verdict, f.Why, want)
		}
	}
}
