// Package selftest shows that every row of the catalogue can go red: it puts each
// to the reference, which has to pass, and to mutants of the reference that each
// break one rule (package fixtures/reference), of which the row has to find one.
// It runs in this process, without containers.
//
//	report, err := selftest.Run(ctx, selftest.Options{})
//	report.Write(os.Stdout)
//	if !report.OK() { ... }
//
// What it is not: a test of any server. That a row catches a mutant does not mean
// that it catches every server that breaks the rule in another way.
package selftest
