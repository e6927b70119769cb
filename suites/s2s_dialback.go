package suites

import (
	"context"

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
		},
		Stimulus: MessageAndReply,
	},
	{
		ID:    "s2s/dialback/second-sender-on-stream",
		Asks:  "Sender multiplexing",
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
		Asks:  "Target multiplexing",
		Cites: cites(should("XEP-0220", "2.7.2")),
		Worlds: []World{
			initiating("errors", P1("good"), secondTargetOnStream(peer.OfferDialbackErrors()),
				byDialback(firstTarget), byDialback(secondTarget), judge.Note(targetsAsked, "one", "two")),
			initiating("no-errors", P1("good"), secondTargetOnStream(peer.OfferDialback()),
				byDialback(firstTarget), byDialback(secondTarget),
				judge.Note(targetsAsked, "two").Or(results.Weaker, "the peer does not advertise dialback errors", "one")).
				checked(oneTargetPerStream()),
		},
	},
	{
		ID:    "s2s/dialback/bad-second-pair-keeps-first",
		Asks:  "Isolation of failure",
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
		Asks:  "Authorised as a, speaks as c",
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
		Asks:  "Dialback-without-dialback",
		Cites: cites(sec("XEP-0344", "2.5"), sec("XEP-0344", "3.3"), sec("CVE-2021-32919", "")),
		Worlds: []World{receiving("", P1("good"), certificateOfAnother,
			expectDisbelief(victimClaimed, victimSpoken, "the certificate is one of another domain")...)},
	},
	{
		ID:    "s2s/dialback/external-failed-then-dialback",
		Asks:  "EXTERNAL refused, stream kept",
		Core:  true,
		Cites: cites(may("XEP-0178", "3")),
		Worlds: []World{initiating("", P1("good"), externalFailedThenDialback,
			byDialback(refusedMessage), judge.Note(externalTried, "tried", "not tried"))},
	},
	{
		ID:    "s2s/dialback/external-failed-and-closed",
		Asks:  "EXTERNAL refused, stream closed",
		Cites: cites(policy("community practice"), may("XEP-0178", "3")),
		Worlds: []World{initiating("", P1("good"), externalFailedAndClosed,
			judge.Note(connections, "two at most", "a few").Or(results.Fail, "it does not learn from a refusal", "again and again"),
			judge.Note(refusedMessage, "delivered tls dialback", "error *").
				Or(results.Exposed, "it crossed in clear", "delivered clear *").IfNoted())},
	},
	{
		ID:     "s2s/dialback/no-sasl-offered",
		Asks:   "Peer offers dialback only",
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
		ID:    "s2s/dialback/unknown-target",
		Asks:  "Asked for a domain not hosted",
		Cites: cites(must("XEP-0220", "2.2.1")),
		Worlds: []World{receiving("", P1("good"), unknownTarget,
			judge.Note(answerUnknown, "dialback error item-not-found").
				Or(results.Weaker, "a stream that carries another pair was closed for it", "stream error *", stage.Closed).
				Or(results.Exposed, "it believes a domain that it does not host", "valid"),
			judge.Note(firstPairThen, stage.Delivered).IfNoted())},
	},
	{
		ID:     "s2s/dialback/addressing-missing",
		Asks:   "Dialback elements without from, to or id",
		Cites:  cites(must("XEP-0220", "2.1")),
		Worlds: []World{receiving("", P1("good"), addressingMissing, expectAddressing()...)},
	},
	{
		ID:    "s2s/dialback/prefix-other-than-db",
		Asks:  "Namespace prefix",
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
		Asks:  "Peer claims to be the subject itself",
		Cites: cites(sec("XEP-0220", "2.2.1")),
		Worlds: []World{receiving("", P1("good"), selfAsserted,
			expectDisbelief(selfClaimed, selfSpoken, "the domain is its own")...)},
	},
}

// The notes of s2s/dialback/unknown-target.
const (
	answerUnknown = "the answer for a domain that is not hosted"
	firstPairThen = "a message of the first pair, then"
)

func unknownTarget(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.ByDialback(ctx)
	if err != nil {
		return err
	}
	answer, err := s.DialbackResult(ctx, peer.Dialback{To: st.Name("nothosted")})
	st.Note(answerUnknown, stage.Told(answer, err))
	if err == nil {
		st.Note(firstPairThen, st.Deliver(ctx, s, "x@"+p.Domain()))
	}
	return nil
}
