package suites

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/servers"
)

// Scenario is one question of the catalogue.
type Scenario struct {
	// ID is the catalogue's key: "s2s/starttls/required-both".
	ID string
	// Asks is the question in words.
	Asks string
	// Core rows run by default and gate a release; the others run too, unless
	// Full says otherwise.
	Core bool
	// Full rows run only when the full product is asked for.
	Full  bool
	Cites []results.Citation
	// Worlds are the settings that the question is asked in, each a cell of its
	// own for every ordered pair.
	Worlds   []World
	Stimulus Stimulus
	// AnyAuth: the row does not ask how the entities are authenticated.
	AnyAuth bool
	// MayRefuse: refusing passes, although policies and certificates would do.
	MayRefuse bool
	// Checks are asked besides what the oracle derives.
	Checks []judge.Check
	// Inventory: the row asks what a passive observer learns, and its cells publish it.
	Inventory bool
	// Control marks the positive controls; their worlds come from the plan.
	Control Control
}

// Control tells the two kinds of control cells from the rest.
type Control int

const (
	NotControl Control = iota
	ControlFirst
	ControlLast
)

// World is what surrounds a cell.
type World struct {
	// Name tells the worlds of one scenario apart in a cell's id; empty when
	// there is only one.
	Name                string
	Initiator, Receiver servers.Setting
	// DirectTLS: the DNS names direct TLS (XEP-0368) for both domains, and nothing else.
	DirectTLS bool
	// Attack is what an attacker on the path does, if there is one.
	Attack Attack
	// Scene is what scripted peers do, in a world with one subject.
	Scene Scene
}

// Stimulus is what the clients on both sides do.
type Stimulus struct {
	// Kind is message, or iq: a query (XEP-0199) that the other client answers.
	Kind string
	// Count is the number of stanzas a direction.
	Count int
	// Reply: the receiver's side answers what arrives. Otherwise both sides send
	// at once.
	Reply bool
	// HangUp: the servers' connections are ended between an answer and the next
	// stanza, and both have noticed when that is sent.
	HangUp bool
}

var (
	// MessageAndReply: alice sends a message, and bob answers it when it arrives.
	MessageAndReply = Stimulus{Kind: "message", Count: 1, Reply: true}
	// MessageEachWay: alice and bob each send a message at the same time.
	MessageEachWay = Stimulus{Kind: "message", Count: 1}
	// TwentyEachWay: alice and bob each send twenty messages at the same time.
	TwentyEachWay = Stimulus{Kind: "message", Count: 20}
	// TenMessages: alice sends ten messages, each of which bob answers.
	TenMessages = Stimulus{Kind: "message", Count: 10, Reply: true}
	// ReconnectAndReply: alice sends a message, bob answers it, their servers' connections
	// end, and that again.
	ReconnectAndReply = Stimulus{Kind: "message", Count: 2, Reply: true, HangUp: true}
	// QueryEachWay: alice and bob each query the other.
	QueryEachWay = Stimulus{Kind: "iq", Count: 1}
)

// Family is the catalogue's suite: "s2s-starttls", or "xsf2010", "control".
func (s *Scenario) Family() string {
	parts := strings.Split(s.ID, "/")
	if len(parts) < 3 {
		return parts[0]
	}
	return parts[0] + "-" + parts[1]
}

// Question is what the judge is asked about a cell of the scenario in one of its
// worlds.
func (s *Scenario) Question(w World) judge.Question {
	q := judge.Question{Cites: s.Cites, AnyAuth: s.AnyAuth, MayRefuse: s.MayRefuse, Control: s.Control != NotControl, Checks: s.Checks}
	switch {
	case w.Scripted():
		q.Checks, q.Expect = w.Scene.Checks, w.Scene.Expect
	case w.DirectTLS:
		q.Checks = append([]judge.Check{judge.DirectTLS()}, q.Checks...)
	}
	return q
}

