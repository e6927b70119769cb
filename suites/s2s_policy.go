package suites

import (
	"fmt"

	"github.com/xmpp-testday/testday/results/oracle"
	"github.com/xmpp-testday/testday/servers"
)

// policyFlows are the 36 flows of XEP-0238: six types of server on each side.
func policyFlows() []Scenario {
	var out []Scenario
	for _, f := range oracle.XEP0238() {
		i, r := flowSide(f.Initiator), flowSide(f.Receiver)
		out = append(out, Scenario{
			ID:       fmt.Sprintf("s2s/policy/flow-%d-%d", f.I, f.R),
			Asks:     fmt.Sprintf("XEP-0238 flow %d-%d: %s meets %s", f.I, f.R, describe(i), describe(r)),
			Core:     true,
			Cites:    cites(may("XEP-0238", fmt.Sprintf("flow %d-%d", f.I, f.R)), should("RFC 7590", "3.4")),
			Worlds:   one(i, r),
			Stimulus: MessageAndReply,
		})
	}
	return out
}

func flowSide(s oracle.Side) servers.Setting {
	return setting(servers.Policy(s.Policy), servers.Certificate(s.Certificate))
}

// productCertificates are the kinds that the full product puts on each side.
var productCertificates = []servers.Certificate{
	servers.Good, servers.Self, servers.UnkCA, servers.Expired, servers.Other, servers.SrvOnly,
}

// policyProduct is every policy with every certificate on each side, less the
// points that policyFlows names.
func policyProduct() []Scenario {
	flows := map[[2]servers.Setting]bool{}
	for _, s := range policyFlows() {
		flows[[2]servers.Setting{s.Worlds[0].Initiator, s.Worlds[0].Receiver}] = true
	}
	var sides []servers.Setting
	for _, p := range servers.Policies() {
		for _, c := range productCertificates {
			sides = append(sides, setting(p, c))
		}
	}
	var out []Scenario
	for _, i := range sides {
		for _, r := range sides {
			if flows[[2]servers.Setting{i, r}] {
				continue
			}
			out = append(out, Scenario{
				ID:       fmt.Sprintf("s2s/policy/%s.%s-%s.%s", i.Policy, i.Certificate, r.Policy, r.Certificate),
				Asks:     fmt.Sprintf("%s meets %s", describe(i), describe(r)),
				Full:     true,
				Cites:    cites(should("RFC 7590", "3.4"), must("RFC 6120", "13.7.2")),
				Worlds:   one(i, r),
				Stimulus: MessageAndReply,
			})
		}
	}
	return out
}

func describe(s servers.Setting) string {
	what := map[servers.Policy]string{
		servers.Off: "TLS off", servers.P0: "TLS optional", servers.P1: "TLS required", servers.P2: "TLS and certificate required",
	}[s.Policy]
	if s.Policy == servers.Off {
		return what
	}
	return fmt.Sprintf("%s (%s certificate)", what, s.Certificate)
}
