package suites

import (
	"time"

	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/suites/stage"
)

// dialback is section 1.2 of the catalogue.
var dialback = []Scenario{
	{
		ID:       "s2s/dialback/over-tls",
		Asks:     "The manifesto's fallback: encrypted, weakly identified",
		Core:     true,
		Cites:    cites(may("RFC 7590", "3.4"), may("XEP-0344", "2.3"), policy("manifesto")),
		Worlds:   one(P1("self"), P1("self")),
		Stimulus: MessageAndReply,
		Checks:   []judge.Check{judge.OneHandshakePerConnection()},
	},
	{
		ID:    "s2s/dialback/self-signed-strict-refused",
		Asks:  "P2 must not fall back",
		Core:  true,
		Cites: cites(must("RFC 6120", "13.7.2"), may("XEP-0220", "2.5")),
		Worlds: []World{
			{Name: "initiator", Initiator: P1("self"), Receiver: P2("good")},
			{Name: "receiver", Initiator: P2("good"), Receiver: P1("self")},
			receiving("peer", P2("good"), selfSignedPeer,
				judge.Note(strictOffer, "not offered").IfNoted().
					Or(results.Weaker, "it cannot succeed", "offered"),
				judge.Note(strictAnswer, "dialback error not-authorized", "stream error not-authorized", "failure not-authorized", "alert *").
					Or(results.Exposed, "nothing authenticates the peer", peer.TypeValid, stage.Success).
					Or(results.Weaker, "it does not say that the peer is not authorized", "dialback error *", "stream error *", "failure*", peer.TypeInvalid, stage.Closed, stage.Nothing),
				notDelivered(strictAfter).IfNoted()).
				checked(noDialOut()),
		},
		Stimulus: MessageAndReply,
	},
	{
		ID:    "s2s/dialback/spoofed-sender",
		Asks:  "Does a wrong key lose?",
		Core:  true,
		Cites: cites(must("XEP-0220", "2.2.1")),
		Worlds: []World{receiving("", P1("good"), spoofedSender,
			judge.Note(spoofAnswer, peer.TypeInvalid, "dialback error forbidden").
				Or(results.Exposed, "the victim's server had not vouched for it", peer.TypeValid).
				Or(results.Weaker, "it does not say that the key is invalid", "dialback error *", "stream error *", stage.Closed),
			judge.Note(spoofAsked, "yes").
				Or(results.Weaker, "a receiving server that allows dialback asks before it refuses", "no"),
			judge.Note(spoofStream, "stream error *", stage.Closed).IfNoted().
				Or(results.Fail, "it has to be closed, for its only pair is invalid", stage.Open),
			notDelivered(spoofMessage))},
	},
	{
		ID:    "s2s/dialback/unsolicited-verify",
		Asks:  "Unasked “valid” from the attacker",
		Core:  true,
		Cites: cites(must("XEP-0220", "2.1.2"), must("XEP-0220", "3.1"), sec("CVE-2012-3525", "")),
		Worlds: []World{
			receiving("in", P1("good"), unsolicitedVerifyIn, notDelivered(unsolicitedMessage)),
			receiving("out", P1("good"), unsolicitedVerifyOut, notDelivered(unsolicitedMessage)),
		},
	},
	{
		ID:    "s2s/dialback/unsolicited-result",
		Asks:  "Unasked authorisation",
		Cites: cites(must("XEP-0220", "2.1.1"), must("XEP-0220", "3.1")),
		Worlds: []World{
			initiating("early", P1("good"), resultBeforeAnswer, resultExpect),
			initiating("open", P1("good"), resultOnOpenStream, resultExpect),
		},
	},
	{
		ID:    "s2s/dialback/verify-on-wrong-stream",
		Asks:  "Right answer, wrong stream",
		Cites: cites(must("XEP-0220", "2.1.2")),
		Worlds: []World{
			receiving("in", P1("good"), verifyOnWrongStream(false), wrongStreamExpect...),
			receiving("out", P1("good"), verifyOnWrongStream(true), wrongStreamExpect...),
		},
	},
	{
		ID:    "s2s/dialback/key-bound-to-tuple",
		Asks:  "Is a key good only for its (from,to,id)?",
		Cites: cites(must("XEP-0220", "2.2.2"), should("XEP-0185", "2")),
		Worlds: []World{
			initiating("", P1("good"), keyBoundToTuple, append(goodOnlyExactly(otherTuples),
				notGood(otherSender).Or(results.Weaker, "the key is made without the sender's domain", peer.TypeValid))...).withOther(),
		},
	},
	{
		ID:    "s2s/dialback/key-field-separation",
		Asks:  "The Wrong Number attack",
		Core:  true,
		Cites: cites(should("XEP-0185", "2"), sec("CVE-2016-0756", "")),
		Worlds: []World{
			initiating("", P1("good"), keyFieldSeparation, goodOnlyExactly(shiftedFields)...),
		},
	},
	{
		ID:    "s2s/dialback/stream-id-quality",
		Asks:  "Are ids unguessable and unique?",
		Cites: cites(must("RFC 6120", "4.7.3")),
		Worlds: []World{receiving("", P1("good"), streamIDs,
			judge.Note(idNote, idsFine).
				Or(results.Weaker, "they look as if they could be guessed", idsShort)).
			waiting(idTime).checked(recordedIDs())},
	},
	{
		ID:    "s2s/dialback/queue-until-valid",
		Asks:  "Patience",
		Cites: cites(must("XEP-0220", "2.1.1")),
		Worlds: []World{
			initiating("2s", P1("good"), queueUntilValid(2*time.Second),
				judge.Note(queuedMessage, "delivered tls dialback").
					Or(results.NoInterop, "it does not wait so long", "error *")).
				waiting(2 * time.Second).checked(nothingBeforeValid()),
			// In the end it may give up: "MAY impose a timeout".
			initiating("10s", P1("good"), queueUntilValid(10*time.Second),
				judge.Note(queuedMessage, "delivered tls dialback", "error *")).
				waiting(10 * time.Second).checked(nothingBeforeValid()),
		},
	},
	{
		ID:    "s2s/dialback/invalid-bounces",
		Asks:  "Is the sender told of “invalid”?",
		Cites: cites(must("XEP-0220", "2.1.1")),
		Worlds: []World{initiating("", P1("good"), invalidBounces,
			judge.Note(invalidMessage, "error internal-server-error").
				Or(results.Weaker, "another condition", "error *"))},
	},
	{
		ID:    "s2s/dialback/error-bounces",
		Asks:  "Is a dialback error told to the sender, and not fatal?",
		Cites: cites(must("XEP-0220", "2.1.1"), must("XEP-0220", "2.5")),
		Worlds: []World{initiating("", P1("good"), errorBounces,
			judge.Note(errorMessage, "error remote-server-timeout").
				Or(results.Weaker, "another condition", "error *"),
			judge.Note(errorThen, "delivered tls dialback"),
			judge.Note(errorStream, "the same"))},
	},
	{
		ID:    "s2s/dialback/authoritative-unreachable",
		Asks:  "Does the receiving server report why?",
		Cites: cites(should("XEP-0220", "2.5")),
		Worlds: []World{
			receiving("closed", P1("good"), unreachable(closedPort), unreachableExpect("remote-connection-failed")...),
			// "Was unable to establish a connection" is true of the next two as well.
			receiving("nxdomain", P1("good"), unreachable(unpublishedServer), unreachableExpect("remote-server-not-found", "remote-connection-failed")...),
			receiving("silent", P1("good"), unreachable(silentServer), unreachableExpect("remote-server-timeout", "remote-connection-failed")...),
			receiving("unanswered", P1("good"), unreachable(unansweredServer), unreachableExpect("remote-server-timeout")...),
		},
	},
	{
		ID:    "s2s/dialback/unknown-target",
		Asks:  "Asked for a domain not hosted",
		Cites: cites(must("XEP-0220", "2.2.1")),
		Worlds: []World{receiving("", P1("good"), unknownTarget,
			append(ifErrors(judge.Note(answerUnknown, "dialback error item-not-found").
				Or(results.Weaker, "a stream that carries another pair was closed for it", "stream error *", stage.Closed).
				Or(results.Weaker, "it does not say that it does not host the domain", "dialback error *", peer.TypeInvalid).
				Or(results.Fail, "it takes stanzas for a domain that it does not host", peer.TypeValid)),
				judge.Note(firstPairThen, stage.Delivered).IfNoted())...)},
	},
	{
		ID:    "s2s/dialback/verify-unknown-domain",
		Asks:  "The same, as authoritative server",
		Cites: cites(must("XEP-0220", "2.2.2")),
		Worlds: []World{receiving("", P1("good"), verifyUnknownDomain,
			append(ifErrors(judge.Note(verifyUnknown, "dialback error item-not-found").
				Or(results.Weaker, "it does not say that it does not host the domain", "dialback error *", peer.TypeInvalid).
				Or(results.Exposed, "it vouches for a domain that it does not host", peer.TypeValid)),
				judge.Note(verifyUnknownThen, stage.Open).IfNoted())...)},
	},
	{
		ID:    "s2s/dialback/errors-feature",
		Asks:  "Does a server that sends dialback errors say so?",
		Cites: cites(must("XEP-0220", "2.4.2")),
		Worlds: []World{receiving("", P1("good"), errorsAdvertised,
			judge.Note(errorsFeature, advertised).
				Or(results.NotSupported, "the features lack them", notAdvertised),
			judge.Note(errorsSent, "stream error *", stage.Closed, stage.Nothing, peer.TypeValid, peer.TypeInvalid).IfNoted().
				Or(results.Fail, "it sends dialback errors, and does not advertise them", "dialback error *"))},
	},
	{
		ID:    "s2s/dialback/second-sender-on-stream",
		Asks:  "Does a stream carry a second sender?",
		Cites: cites(may("XEP-0220", "2.7.1")),
		Worlds: []World{receiving("", P1("good"), secondSenderOnStream,
			judge.Note(senderTooEarly, brokeOff...).Or(results.Exposed, "nobody had vouched for it", stage.Delivered),
			judge.Note(secondSender, "valid").
				Or(results.NotSupported, "a stream carries one sender", "dialback error *").
				Or(results.Weaker, "a stream that carries another pair was closed for it", brokeOff...),
			judge.Note(firstMessage, stage.Delivered).IfNoted(),
			judge.Note(secondMessage, stage.Delivered).IfNoted())},
	},
	{
		ID:    "s2s/dialback/second-target-on-stream",
		Asks:  "Is a second target asked for on the stream of the first?",
		Cites: cites(should("XEP-0220", "2.7.2")),
		Worlds: []World{
			initiating("errors", P1("good"), secondTargetOnStream(peer.OfferDialbackErrors()),
				byDialback(firstTarget), byDialback(secondTarget), judge.Note(targetsAsked, "one", "two").Else(results.NoInterop)),
			initiating("no-errors", P1("good"), secondTargetOnStream(peer.OfferDialback()),
				byDialback(firstTarget), byDialback(secondTarget),
				judge.Note(targetsAsked, "two").Or(results.Weaker, "the peer does not advertise dialback errors", "one").Else(results.NoInterop)).
				checked(oneTargetPerStream()),
		},
	},
	{
		ID:    "s2s/dialback/bad-second-pair-keeps-first",
		Asks:  "Does one bad pair leave the others of a stream alone?",
		Cites: cites(must("XEP-0220", "2.2.1")),
		Worlds: []World{receiving("", P1("good"), badSecondPair,
			judge.Note(badPair, "invalid", "dialback error *").
				Or(results.Weaker, "a stream that carries another pair was closed for it", brokeOff...).
				Or(results.Exposed, "the authoritative server said that it is not", "valid"),
			judge.Note(firstPairOn, stage.Delivered).
				Or(results.Weaker, "a stream that carries another pair was closed for it", brokeOff...),
			judge.Note(firstPairNew, stage.Delivered).IfNoted())},
	},
	{
		ID:    "s2s/dialback/stanza-from-unauthorised-pair",
		Asks:  "Authorised for one pair, does it speak for others?",
		Core:  true,
		Cites: cites(must("RFC 6120", "4.9.3.9"), must("RFC 6120", "8.1.2.2"), may("XEP-0220", "1.2")),
		Worlds: []World{receiving("", P1("good"), unauthorisedPair,
			judge.Note(fromOther, brokeOff...).Or(results.Exposed, "nobody vouched for that domain", stage.Delivered),
			judge.Note(toOther, brokeOff...).Citing(must("RFC 6120", "8.1.1.2"))).withOther()},
	},
	{
		ID:    "s2s/dialback/verify-leg-encrypted",
		Asks:  "Is the dial-back connection itself encrypted?",
		Cites: cites(policy("manifesto"), may("XEP-0220", "2.1.2")),
		Worlds: []World{receiving("", P1("good"), verifyLegEncrypted,
			judge.Note(verifyLeg, "inside TLS").
				Or(results.Weaker, "XEP-0220 section 2.1.2 allows it, and TLS was on offer", "in clear").
				Or(results.NoInterop, "the authoritative server was not asked", "not sent"),
			judge.Note(verifyAnswer, "valid").Else(results.NoInterop))},
	},
	{
		ID:    "s2s/dialback/cert-checked-for-this-domain",
		Asks:  "Does a certificate vouch for a domain that it does not name?",
		Cites: cites(sec("XEP-0344", "2.5"), sec("XEP-0344", "3.3"), sec("CVE-2021-32919", "")),
		Worlds: []World{receiving("", P1("good"), certificateOfAnother,
			expectDisbelief(victimClaimed, victimSpoken, "the certificate is one of another domain")...)},
	},
	{
		ID:    "s2s/dialback/external-failed-then-dialback",
		Asks:  "Is dialback used when EXTERNAL is refused, and the stream kept?",
		Core:  true,
		Cites: cites(may("XEP-0178", "3")),
		Worlds: []World{initiating("", P1("good"), externalFailedThenDialback,
			byDialback(refusedMessage), judge.Note(externalTried, "tried", "not tried"))},
	},
	{
		ID:    "s2s/dialback/external-failed-and-closed",
		Asks:  "What follows when EXTERNAL is refused, and the stream closed?",
		Cites: cites(policy("community practice"), may("XEP-0178", "3")),
		Worlds: []World{initiating("", P1("good"), externalFailedAndClosed,
			judge.Note(connections, "two at most", "a few").Or(results.Fail, "it does not learn from a refusal", "again and again"),
			judge.Note(refusedMessage, "delivered tls dialback", "error *").
				Or(results.Exposed, "it crossed in clear", "delivered clear *").IfNoted())},
	},
	{
		ID:     "s2s/dialback/no-sasl-offered",
		Asks:   "Is dialback enough where no SASL is offered?",
		Cites:  cites(may("XEP-0178", "3")),
		Worlds: []World{initiating("", P1("good"), noSASLOffered, byDialback(noSASLMessage))},
	},
	{
		ID:       "s2s/dialback/simultaneous",
		Asks:     "Both sides dial at once",
		Cites:    cites(must("RFC 6120", "10.1")),
		Worlds:   one(P1("self"), P1("self")),
		Stimulus: TwentyEachWay,
		Checks:   []judge.Check{judge.InOrderOnce()},
	},
	{
		ID:     "s2s/dialback/addressing-missing",
		Asks:   "What becomes of dialback elements without from, to or id?",
		Cites:  cites(must("XEP-0220", "2.1")),
		Worlds: []World{receiving("", P1("good"), addressingMissing, expectAddressing()...)},
	},
	{
		ID:    "s2s/dialback/prefix-other-than-db",
		Asks:  "Is a prefix other than db understood?",
		Cites: cites(must("XEP-0220", "2"), may("XEP-0220", "2.4.1")),
		Worlds: []World{receiving("", P1("good"), prefixOtherThanDB,
			judge.Note(otherPrefix, "valid").
				Or(results.NoInterop, "it was dropped without a word", "stream error connection-timeout", stage.Nothing).
				Or(results.Pass, "", "stream error *").
				Or(results.Weaker, "it was understood, and refused", "dialback error *"),
			judge.Note(otherPrefixThen, stage.Delivered).IfNoted())},
	},
	{
		ID:    "s2s/dialback/self-domain-asserted",
		Asks:  "Can a peer claim to be the server itself?",
		Cites: cites(sec("XEP-0220", "2.2.1")),
		Worlds: []World{receiving("", P1("good"), selfAsserted,
			expectDisbelief(selfClaimed, selfSpoken, "the domain is its own")...)},
	},
}
