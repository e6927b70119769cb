package suites

import (
	"github.com/xmpp-testday/testday/fixtures/peer/hello"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/suites/stage"
)

// starttls is section 1.1 of the catalogue.
var starttls = []Scenario{
	{
		ID:       "s2s/starttls/required-both",
		Asks:     "Do two servers that require encryption federate at all?",
		Core:     true,
		Cites:    cites(must("RFC 6120", "13.4"), must("RFC 7590", "3.1"), policy("manifesto")),
		Worlds:   one(P1("good"), P1("good")),
		Stimulus: MessageAndReply,
		AnyAuth:  true,
		Checks:   []judge.Check{judge.OneHandshakePerConnection(), judge.TLSAtLeast("TLS 1.2")},
	},
	{
		ID:     "s2s/starttls/required-advertised",
		Asks:   "Does a TLS-requiring receiver say so?",
		Cites:  cites(must("RFC 6120", "5.4.1")),
		Worlds: []World{receiving("", P1("good"), featuresInClear, judge.Note(starttlsInClear, "required"))},
	},
	{
		ID:    "s2s/starttls/nothing-else-before-tls",
		Asks:  "Does a TLS-requiring receiver hold back everything else?",
		Cites: cites(should("RFC 6120", "5.3.1"), must("RFC 6120", "6.3.4")),
		Worlds: []World{receiving("", P1("good"), featuresInClear,
			judge.Note(mechanismInClear, "none").
				Or(results.Weaker, "it needs no TLS, and is still to be held back", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-*"),
			judge.Note(compressionInClear, "none").Else(results.Weaker).Citing(should("RFC 6120", "5.3.1")))},
	},
	{
		ID:    "s2s/starttls/stanza-before-tls-refused",
		Asks:  "Can a peer skip STARTTLS?",
		Core:  true,
		Cites: cites(policy("manifesto"), may("XEP-0220", "2.5"), must("RFC 6120", "4.9.3.12")),
		Worlds: []World{
			receiving("at-once", P1("good"), stanzaInClear,
				judge.Note(messageInClear, "stream error policy-violation", "stream error not-authorized").
					Or(results.Exposed, "it requires TLS, and believes whoever sends", stage.Delivered).
					Or(results.Weaker, "it gives another reason", "stream error *").
					Or(results.Weaker, "it gives no reason", stage.Closed)),
			receiving("after-dialback", P1("good"), dialbackThenStanzaInClear,
				judge.Note(dialbackInClear, "dialback error policy-violation", "stream error policy-violation", "stream error not-authorized").
					Or(results.Exposed, "it requires TLS, and authorises in clear", "valid").
					Or(results.Weaker, "it gives another reason", "dialback error *", "stream error *", "invalid").
					Or(results.Weaker, "it gives no reason", stage.Closed, stage.Nothing),
				judge.Note(messageThen, "stream error *", stage.Closed).Or(results.Exposed, "it requires TLS", stage.Delivered).IfNoted()),
		},
	},
	{
		ID:    "s2s/starttls/plaintext-only-peer",
		Asks:  "Does a TLS-requiring initiator refuse a peer that has no TLS?",
		Core:  true,
		Cites: cites(policy("manifesto"), must("RFC 6120", "10.4.3")),
		Worlds: []World{initiating("", P1("good"), messageTo(toPlaintext, plaintextPeer...),
			judge.Note(toPlaintext, "error remote-server-timeout").
				Or(results.Weaker, "the sender is told something else than remote-server-timeout", "error *").
				Or(results.Exposed, "it requires TLS", "delivered *"))},
	},
	{
		ID:    "s2s/starttls/attempt-when-not-advertised",
		Asks:  "Is the initiator deterred by a missing feature (stripping)?",
		Core:  true,
		Cites: cites(must("RFC 7590", "3.1")),
		Worlds: []World{
			initiating("P0", P0("good"), messageTo(toHiding, hidingPeer...), notDeterred).checked(asksForTLS(must("RFC 7590", "3.1"))),
			initiating("P1", P1("good"), messageTo(toHiding, hidingPeer...), notDeterred).checked(asksForTLS(must("RFC 7590", "3.1"))),
		},
	},
	{
		ID:    "s2s/starttls/optional-still-used",
		Asks:  "Is TLS used when merely offered?",
		Cites: cites(should("RFC 7590", "3.4"), policy("manifesto")),
		Worlds: []World{initiating("", P0("good"), messageTo(toOffering, offeringPeer...),
			judge.Note(toOffering, "delivered tls *").
				Or(results.Weaker, "TLS was to be had", "delivered clear *").
				Or(results.NoInterop, "", "error *"))},
	},
	{
		ID:    "s2s/starttls/policy-mismatch",
		Asks:  "Required meets disabled: is the failure clean on both sides?",
		Cites: cites(policy("manifesto"), must("RFC 6120", "10.4.3")),
		Worlds: []World{
			{Name: "required-off", Initiator: P1("good"), Receiver: Off("good")},
			{Name: "off-required", Initiator: Off("good"), Receiver: P1("good")},
		},
		Stimulus: MessageEachWay,
	},
	{
		ID:    "s2s/starttls/restart-fresh",
		Asks:  "Is the stream replaced after TLS?",
		Cites: cites(must("RFC 6120", "5.4.3.3")),
		Worlds: []World{receiving("", P1("good"), restart,
			judge.Note(streamInside, "a new header and features"),
			judge.Note(idInside, "a new one").IfNoted(),
			judge.Note(starttlsInside, "not offered").IfNoted())},
	},
	{
		ID:    "s2s/starttls/pre-tls-state-discarded",
		Asks:  "Is anything said in clear believed afterwards?",
		Cites: cites(must("RFC 6120", "5.4.3.3")),
		Worlds: []World{
			receiving("in-from", P1("good"), clearHeaderFromOther,
				judge.Note(fromInside, stage.Delivered).
					Or(results.Fail, "it holds what was said in clear against what is said inside TLS", "stream error *"),
				judge.Note(fromInClear, "stream error *", stage.Closed).
					Or(results.Exposed, "who was named in clear was never authenticated", stage.Delivered).IfNoted()),
			initiating("out-from", P1("good"), otherFrom,
				judge.Note(toOtherFrom, "delivered tls *").Or(results.NoInterop, "what was said in clear is held against the peer", "error *")),
			initiating("out-features", P1("good"), messageTo(toOtherOffer, otherOfferPeer...),
				judge.Note(toOtherOffer, "delivered tls dialback").
					Or(results.Fail, "it used what was offered in clear, and not inside TLS", "delivered tls pkix").
					Or(results.NoInterop, "", "error *")),
		},
	},
	{
		ID:    "s2s/starttls/failure-closes",
		Asks:  "Malformed STARTTLS",
		Cites: cites(must("RFC 6120", "5.4.2.2")),
		Worlds: []World{
			receiving("not-offered", Off("good"), failSTARTTLS((*stage.Peer).Open, plainSTARTTLS), failureCloses()...),
			receiving("after-tls", P1("good"), failSTARTTLS((*stage.Peer).Secure, plainSTARTTLS), failureCloses()...),
			receiving("junk-child", P1("good"), failSTARTTLS((*stage.Peer).Open, junkSTARTTLS), failureCloses("<proceed/>")...),
		},
	},
	{
		ID:    "s2s/starttls/handshake-abort-silent",
		Asks:  "TLS failure handling",
		Cites: cites(must("RFC 6120", "5.4.3.2")),
		Worlds: []World{
			receiving("in-alert", P1("good"), abortWithAlert, endsSilently()),
			receiving("in-no-cipher", P1("good"), abortWithoutSuite, helloRefused(helloNoSuite), endsSilently()),
			initiating("out", P1("good"), abortByPeer, endsSilently()),
		},
	},
	{
		ID:    "s2s/starttls/no-plaintext-retry",
		Asks:  "After a failed handshake does it retry in clear?",
		Cites: cites(may("RFC 6120", "5.4.3.2"), policy("manifesto")),
		Worlds: []World{initiating("", P1("good"), retriesAfterFailure,
			judge.Note(toFailing, "error *").Or(results.Exposed, "it requires TLS", "delivered *"),
			judge.Note(toFailingLater, "error *").Or(results.Exposed, "it requires TLS", "delivered *").IfNoted()).
			checked(asksForTLS(policy("manifesto"))).waiting(retryTime)},
	},
	{
		ID:    "s2s/starttls/proceed-byte-precision",
		Asks:  "Segmentation",
		Cites: cites(must("RFC 6120", "5.4.2.3")),
		Worlds: []World{
			receiving("in", P1("good"), sendByteByByte, judge.Note(fromBytewise, stage.Delivered)),
			initiating("out", P1("good"), receiveByteByByte, judge.Note(toBytewise, "delivered tls *")),
		},
	},
	{
		ID:    "s2s/starttls/old-tls-refused",
		Asks:  "SSLv3/TLS 1.0/1.1",
		Core:  true,
		Cites: cites(must("RFC 8996", ""), must("RFC 9325", "3.1.1")),
		Worlds: []World{
			receiving("in", P1("rsa"), offerOldTLS, oldTLSRefused()...),
			initiating("out", P1("good"), messageToOldTLS, oldTLSAvoided()...),
		},
	},
	{
		ID:    "s2s/starttls/tls13-preferred",
		Asks:  "Is TLS 1.3 negotiated?",
		Cites: cites(must("RFC 9325", "3.1.1")),
		Worlds: []World{
			{Initiator: P1("good"), Receiver: P1("good")},
			receiving("in", P1("good"), chooseVersion,
				judge.Note(versionChosen, "TLS 1.3").
					Or(results.Weaker, "it has no TLS 1.3", "TLS 1.2").Citing(should("RFC 9325", "3.1.1"))),
		},
		Stimulus: MessageAndReply,
		AnyAuth:  true,
		Checks:   []judge.Check{judge.PrefersTLS("TLS 1.3")},
	},
	{
		ID:    "s2s/starttls/bad-ciphers-refused",
		Asks:  "NULL, EXPORT, RC4, 3DES, anon",
		Cites: cites(must("RFC 9325", "4.1")),
		Worlds: []World{
			receiving("in", P1("rsa"), offerClasses, badCiphersRefused()...),
			initiating("out", P1("good"), messageToBadCiphers, badCiphersAvoided()...),
		},
	},
	{
		ID:    "s2s/starttls/forward-secrecy-only",
		Asks:  "Does a server with only forward-secret suites federate?",
		Cites: cites(policy("manifesto"), should("RFC 9325", "4.1")),
		Worlds: []World{
			{Name: "initiator", Initiator: forwardSecret(P1("good")), Receiver: P1("good")},
			{Name: "receiver", Initiator: P1("good"), Receiver: forwardSecret(P1("good"))},
		},
		Stimulus: MessageAndReply,
		AnyAuth:  true,
		Checks:   []judge.Check{judge.ForwardSecret()},
	},
	{
		ID:    "s2s/starttls/renegotiation",
		Asks:  "Renegotiation flood / insecure renegotiation",
		Cites: cites(must("RFC 6120", "5.3.5"), sec("CVE-2021-32920", "")),
		Worlds: []World{
			receiving("flood", P1("good"), renegotiate(renegotiated, maxRenegotiations, hello.WithRenegotiationInfo),
				judge.Note(renegotiated, "no_renegotiation*", "ignored", "fatal *", "close_notify*", "closed with *", withoutTLS12).
					Or(results.Weaker, "a handshake costs the server more than the peer", "accepted"),
				judge.Note(streamAfter, stage.Delivered).IfNoted()),
			receiving("insecure", P1("good"), renegotiate(renegotiatedOld, 1, hello.WithoutRenegotiationInfo),
				judge.Note(renegotiatedOld, "fatal *", "closed with *", "close_notify*", "no_renegotiation, close*", withoutTLS12).
					Or(results.Fail, "the connection is to be closed", "no_renegotiation", "ignored").
					Or(results.Fail, "what was said before may have been somebody else's: CVE-2009-3555", "accepted"),
				judge.Note(streamAfter, stage.Delivered).IfNoted()).checked(noStreamError()),
		},
	},
	{
		ID:    "s2s/starttls/no-version-attribute",
		Asks:  "Pre-1.0 stream as a downgrade",
		Cites: cites(must("RFC 6120", "4.7.5"), policy("manifesto")),
		Worlds: []World{
			receiving("in", P1("good"), noVersion,
				judge.Note(dialbackNoVersion, "stream error *", "dialback error *", stage.Closed, stage.Nothing).
					Or(results.Exposed, "it requires TLS, and authorises in clear", "valid"),
				judge.Note(messageThen, "stream error *", stage.Closed).Or(results.Exposed, "it requires TLS", stage.Delivered).IfNoted()),
			initiating("out", P1("good"), messageTo(toNoVersion, pre10Peer...),
				judge.Note(toNoVersion, "delivered tls *", "error *").Or(results.Exposed, "it requires TLS", "delivered *")),
		},
	},
	{
		ID:    "s2s/starttls/resumption-per-identity",
		Asks:  "Session tickets across identities",
		Cites: cites(must("RFC 7590", "3.3"), must("RFC 9325", "3.4")),
		Worlds: []World{
			receiving("from", P1("good"), resume(func(st *stage.Stage) string { return st.Domain }), ownIdentity()...),
			receiving("to", P1("good"), resume(func(st *stage.Stage) string { return st.Other }), ownIdentity()...).withOther(),
		},
	},
}
