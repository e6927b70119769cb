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
