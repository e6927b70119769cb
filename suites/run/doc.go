// Package run executes a plan: it builds images, starts the lab and the
// servers, observes the cells concurrently, has each judged, and leaves a run
// folder that can be published.
//
//	r, err := run.New(plan, run.Config{Dir: dir, Report: report})
//	if err != nil { ... }
//	if err := r.Boot(ctx); err != nil { ... }
//	go r.Observe(ctx)
//	cell := r.Wait(ctx, "s2s/starttls/required-both:prosody@13:ejabberd@26.07")
//	matrix, err := r.Close(ctx)
//
// Most of a cell is waiting, so many are in flight at once; what uses the
// processor, logging in and reading the streams, is bounded by the cores. A cell
// ends on what its clients are told: a delivered stanza or an error. A deadline
// is the last resort and is said so in the observation.
package run
