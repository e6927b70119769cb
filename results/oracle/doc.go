// Package oracle answers what may and what should happen when one XMPP server
// opens a stream to another, from nothing but how both are set: encryption
// policy, certificate, strictness of validation, and Server Dialback.
//
// It is asked about one direction of federation, in which the initiating entity
// is the one that sends and that must be authenticated (RFC 7590 section 3.6).
//
//	i, _ := oracle.For("P1", "self")
//	r, _ := oracle.For("P1", "good")
//	answer := oracle.Ask(i, r)
//	answer.Best                // TLS with dialback
//	answer.Allowed             // TLS with dialback, no delivery
//	answer.Rule(oracle.PD)     // exposed, both: the initiator requires TLS and sent a stanza in clear, ...
//
// A cell has two directions, which [Both] asks at once.
//
// The answer is derived from one list of faults, each a way in which something
// delivered contradicts how a side was set. What has no fault is allowed, and the
// strongest of the allowed is the best. Two published tables check it: the
// expected outcomes of the Openfire project and the flows of XEP-0238; the tests
// hold both in full and argue each difference.
//
// Out of its sight are DANE and POSH, which validate a certificate by other means
// than PKIX, and bidirectional streams (XEP-0288), where a reply is judged by
// the stream that carried it.
package oracle
