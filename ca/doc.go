// Package ca is the private certification authority of the lab.
//
// An [Authority] is a root, and one intermediate below it which signs leaves. There are
// two more pairs of both, one that nobody trusts and one that an operating system would,
// and a root that has expired. What it issues is described by a [Leaf]: a template of
// which only the fields that matter are set, because every zero value is what a well-run
// server would have, and every defect is one field.
//
//	a, err := ca.New()
//	good, err := a.Issue(ca.Leaf{Names: []string{"a.lab"}})
//	stale, err := a.Issue(ca.Leaf{Names: []string{"a.lab"}, NotAfter: -time.Hour})
//	srvid, err := a.Issue(ca.Leaf{SRVNames: []string{"_xmpp-server.a.lab"}})
//	rooms, err := a.Issue(ca.Leaf{Names: []string{"*.a.lab"}})
//
// The scenarios speak of certificates by a short code, a [Kind]:
//
//	cert, err := a.Make(ca.UnknownCA, "a.lab")
//
// A [Certificate] is the chain exactly as it goes on the wire, and its key.
// Subjects trust [Authority.RootPEM] and nothing else, unless it is the question
// whether they trust [Authority.PublicRoot] too.
//
// Whether a certificate was revoked, the authority says in two ways: by a revocation
// list ([Leaf.Revoked], [Authority.RevocationList]) and as an OCSP responder ([Leaf.OCSP],
// [Authority.ServeOCSP]), whose answer a server can staple ([Leaf.Staple]). A certificate
// names no source but those that its template asks for.
package ca
