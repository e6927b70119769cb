package suites

import (
	"testing"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
)

func TestAsksForALabels(t *testing.T) {
	for name, good := range map[string]bool{
		"_xmpp-server._tcp.xn--bcher-kva.c1.lab.":     true,
		"_xmpp-server._tcp.b\\195\\188cher.c1.lab.":   false,
		"_xmpp-server._tcp.bücher.c1.lab.":            false,
		"_XMPP-Server._TCP.xn--bcher-kva.c1.lab.":     true,
		"b\\252cher.c1.lab.":                          false,
		"xmpp.xn--bcher-kva.c1.lab.":                  true,
		"_xmpps-server._tcp.xn--bcher-kva.c1.lab.lab": true,
	} {
		obs := &results.Observation{Queries: []results.Query{{Name: "c1.lab."}, {Name: name}}}
		if got := len(asksForALabels.Find(obs, results.Outcome{})) == 0; got != good {
			t.Errorf("%s: %t, want %t", name, got, good)
		}
	}
}

func TestItWasShown(t *testing.T) {
	stream := func(initiates string, by results.Direction) results.Stream {
		s := results.Stream{InitiatingParty: "initiator", ReceivingParty: "receiver", TLS: &results.TLS{Certificates: map[results.Direction][]string{by: {"a"}}}}
		if initiates == "receiver" {
			s.InitiatingParty, s.ReceivingParty = "receiver", "initiator"
		}
		return s
	}
	out := results.Observation{Receiver: results.Party{Subject: judge.PeerName}}
	in := results.Observation{Initiator: results.Party{Subject: judge.PeerName}}
	for _, c := range []struct {
		name    string
		obs     results.Observation
		by      results.Direction
		streams []results.Stream
		shown   bool
	}{
		{"no stream", out, results.Receiving, nil, false},
		{"no TLS", out, results.Receiving, []results.Stream{{InitiatingParty: "initiator", ReceivingParty: "receiver"}}, false},
		{"the subject's alone", out, results.Receiving, []results.Stream{stream("initiator", results.Initiating)}, false},
		{"the peer's, as receiving entity", out, results.Receiving, []results.Stream{stream("initiator", results.Receiving)}, true},
		{"the peer's, as initiating entity", in, results.Initiating, []results.Stream{stream("initiator", results.Initiating)}, true},
		{"the subject's, to verify a key", in, results.Initiating, []results.Stream{stream("receiver", results.Initiating)}, false},
		{"the peer's, asked to verify a key", in, results.Initiating, []results.Stream{stream("receiver", results.Receiving)}, false},
	} {
		c.obs.Streams = c.streams
		if got := len(itWasShown(c.by).Find(&c.obs, results.Outcome{})) == 0; got != c.shown {
			t.Errorf("%s: %t, want %t", c.name, got, c.shown)
		}
	}
}
