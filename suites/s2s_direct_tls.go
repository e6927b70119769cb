package suites

// directTLS is section 1.7 of the catalogue.
var directTLS = []Scenario{
	{
		ID:       "s2s/direct-tls/initiate",
		Asks:     "Only _xmpps-server published",
		Core:     true,
		Cites:    cites(must("XEP-0368", "3")),
		Worlds:   []World{directly(World{Name: "pair", Initiator: P2("good"), Receiver: P2("good")})},
		Stimulus: MessageAndReply,
	},
}
