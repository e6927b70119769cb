package suites

import (
	"context"
	"slices"

	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites/stage"
)

// bidi is section 1.9 of the catalogue. XEP-0288 is optional: a receiver that does not
// advertise it does not support it, and an initiator that does not ask for it where it
// is advertised does not either.
var bidi = []Scenario{
	{
		ID:       "s2s/bidi/one-connection",
		Asks:     "Both directions on one encrypted connection",
		Cites:    cites(must("XEP-0288", "2.1")),
		Worlds:   one(bothWays(P2("good")), bothWays(P2("good"))),
		Stimulus: ReconnectAndReply,
		Checks:   []judge.Check{bidiAfterTLS(), answeredOnSameStream(), judge.OneHandshakePerConnection()},
	},
	{
		ID:    "s2s/bidi/silent-until-authenticated",
		Asks:  "Does the receiver speak too early?",
		Cites: cites(must("XEP-0288", "2.2")),
		Worlds: []World{receiving("", bothWays(P1("good")), unauthenticatedBidi,
			advertisesBidi(),
			notToStranger(queuedForBidi),
			notToStranger(sentToBidi))},
	},
	{
		ID:    "s2s/bidi/authenticated-pair-only",
		Asks:  "Does the receiver speak for the wrong pair?",
		Cites: cites(must("XEP-0288", "2.2")),
		Worlds: []World{
			receiving("pair", bothWays(P1("good")), otherPairOfBidi,
				advertisesBidi(),
				judge.Note(toBidiPair, onBidiStream, "delivered tls *").Or(results.NoInterop, "", "error *").IfNoted(),
				judge.Note(toOtherName, "delivered tls *").
					Or(results.Exposed, "the peer is not authenticated for that domain", onBidiStream).
					Or(results.NoInterop, "its server was there to connect to", "error *").IfNoted()),
			receiving("key", bothWays(P1("good")), dialbackOnBidi,
				advertisesBidi(),
				judge.Note(dialbackBidi, "valid").Else(results.NoInterop).IfNoted()).
				checked(verifiesElsewhere()),
		},
	},
}

// bothWays makes a host one that offers streams which carry stanzas both ways, and asks for
// them.
func bothWays(s servers.Setting) servers.Setting {
	s.Bidi = true
	return s
}

// bidiAfterTLS asks that nobody asks for a stream both ways in clear.
func bidiAfterTLS() judge.Check {
	return judge.Check{Name: "TLS before streams go both ways", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		for _, s := range obs.Streams {
			if slices.ContainsFunc(s.Bidi, func(b results.BidiRequest) bool { return !b.Inside }) {
				return []judge.Finding{{Verdict: results.Fail, Blame: results.Blame(s.InitiatingParty), Cites: cites(must("XEP-0288", "2.1")),
					Why: "the " + s.InitiatingParty + " asked for a stream both ways in clear"}}
			}
		}
		return nil
	}}
}

// answeredOnSameStream asks that each message and what answers it cross on one stream,
// and each such pair, the connections having ended between them, on one of its own.
func answeredOnSameStream() judge.Check {
	return judge.Check{Name: "a message and its answer on one connection", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		var messages, answers []*results.Stream
		for _, m := range obs.Messages {
			if m.Direction == "there" {
				messages = append(messages, carrier(obs, m))
			} else {
				answers = append(answers, carrier(obs, m))
			}
		}
		for n := range min(len(messages), len(answers)) {
			there, back := messages[n], answers[n]
			if there == nil || back == nil || there == back {
				continue
			}
			f := judge.Finding{Verdict: results.NotSupported, Cites: cites(may("XEP-0288", "2"))}
			switch {
			case !slices.ContainsFunc(there.Features, func(f results.Features) bool { return f.Bidi }):
				f.Why = "the " + there.ReceivingParty + " does not advertise streams both ways"
			case len(there.Bidi) == 0:
				f.Why = "the " + there.InitiatingParty + " does not ask for a stream both ways, which the " + there.ReceivingParty + " advertises"
			default:
				f.Verdict, f.Blame, f.Possible = results.Weaker, results.Blame(there.ReceivingParty), "one connection for both directions"
				f.Why = "a stream both ways was negotiated, and the " + there.ReceivingParty + " answered on one of its own"
			}
			return []judge.Finding{f}
		}
		return nil
	}}
}

// carrier is the stream that a message crossed on, nil when it crossed on none.
func carrier(obs *results.Observation, m results.Message) *results.Stream {
	for n, s := range obs.Streams {
		if slices.ContainsFunc(s.Canaries, func(c results.Sighting) bool { return c.Canary == m.Canary }) {
			return &obs.Streams[n]
		}
	}
	return nil
}

// bidiFeature is the note of whether the subject advertises the feature.
const bidiFeature = "streams both ways are"

func advertisesBidi() judge.Expectation {
	return judge.Note(bidiFeature, advertised).Or(results.NotSupported, "the features inside TLS lack them", notAdvertised)
}

// openBidi opens a stream with TLS and asks for it to go both ways. The session is nil
// where the subject does not advertise that.
func openBidi(ctx context.Context, st *stage.Stage, p *stage.Peer) (*peer.Session, error) {
	s, err := p.Secure(ctx)
	if err != nil {
		return nil, err
	}
	if !s.Features().Bidi {
		st.Note(bidiFeature, notAdvertised)
		return nil, nil
	}
	st.Note(bidiFeature, advertised)
	return s, s.EnableBidi(ctx)
}

