package suites

import (
	"context"
	"time"

	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites/stage"
)

// Script is what scripted peers do with a subject. It notes what it is answered,
// and decides nothing; an error says why it could not go on.
type Script func(ctx context.Context, st *stage.Stage) error

// Scene is a script with what is expected of its notes. The zero Scene is none:
// its world has two real servers.
type Scene struct {
	Script Script
	Expect []judge.Expectation
	Checks []judge.Check
	// Initiates: the subject opens the stream that the row asks about (S->P in the
	// catalogue); otherwise the peer does (P->S).
	Initiates bool
	// Other: the script needs a second virtual host of the same server.
	Other bool
	// WeakAtBest: a subject that does everything right is weaker here.
	WeakAtBest bool
	// Waits is the time that the row itself lets pass. A row that waits is not part
	// of a core run.
	Waits time.Duration
}

// initiating makes a world in which the subject, set so, opens a stream to a
// scripted peer.
func initiating(name string, subject servers.Setting, s Script, expect ...judge.Expectation) World {
	return World{Name: name, Initiator: subject, Scene: Scene{Script: s, Expect: expect, Initiates: true}}
}

// receiving makes a world in which a scripted peer opens a stream to the subject.
func receiving(name string, subject servers.Setting, s Script, expect ...judge.Expectation) World {
	return World{Name: name, Receiver: subject, Scene: Scene{Script: s, Expect: expect}}
}

// withOther gives the subject a second virtual host.
func (w World) withOther() World {
	w.Scene.Other = true
	return w
}

// waiting says how long the row itself waits.
func (w World) waiting(d time.Duration) World {
	w.Scene.Waits = d
	return w
}

// checked asks more of the world's cells.
func (w World) checked(checks ...judge.Check) World {
	w.Scene.Checks = append(w.Scene.Checks, checks...)
	return w
}

// Scripted reports whether the world has a subject and scripted peers, and not two
// subjects.
func (w World) Scripted() bool { return w.Scene.Script != nil }

// weakAtBest says that no subject can do better than weaker.
func (w World) weakAtBest() World {
	w.Scene.WeakAtBest = true
	return w
}

// WeakAtBest reports whether all that a subject can be asked for in the world is
// less than the row asks: a revoked certificate is accepted, what an attacker
// relays is delivered.
func (w World) WeakAtBest() bool {
	return w.Scene.WeakAtBest || w.Receiver.Certificate == servers.Revoked || w.Attack == PoseMisIssued ||
		w.Attack == PoseSelfSigned && w.Initiator.Policy == servers.P1
}

// Subject is how the subject of a scripted world is set.
func (w World) Subject() servers.Setting {
	if w.Scene.Initiates {
		return w.Initiator
	}
	return w.Receiver
}

// The notes of the controls with a scripted peer.
const (
	toPeer   = "a message to a peer that does nothing wrong"
	fromPeer = "a message from a peer that does nothing wrong"
)

// controlScene shows that the subject federates with an honest peer, in the role
// that the cells have which rest on it.
func controlScene(initiates bool) Scene {
	if initiates {
		return Scene{Initiates: true, Expect: []judge.Expectation{judge.Note(toPeer, "delivered *")},
			Script: func(ctx context.Context, st *stage.Stage) error {
				p, err := st.Peer(ctx, "p", stage.Honest()...)
				if err != nil {
					return err
				}
				st.Note(toPeer, st.Message(ctx, "bob@"+p.Domain()))
				return nil
			}}
	}
	return Scene{Expect: []judge.Expectation{judge.Note(fromPeer, stage.Delivered)},
		Script: func(ctx context.Context, st *stage.Stage) error {
			// A subject without TLS has to be able to verify a key.
			p, err := st.Peer(ctx, "p", append(stage.Honest(), peer.OfferStartTLS())...)
			if err != nil {
				return err
			}
			s, err := p.Open(ctx)
			if err == nil && s.Features().StartTLS {
				err = s.StartTLS(ctx)
			}
			if err == nil {
				err = p.Authorise(ctx, s)
			}
			if err != nil {
				st.Note(fromPeer, stage.End(err))
				return nil
			}
			st.Note(fromPeer, st.Deliver(ctx, s, "x@"+p.Domain()))
			return nil
		}}
}
