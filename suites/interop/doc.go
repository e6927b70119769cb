// Package interop is the main job: it plans, runs and publishes a test day
// under Ginkgo, one spec a cell.
//
//	make interop                                   # the usual way
//	make interop LABELS='family: containsAny s2s-pkix'       # some of it
//	go test ./suites/interop -args -ginkgo.focus=mutual-external
//
// It needs a container engine, and so runs only when TESTDAY_DOCKER=1 is set;
// `make interop` sets it. Labels are "family: ...", "level: ...", "from: ...",
// "to: ..." and "core", so that Ginkgo's filters, focus, dry run and JUnit work as
// its users expect. A spec is its cell: it passes unless the gate would stop at
// the cell. All cells are observed concurrently behind the specs, which only wait
// for theirs.
package interop
