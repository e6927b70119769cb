package suites

import (
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/suites/stage"
)

// directTLS is section 1.7 of the catalogue. XEP-0368 is optional: who never asks the
// DNS for it, or has nothing that listens for it, does not support it.
var directTLS = []Scenario{
	{
		ID:    "s2s/direct-tls/initiate",
		Asks:  "Only _xmpps-server published",
		Core:  true,
		Cites: cites(must("XEP-0368", "3")),
		Worlds: []World{
			directly(World{Name: "pair", Initiator: P2("good"), Receiver: P2("good")}),
			initiating("peer", P2("good"), onlyDirect,
				judge.Note(toDirect, "delivered tls pkix").Or(results.NoInterop, "direct TLS was to be had", "error *")).
				checked(looksForDirectTLS(), beginsWithTLS()),
		},
		Stimulus: MessageAndReply,
	},
	{
		ID:    "s2s/direct-tls/accept",
		Asks:  "Receiver side",
		Cites: cites(must("XEP-0368", "3"), policy("XEP-0479")),
		Worlds: []World{receiving("", P2("good"), acceptDirect,
			listens(directHandshake),
			judge.Note(fromDirect, stage.Delivered).Else(results.NoInterop).IfNoted())},
	},
	{
		ID:    "s2s/direct-tls/sni-alpn",
		Asks:  "Extensions",
		Cites: cites(must("XEP-0368", "3"), should("XEP-0368", "3")),
		Worlds: []World{initiating("", P2("good"), extensions,
			judge.Note(serverName, "the domain").
				Or(results.Fail, "the certificate is the domain's, and so is the name", "the SRV target", "none", "another").IfNoted(),
			judge.Note(protocolOffered, "xmpp-server").
				Or(results.Weaker, "nothing tells the connection from one of another protocol", "none").
				Or(results.Fail, "it is none of a stream between servers", "another").IfNoted(),
			judge.Note(toDirect, "delivered tls pkix").Or(results.NoInterop, "it did not begin a handshake", "error *").IfNoted()).
			checked(looksForDirectTLS())},
	},
	{
		ID:    "s2s/direct-tls/alpn-mismatch",
		Asks:  "ALPACA mitigation",
		Cites: cites(must("RFC 7301", "3.2"), should("RFC 9325", "3.8")),
		Worlds: []World{receiving("", P2("good"), otherProtocols,
			listens(protocolAlone("xmpp-server")),
			refusesProtocol("http/1.1"),
			refusesProtocol("xmpp-client"))},
	},
	{
		ID:    "s2s/direct-tls/no-starttls-inside",
		Asks:  "STARTTLS inside TLS",
		Cites: cites(must("XEP-0368", "3")),
		Worlds: []World{
			receiving("in", P2("good"), featuresInDirect,
				listens(directHandshake),
				judge.Note(starttlsInside, "not offered").Or(results.Fail, "there is TLS already", "offered").Else(results.NoInterop).IfNoted()),
			initiating("out", P2("good"), offersInDirect,
				judge.Note(asksHonest, "not sent"),
				judge.Note(asksLiar, "not sent").Or(results.Fail, "there is TLS already", "sent"),
				judge.Note(toDirect, "delivered tls pkix").Or(results.NoInterop, "direct TLS was to be had", "error *")).
				checked(looksForDirectTLS()),
		},
	},
	{
		ID:    "s2s/direct-tls/same-validation",
		Asks:  "Same certificate rules as STARTTLS?",
		Cites: cites(must("XEP-0368", "3")),
		Worlds: []World{
			sameValidation("other", "the certificate is somebody else's"),
			sameValidation("self", "nobody whom it trusts issued the certificate"),
			sameValidation("expired", "the certificate is not valid today"),
		},
	},
	{
		ID:    "s2s/direct-tls/merged-priorities",
		Asks:  "Both record sets",
		Cites: cites(should("XEP-0368", "3"), may("XEP-0368", "3")),
		Worlds: []World{
			initiating("starttls-first", P2("good"), bothKinds(20),
				judge.Note(firstTried, withSTARTTLS).
					Or(results.Weaker, "it prefers direct TLS to what the priorities say, as it may", withDirectTLS).IfNoted(),
				judge.Note(toEither, "delivered tls *").Else(results.NoInterop)).
				checked(looksForDirectTLS()),
			initiating("direct-first", P2("good"), bothKinds(5),
				judge.Note(firstTried, withDirectTLS).
					Or(results.Weaker, "it prefers STARTTLS to what the priorities say, as it may", withSTARTTLS).IfNoted(),
				judge.Note(toEither, "delivered tls *").Else(results.NoInterop)).
				checked(looksForDirectTLS()),
		},
	},
	{
		ID:    "s2s/direct-tls/dot",
		Asks:  `_xmpps-server has the target "."`,
		Cites: cites(should("XEP-0368", "5"), must("XEP-0368", "5")),
		Worlds: []World{initiating("", P2("good"), directDot,
			judge.Note(toEither, "delivered tls *").Or(results.NoInterop, "STARTTLS was to be had", "error *")).
			checked(looksForDirectTLS(), notAtDomain())},
	},
	{
		ID:    "s2s/direct-tls/broken-endpoint-fallback",
		Asks:  "The first endpoint does not do direct TLS, or has a bad certificate",
		Cites: cites(policy("community practice"), should("RFC 6120", "3.3")),
		Worlds: []World{
			initiating("starttls-port", P2("good"), directToSTARTTLS, fallsBack).checked(looksForDirectTLS()),
			initiating("bad-certificate", P2("good"), directToOther, fallsBack).checked(looksForDirectTLS()),
		},
	},
}
