package suites

import "github.com/xmpp-testday/testday/results/judge"

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
		ID:       "s2s/starttls/tls13-preferred",
		Asks:     "Is TLS 1.3 negotiated?",
		Cites:    cites(must("RFC 9325", "3.1.1")),
		Worlds:   one(P1("good"), P1("good")),
		Stimulus: MessageAndReply,
		AnyAuth:  true,
		Checks:   []judge.Check{judge.PrefersTLS("TLS 1.3")},
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
}
