// Package known is the gate: it tells what a run broke from what was broken
// before it.
//
// A file lists known failures. Each entry names cells by a pattern, the verdict
// they come to, and a substring of the cell's why, so that a cell which fails in
// another way is not excused:
//
//	# results/known.yaml
//	- cell: s2s/pkix/server-only-eku-inbound:*:jabberd2@2.7.0
//	  verdict: fail
//	  why: answered unsupported certificate purpose
//	  reason: validates an initiator's certificate for the purpose of a TLS client
//	  link: https://bugs.example.org/4392
//	  since: 2026-03-01
//
// The gate marks the cells that match and reports the rest:
//
//	file, err := known.Load("results/known.yaml")
//	report := file.Gate(matrix.Cells, known.Options{Complete: true})
//	for _, line := range report.Lines() {
//		fmt.Println(line)
//	}
//	os.Exit(report.ExitCode())
//
// # Patterns
//
// A pattern is compared with the whole of a cell's id. In it * stands for any
// number of characters except / and :, so it stays within one part of the id; **
// stands for any number of any characters; ? stands for one character except /
// and :. Every other character stands for itself.
//
// # Unexpected passes
//
// An entry is stale, and the gate red, when cells that it matches came to a verdict
// and none of them is what the entry says any more. While one of them still is,
// the others are free to pass: a pattern says that these cells may fail so, not
// that each does. When only part of a plan was run, the cells that still fail may
// be among those that were not, so a pattern with a wildcard is then never stale.
package known
