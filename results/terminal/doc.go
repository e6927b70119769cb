// Package terminal shows a test day on a terminal while it runs, and sums it up at
// the end.
//
//	t := terminal.New(os.Stdout)
//	t.Step("building image prosody@13")
//	for cell := range cells {
//		t.Cell(cell, done, total, inFlight)
//	}
//	t.Finish(matrix, gate.Lines(), "results/runs/latest/index.html")
//
// On a terminal the last line is live: cells done, in flight and red, the time
// that went by, and the time that is left once there is something to estimate it
// from. Elsewhere a line of progress is written at each tenth, without a single
// control character. Red cells and errors of the harness are told as they
// happen. NO_COLOR is honoured.
//
// What servers said is hostile: nothing in it steers the terminal or ends a line.
package terminal