// The notes of s2s/bidi/silent-until-authenticated.
const (
	queuedForBidi = "a message that waits for the peer, who has a stream both ways and is not authenticated"
	sentToBidi    = "another message, then"
)

// notToStranger expects that a message does not go out on a stream which nobody
// authenticated.
func notToStranger(note string) judge.Expectation {
	return judge.Note(note, "error *").Or(results.Exposed, "nobody was authenticated on the stream", onBidiStream, "delivered *").IfNoted()
}

// onBidiStream is that a message came on the stream that the peer opened.
const onBidiStream = "delivered on the peer's own stream"

// unauthenticatedBidi has a message wait for a peer, whose server lets the subject connect
// and says nothing, until the peer has a stream both ways; then the server hangs up.
func unauthenticatedBidi(ctx context.Context, st *stage.Stage) error {
	hangUp := make(chan struct{})
	service, err := st.Peer(ctx, "p", peer.OnConnect(func(ctx context.Context, s *peer.Session) error {
		select {
		case <-hangUp:
		case <-ctx.Done():
		}
		return s.Reset()
	}))
	if err != nil {
		return err
	}
	p, err := st.Hidden(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	n, err := st.Send(ctx, "bob@"+p.Domain())
	if err != nil {
		return err
	}
	if _, err := service.Accepted(ctx); err != nil {
		return err
	}
	s, err := openBidi(ctx, st, p)
	if err != nil || s == nil {
		return err
	}
	// When this is answered, what came before has been taken.
	if _, err := s.Verify(ctx, peer.Dialback{ID: stage.Token(), Key: stage.Token()}); err != nil {
		return err
	}
	s.Start(ctx)
	close(hangUp)
	st.Note(queuedForBidi, cameBy(ctx, st, n, p))
	if n, err = st.Send(ctx, "bob@"+p.Domain()); err != nil {
		return err
	}
	st.Note(sentToBidi, cameBy(ctx, st, n, p))
	return nil
}

// cameBy is [stage.Stage.Outcome], told apart by whether the message came to a peer which
// the DNS does not know.
func cameBy(ctx context.Context, st *stage.Stage, n int, hidden *stage.Peer) string {
	came := st.Outcome(ctx, n)
	if a, ok := st.Arrived(n); ok && a.Peer == hidden {
		return onBidiStream
	}
	return came
}

// The notes of s2s/bidi/authenticated-pair-only.
const (
	toBidiPair   = "a message to the domain that the peer is authenticated as"
	toOtherName  = "a message to another domain of the peer"
	dialbackBidi = "the answer to dialback on a stream both ways"
)

// otherPairOfBidi has messages sent to the domain as which a peer is authenticated on a
// stream both ways, and to another one that its server hosts.
func otherPairOfBidi(ctx context.Context, st *stage.Stage) error {
	rooms, err := st.Hosting("rooms.p")
	if err != nil {
		return err
	}
	secret := peer.WithSecret(stage.Token())
	service, err := st.Peer(ctx, "p", append(stage.Honest(), rooms, secret)...)
	if err != nil {
		return err
	}
	if err := service.Publish("rooms.p"); err != nil {
		return err
	}
	p, err := st.Hidden(ctx, "p", append(stage.Honest(), rooms, secret)...)
	if err != nil {
		return err
	}
	s, err := openBidi(ctx, st, p)
	if err != nil || s == nil {
		return err
	}
	if err := p.Authorise(ctx, s); err != nil {
		return err
	}
	s.Start(ctx)
	for _, to := range []struct{ note, domain string }{{toBidiPair, p.Domain()}, {toOtherName, st.Name("rooms.p")}} {
		n, err := st.Send(ctx, "bob@"+to.domain)
		if err != nil {
			return err
		}
		st.Note(to.note, cameBy(ctx, st, n, p))
	}
	return nil
}

// dialbackOnBidi asks for dialback on a stream both ways, and would vouch for the key on
// it as well.
func dialbackOnBidi(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := openBidi(ctx, st, p)
	if err != nil || s == nil {
		return err
	}
	s.Start(ctx)
	answer, err := s.DialbackResult(ctx, peer.Dialback{})
	st.Note(dialbackBidi, stage.Told(answer, err))
	return nil
}

// verifiesElsewhere asks that the subject verifies no key on a stream that somebody else
// opened.
func verifiesElsewhere() judge.Check {
	return judge.Check{Name: "no key is verified on the stream that it came on", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		for _, s := range obs.Streams {
			if s.ReceivingParty == string(results.BlameReceiver) && slices.ContainsFunc(s.Dialback, func(d results.Dialback) bool {
				return d.Direction == results.Receiving && d.Name == "verify" && d.Type == ""
			}) {
				return []judge.Finding{{Verdict: results.Exposed, Blame: results.BlameReceiver, Cites: cites(must("XEP-0288", "2.2")),
					Why: "the receiver asked whoever opened the stream about the key, and not the authoritative server"}}
			}
		}
		return nil
	}}
}
