package suites

import (
	"testing"

	"github.com/xmpp-testday/testday/results"
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
