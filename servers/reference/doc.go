// Package reference is the subject reference@testday: the server of package
// fixtures/reference, which does what the standards say, as one subject among
// others. It runs in the harness's own process and needs no image.
//
//	make interop SERVERS=reference,prosody
//
// It is the positive control of every row: a cell in which it is red is a defect of
// the row, or of the reference. With faults it is a mutant, for the self-test:
//
//	reference.Driver{Faults: []reference.Fault{reference.BelievesKeys}}
package reference
