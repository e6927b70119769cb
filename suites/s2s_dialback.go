package suites

import "github.com/xmpp-testday/testday/results/judge"

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
		ID:       "s2s/dialback/simultaneous",
		Asks:     "Both sides dial at once",
		Cites:    cites(must("RFC 6120", "10.1")),
		Worlds:   one(P1("self"), P1("self")),
		Stimulus: TwentyEachWay,
		Checks:   []judge.Check{judge.InOrderOnce()},
	},
}
