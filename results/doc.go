// Package results holds what a test day leaves behind: what was observed in
// each cell, what it means, and the matrix that is published.
//
// The three are kept apart. An [Observation] is a record of facts, written to a
// file as the cell ends. A [Verdict] is a pure function of the scenario and
// the observation (and of the observations of the cell's controls), so an old
// run can be graded again. A publication is a pure function of a [Matrix]:
//
//	run, err := rundir.Open("results/runs/latest") // observations on disk
//	m, err := suites.Regrade(run)                  // verdicts
//	err = publish.All(run.Path, m)                 // matrix.json, matrix.md, junit.xml
//
// Nothing here, nor in the packages below it, needs a container engine.
package results