// World finds the world that a cell's id names.
func (s *Scenario) World(cell string) (World, error) {
	id, _, _ := strings.Cut(cell, ":")
	_, name, _ := strings.Cut(id, "+")
	if s.Control != NotControl {
		if role, _, ok := strings.Cut(name, "-"); ok && (role == peerOut || role == peerIn) {
			return World{Name: name, Scene: controlScene(role == peerOut)}, nil
		}
		return World{Name: name}, nil
	}
	for _, w := range s.Worlds {
		if w.Name == name {
			return w, nil
		}
	}
	return World{}, fmt.Errorf("scenario %s has no world %q", s.ID, name)
}

// The worlds of controls with a scripted peer begin with the peer's role.
const (
	peerOut = "to.peer"
	peerIn  = "from.peer"
)

// Info is the scenario as it is published.
func (s *Scenario) Info() results.ScenarioInfo {
	info := results.ScenarioInfo{ID: s.ID, Asks: s.Asks, Family: s.Family(), Core: s.Core, Cites: s.Cites}
	if info.Cites == nil {
		info.Cites = []results.Citation{}
	}
	var expect []string
	for _, w := range s.Worlds {
		if !w.Scripted() {
			expect = append(expect, "what both policies and certificates allow")
			for _, c := range s.Checks {
				expect = append(expect, c.Name)
			}
		}
		for _, e := range w.Scene.Expect {
			expect = append(expect, e.String())
		}
		for _, c := range w.Scene.Checks {
			expect = append(expect, c.Name)
		}
	}
	if s.Control != NotControl {
		expect = append(expect, "what both policies and certificates allow")
	}
	info.Expect = strings.Join(unique(expect), "; ")
	return info
}

// unique keeps the first of each.
func unique(list []string) []string {
	var out []string
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// Level is the strongest level among the scenario's citations, or "" without
// any.
func (s *Scenario) Level() results.Level {
	for _, l := range []results.Level{results.Must, results.Should, results.PolicyLevel, results.SecLevel, results.May} {
		for _, c := range s.Cites {
			if c.Level == l {
				return l
			}
		}
	}
	return ""
}

// All returns every scenario, controls first, in the catalogue's order. The
// slice is shared and must not be changed.
var All = sync.OnceValue(func() []*Scenario {
	var all []*Scenario
	for _, family := range [][]Scenario{controls, starttls, dialback, pkix, directTLS, attacker, bidi, xsf2010, policyFlows(), policyProduct()} {
		for i := range family {
			all = append(all, &family[i])
		}
	}
	return all
})

// Lookup finds a scenario by its id.
func Lookup(id string) (*Scenario, error) {
	for _, s := range All() {
		if s.ID == id {
			return s, nil
		}
	}
	return nil, fmt.Errorf("unknown scenario %q: `make plan` lists them", id)
}

// Off, P0, P1 and P2 are the settings of one side: its policy, and the kind of
// certificate that it was given.
func Off(certificate servers.Certificate) servers.Setting { return setting(servers.Off, certificate) }
func P0(certificate servers.Certificate) servers.Setting  { return setting(servers.P0, certificate) }
func P1(certificate servers.Certificate) servers.Setting  { return setting(servers.P1, certificate) }
func P2(certificate servers.Certificate) servers.Setting  { return setting(servers.P2, certificate) }

func setting(p servers.Policy, c servers.Certificate) servers.Setting {
	return servers.Setting{Policy: p, Certificate: c}
}

func forwardSecret(s servers.Setting) servers.Setting {
	s.Ciphers = "fs"
	return s
}

func one(initiator, receiver servers.Setting) []World {
	return []World{{Initiator: initiator, Receiver: receiver}}
}

func cites(c ...results.Citation) []results.Citation { return c }

func must(document, section string) results.Citation {
	return results.Citation{Document: document, Section: section, Level: results.Must}
}

func should(document, section string) results.Citation {
	return results.Citation{Document: document, Section: section, Level: results.Should}
}

func may(document, section string) results.Citation {
	return results.Citation{Document: document, Section: section, Level: results.May}
}

func policy(document string) results.Citation {
	return results.Citation{Document: document, Level: results.PolicyLevel}
}

// sec is for what no sentence says and a published attack does.
func sec(document, section string) results.Citation {
	return results.Citation{Document: document, Section: section, Level: results.SecLevel}
}
