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
//
// A run folder is there to stay once the lab is up, and so is the link to it. What
// ends the day after that, Ctrl-C or a full disk, is told in one line; the cells
// that have finished are published, and the others are skipped. With
// TESTDAY_SHORT=1, as in `make test`, the day is two cells in a temporary folder, and
// the test looks into what it wrote.
package interop
