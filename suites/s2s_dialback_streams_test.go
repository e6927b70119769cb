package suites

import (
	"testing"

	"github.com/xmpp-testday/testday/results"
)

func TestOneTargetPerStream(t *testing.T) {
	ask := func(to string, change ...func(*results.Dialback)) results.Dialback {
		d := results.Dialback{Direction: results.Initiating, Inside: true, Name: "result", From: "a1.lab", To: to, Key: true}
		for _, f := range change {
			f(&d)
		}
		return d
	}
	for _, c := range []struct {
		name     string
		opener   string
		dialback []results.Dialback
		want     int
	}{
		{"one target", "initiator", []results.Dialback{ask("p.lab")}, 0},
		{"one target, twice", "initiator", []results.Dialback{ask("p.lab"), ask("p.lab")}, 0},
		{"two targets", "initiator", []results.Dialback{ask("p.lab"), ask("rooms.p.lab")}, 1},
		{"two targets of the peer", "receiver", []results.Dialback{ask("p.lab"), ask("rooms.p.lab")}, 0},
		{"a key that is verified", "initiator", []results.Dialback{ask("p.lab"), ask("q.lab", func(d *results.Dialback) { d.Name = "verify" })}, 0},
		{"an answer", "initiator", []results.Dialback{ask("p.lab"), ask("q.lab", func(d *results.Dialback) { d.Type = "valid" })}, 0},
		{"a request of the other side", "initiator", []results.Dialback{ask("p.lab"), ask("q.lab", func(d *results.Dialback) { d.Direction = results.Receiving })}, 0},
	} {
		obs := &results.Observation{Streams: []results.Stream{
			{InitiatingParty: "initiator", ReceivingParty: "receiver", Dialback: []results.Dialback{ask("other.lab")}},
			{InitiatingParty: c.opener, Dialback: c.dialback},
		}}
		if got := oneTargetPerStream().Find(obs, results.Outcome{}); len(got) != c.want {
			t.Errorf("%s: %+v, want %d findings", c.name, got, c.want)
		}
	}
}
