package suites

import (
	"testing"

	"github.com/xmpp-testday/testday/results"
)

func TestWaited(t *testing.T) {
	obs := &results.Observation{
		Seconds:  12,
		Messages: []results.Message{{Sent: 0.1, Error: &results.StanzaError{Condition: "remote-server-timeout"}, ErrorAt: 11}},
		Streams: []results.Stream{{Opened: 0.2, Closed: 1.2, ReceivingParty: "receiver",
			Headers: []results.Header{{At: 0.3, Direction: results.Initiating}}, Dialback: []results.Dialback{{At: 0.9, Name: "result", Type: "valid"}}}},
	}
	if s, what := Waited(obs); s < 9.79 || s > 9.81 || what != "the error stanza remote-server-timeout" {
		t.Errorf("%.2f s for %q", s, what)
	}
	obs.Notes = []results.Note{{At: 11, Name: "the answer", Value: "valid"}}
	obs.Messages = nil
	if s, what := Waited(obs); s < 9.79 || s > 9.81 || what != "the answer (valid)" {
		t.Errorf("%.2f s for %q", s, what)
	}
	if s, what := Waited(&results.Observation{Seconds: 3}); s != 3 || what != "the end of the cell" {
		t.Errorf("%.2f s for %q", s, what)
	}
}
