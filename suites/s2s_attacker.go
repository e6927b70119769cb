package suites

import "github.com/xmpp-testday/testday/results/judge"

// attacker is section 1.8 of the catalogue. The on-path attackers come with
// the scripted peer; what a merely passive one learns is asked of every pair.
var attacker = []Scenario{
	{
		ID:       "s2s/attacker/leak-inventory",
		Asks:     "What a passive observer still learns",
		Core:     true,
		Cites:    cites(should("RFC 7590", "4"), should("XEP-0368", "6")),
		Worlds:   one(P2("good"), P2("good")),
		Stimulus: TenMessages,
		Checks:   []judge.Check{judge.NothingPrivateInClear()},
	},
}
