// Package ca is the private certification authority of the lab.
//
// An [Authority] is a root, one intermediate below it, and a second pair of
// both which nobody trusts. What it issues is described by a [Leaf]: a template
// of which only the fields that matter are set, because every zero value is what
// a well-run server would have, and every defect is one field.
//
//	a, err := ca.New()
//	good, err := a.Issue(ca.Leaf{Names: []string{"a.lab"}})
//	stale, err := a.Issue(ca.Leaf{Names: []string{"a.lab"}, NotAfter: -time.Hour})
//
// The scenarios speak of certificates by a short code, a [Kind]:
//
//	cert, err := a.Make(ca.UnknownCA, "a.lab")
//
// A [Certificate] is the chain exactly as it goes on the wire, and its key.
// Subjects trust [Authority.RootPEM] and nothing else.
package ca
