package suites

import (
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/servers"
)

// pkix is section 1.3 of the catalogue, the rows that two real servers can
// ask of each other. An initiator under P2 must refuse a defective receiver; the
// same world under P1 goes on, and the oracle derives how: the receiver's stream
// back falls to dialback.
var pkix = []Scenario{
	{
		ID:       "s2s/pkix/mutual-external",
		Asks:     "Full strength federation",
		Core:     true,
		Cites:    cites(must("RFC 6120", "13.8.4"), should("RFC 7590", "3.4"), must("RFC 7712", "4.2")),
		Worlds:   one(P2("good"), P2("good")),
		Stimulus: MessageAndReply,
		Checks:   []judge.Check{judge.External()},
	},
	{
		ID:       "s2s/pkix/receiver-name-mismatch",
		Asks:     "Valid certificate, wrong domain, outbound",
		Core:     true,
		Cites:    cites(must("RFC 6120", "13.7.2.1")),
		Worlds:   defect(servers.Other),
		Stimulus: MessageAndReply,
	},
	{
		ID:       "s2s/pkix/untrusted-issuer",
		Asks:     "Self-signed, and signed by an unknown CA",
		Core:     true,
		Cites:    cites(must("RFC 6120", "13.7.2")),
		Worlds:   defect(servers.Self, servers.UnkCA),
		Stimulus: MessageAndReply,
	},
	{
		ID:       "s2s/pkix/outside-validity",
		Asks:     "Expired",
		Cites:    cites(must("RFC 6120", "13.7.2"), must("RFC 5280", "6.1")),
		Worlds:   defect(servers.Expired),
		Stimulus: MessageAndReply,
	},
	{
		ID:       "s2s/pkix/missing-intermediate",
		Asks:     "Incomplete chain",
		Cites:    cites(must("RFC 6120", "13.7.2")),
		Worlds:   defect(servers.NoChain),
		Stimulus: MessageAndReply,
	},
	{
		ID:       "s2s/pkix/server-only-eku-inbound",
		Asks:     "Today's public-CA certificates",
		Core:     true,
		Cites:    cites(policy("community")),
		Worlds:   one(P2("srvonly"), P2("good")),
		Stimulus: MessageAndReply,
	},
}

// defect makes the I->R worlds of a bad certificate on the receiver: refused by
// an initiator that authenticates its peers, dialback for one that does not.
func defect(kinds ...servers.Certificate) []World {
	var worlds []World
	for _, kind := range kinds {
		for _, strict := range []servers.Policy{servers.P2, servers.P1} {
			name := string(strict)
			if len(kinds) > 1 {
				name = string(kind) + "-" + name
			}
			worlds = append(worlds, World{Name: name, Initiator: setting(strict, servers.Good), Receiver: setting(servers.P1, kind)})
		}
	}
	return worlds
}
