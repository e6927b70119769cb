package suites

import (
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/servers"
)

// xsf2010 is the interop event that the XSF held on 6-11 December 2010, the
// smallest matrix with a published answer sheet: three levels, each one query
// and its reply both ways, and the refusal of five bad peers at the third.
var xsf2010 = append([]Scenario{
	{
		ID:       "xsf2010/level-1",
		Asks:     "Any security",
		Core:     true,
		Cites:    cites(policy("XSF interop event 2010")),
		Worlds:   one(P0("good"), P0("good")),
		Stimulus: QueryEachWay,
		AnyAuth:  true,
	},
	{
		ID:       "xsf2010/level-2",
		Asks:     "TLS required, certificates not verified",
		Core:     true,
		Cites:    cites(policy("XSF interop event 2010")),
		Worlds:   one(P1("self"), P1("self")),
		Stimulus: QueryEachWay,
		AnyAuth:  true,
	},
	{
		ID:       "xsf2010/level-3",
		Asks:     "TLS required, full validation",
		Core:     true,
		Cites:    cites(policy("XSF interop event 2010")),
		Worlds:   one(P2("good"), P2("good")),
		Stimulus: QueryEachWay,
	},
}, badPeers(
	badPeer{"no-tls", "a peer without TLS", Off("good"), nil},
	badPeer{"expired", "an expired certificate", P1(servers.Expired), nil},
	badPeer{"revoked", "a revoked certificate", P1(servers.Revoked), []judge.Check{judge.Revoked()}},
	badPeer{"untrusted-issuer", "a certificate from an unknown CA", P1(servers.UnkCA), nil},
	badPeer{"name-mismatch", "a certificate for another name", P1(servers.Other), nil},
)...)

type badPeer struct {
	name, what string
	peer       servers.Setting
	checks     []judge.Check
}

// badPeers asks a server at the third level to refuse each peer.
func badPeers(peers ...badPeer) []Scenario {
	var out []Scenario
	for _, p := range peers {
		out = append(out, Scenario{
			ID:        "xsf2010/refuses-" + p.name,
			Asks:      "TLS required, full validation: is " + p.what + " refused?",
			Core:      true,
			Cites:     cites(must("RFC 6120", "13.7.2"), policy("XSF interop event 2010")),
			Worlds:    one(P2("good"), p.peer),
			Stimulus:  QueryEachWay,
			MayRefuse: p.checks != nil,
			Checks:    p.checks,
		})
	}
	return out
}
