// Package suites holds the scenarios, a file per family, and the plan that
// turns them into cells.
//
// A scenario reads like its row in the catalogue: what it asks, where that is
// required, the world, the stimulus, and what it checks besides what the oracle
// derives from policies and certificates:
//
//	{
//		ID:       "s2s/pkix/mutual-external",
//		Asks:     "Full strength federation",
//		Core:     true,
//		Cites:    cites(must("RFC 6120", "13.8.4"), should("RFC 7590", "3.4")),
//		Worlds:   one(P2("good"), P2("good")),
//		Stimulus: MessageAndReply,
//		Checks:   []judge.Check{judge.External()},
//	}
//
// A scenario never knows a server by name. To add one, add a value to the
// family's list; the plan makes its cells for every ordered pair.
package suites
