package main

import (
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/results"
)

func TestDifferences(t *testing.T) {
	cells := map[string]*history{
		"a:x:y": {verdicts: []results.Verdict{results.Pass, results.Pass}, whys: map[results.Verdict]string{results.Pass: "fine"}},
	}
	var out strings.Builder
	if code := differences(&out, cells, 2); code != 0 || out.String() != "1 cells, and the same verdict in all 2 runs\n" {
		t.Errorf("%d: %q", code, out.String())
	}
	cells["b:x:y"] = &history{verdicts: []results.Verdict{results.Pass, results.Fail}, whys: map[results.Verdict]string{results.Pass: "fine", results.Fail: "it broke"}}
	out.Reset()
	want := "b:x:y\n  fail in runs 2: it broke\n  pass in runs 1: fine\n1 of 2 cells differ in 2 runs\n"
	if code := differences(&out, cells, 2); code != 1 || out.String() != want {
		t.Errorf("%d: %q, want %q", code, out.String(), want)
	}
}

// TestFlakes: what is known to come and go is counted, and is no difference.
func TestFlakes(t *testing.T) {
	cells := map[string]*history{
		"a:x:y": {verdicts: []results.Verdict{results.Pass, "", results.Pass}, whys: map[results.Verdict]string{results.Pass: "fine"}},
	}
	var out strings.Builder
	want := "1 times a cell, or a control of it, met what is known to be flaky\n1 cells, and the same verdict in all 3 runs\n"
	if code := differences(&out, cells, 3); code != 0 || out.String() != want {
		t.Errorf("%d: %q", code, out.String())
	}
}

func TestRepeatRefuses(t *testing.T) {
	for _, times := range []string{"", "1", "x", "1001"} {
		if code, err := repeat(t.Context(), new(strings.Builder), times); code != 2 || err == nil {
			t.Errorf("TIMES=%s: %d, %v", times, code, err)
		}
	}
}
