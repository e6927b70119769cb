package suites

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/results/oracle"
	"github.com/xmpp-testday/testday/servers"
)

// Options choose what is planned. The zero value plans every scenario but the
// full product, with seed 0.
type Options struct {
	// Seed orders the cells and names their domains.
	Seed int64
	// Full adds the scenarios of the full product.
	Full bool
	// CoreOnly leaves out all that is not core.
	CoreOnly bool
	// Only, when not nil, chooses cells by id. Their controls are planned too.
	Only func(*Cell) bool
	// Ask, when not nil, chooses which subjects are asked a scenario, before any cell
	// is made. One side of it may be the scripted peer, [judge.PeerName].
	Ask func(s *Scenario, initiator, receiver string) bool
}

// Cell is a scenario in one of its worlds, applied to an ordered pair.
type Cell struct {
	// ID is "scenario[+world]:initiator:receiver". It needs no quoting in a shell.
	ID        string
	Scenario  *Scenario
	World     World
	Initiator Party
	Receiver  Party
	// Unsupported is the driver's reason why the cell cannot be configured.
	Unsupported string
	// Controls are the ids of the cells that this one's verdict rests on: the first
	// and the last control of its pair of containers.
	Controls []string
}

// Party is one side of a cell.
type Party struct {
	Subject servers.Subject
	Setting servers.Setting
	// Domain is the virtual host that plays this side. Cells share virtual hosts,
	// but never with the same container on the other side: see [NewPlan].
	Domain string
	// Account is the client's on this side. Its name carries a token of its own, so
	// that a localpart on the wire is recognised as this cell's.
	Account servers.Account
	// KeepsDialback is the place's word on P2.
	KeepsDialback bool
	// Container names the container that serves the domain; empty when the cell
	// cannot be configured.
	Container string
	// Other is a second virtual host of the container, where the scene needs one, and
	// OtherAccount the client's there.
	Other        string
	OtherAccount servers.Account
}

// Subject is the subject of a cell with a scripted peer, and false where both
// sides are subjects.
func (c *Cell) Subject() (*Party, bool) {
	switch {
	case !c.World.Scripted():
		return nil, false
	case c.World.Scene.Initiates:
		return &c.Initiator, true
	}
	return &c.Receiver, true
}

// Pair names the two containers of a cell.
func (c *Cell) Pair() string { return c.Initiator.Container + ">" + c.Receiver.Container }

// Labels are the Ginkgo labels of the cell.
func (c *Cell) Labels() []string {
	l := []string{
		"family: " + c.Scenario.Family(),
		"from: " + c.Initiator.Subject.Name,
		"to: " + c.Receiver.Subject.Name,
	}
	if level := c.Scenario.Level(); level != "" {
		l = append(l, "level: "+strings.ToLower(string(level)))
	}
	if c.Scenario.Core && c.World.Scene.Waits == 0 {
		l = append(l, "core")
	}
	if c.World.Scene.Waits > 0 {
		l = append(l, "waits")
	}
	if c.Scenario.Full {
		l = append(l, "full")
	}
	return l
}

// Container is one container that the plan needs.
type Container struct {
	Name    string // "prosody@13-i-P1"
	Subject servers.Subject
	Place   servers.Place
	Hosts   []Host
}

// Host is a virtual host of a planned container.
type Host struct {
	Domain  string
	Setting servers.Setting
	// DirectTLS: the DNS names direct TLS for the domain, and nothing else.
	DirectTLS bool
	// Accounts are those of the cells that use the host, one each.
	Accounts []servers.Account
	// peers are the containers on the other side of those cells.
	peers map[string]bool
}

// Plan is what a run will do: pure, and the same for the same seed.
type Plan struct {
	Seed       int64
	Subjects   []servers.Subject
	Cells      []*Cell
	Containers []*Container
}

// TLD is the top-level domain that every domain of a plan is under. Resolvers
// answer some reserved names by themselves (.test, .invalid), so it is none of
// them.
const TLD = "lab"

// NewPlan makes the cells of every ordered pair of subjects, self-pairs
// included, and the containers that they need. A subject has its own containers
// for the two roles, so that a self-pair is two instances like any other pair;
// their number grows with subjects and policies, never with pairs or cells.
//
// What isolates a cell is its pair of domains. A virtual host is used by many
// cells, but by one only for each container on the other side. So whatever a
// container does about a domain of the other side (connects to it, asks the DNS
// for it, logs a line about it) belongs to exactly one cell.
func NewPlan(subjects []servers.Subject, o Options) (*Plan, error) {
	p := &Plan{Seed: o.Seed, Subjects: subjects}
	var cells []*Cell
	for _, s := range All() {
		if s.Control != NotControl || (s.Full && !o.Full) || (o.CoreOnly && !s.Core) {
			continue
		}
		for _, w := range s.Worlds {
			if o.CoreOnly && w.Scene.Waits > 0 {
				continue
			}
			initiators, receivers := casts(w, subjects)
			for _, i := range initiators {
				for _, r := range receivers {
					if o.Ask != nil && !o.Ask(s, i.Name, r.Name) {
						continue
					}
					c, err := newCell(s, w, i, r)
					if err != nil {
						return nil, err
					}
					cells = append(cells, c)
				}
			}
		}
	}
	all := addControls(cells)
	if o.Only != nil {
		all = choose(all, o.Only)
	}
	p.Cells = order(all, o.Seed)
	p.place()
	return p, nil
}

// casts are the subjects that play each side of a world.
func casts(w World, subjects []servers.Subject) (initiators, receivers []servers.Subject) {
	peer := []servers.Subject{{Name: judge.PeerName}}
	switch {
	case !w.Scripted():
		return subjects, subjects
	case w.Scene.Initiates:
		return subjects, peer
	}
	return peer, subjects
}

func newCell(s *Scenario, w World, i, r servers.Subject) (*Cell, error) {
	c := &Cell{
		ID:        CellID(s.ID, w.Name, i.Name, r.Name),
		Scenario:  s,
		World:     w,
		Initiator: Party{Subject: i, Setting: w.Initiator},
		Receiver:  Party{Subject: r, Setting: w.Receiver},
	}
	for k, p := range []*Party{&c.Initiator, &c.Receiver} {
		if p.Subject.Name == judge.PeerName {
			continue
		}
		role := []string{"i", "r"}[k]
		place, err := p.Subject.Driver.Place(p.Setting)
		var un *servers.Unsupported
		switch {
		case errors.As(err, &un):
			c.Unsupported = fmt.Sprintf("%s cannot be %s: %s", p.Subject.Name, describe(p.Setting), un.Reason)
		case err != nil:
			return nil, fmt.Errorf("plan %s: %w", c.ID, err)
		default:
			p.Container, p.KeepsDialback = containerName(p.Subject.Name, role, place), place.KeepsDialback
		}
	}
	return c, nil
}

// CellID is the id of a cell; world is empty for a scenario's only world.
func CellID(scenario, world, initiator, receiver string) string {
	if world != "" {
		scenario += "+" + world
	}
	return scenario + ":" + initiator + ":" + receiver
}

// Folder is where a cell's artefacts go, relative to the run folder.
func Folder(cell string) string {
	parts := strings.SplitN(cell, ":", 2)
	return path.Join("cells", parts[0], strings.ReplaceAll(parts[1], ":", "_"))
}

func containerName(subject, role string, place servers.Place) string {
	name := subject + "-" + role
	if t := placeText(place); t != "" {
		name += "-" + t
	}
	return name
}

func placeText(p servers.Place) string {
	t := string(p.Policy)
	if p.Ciphers != "" {
		t += p.Ciphers
	}
	return t
}

// addControls appends the first and last control of every pair of containers
// and policies that a cell uses. With good certificates they must federate, or a
// refusal says nothing. Where the two policies forbid just that (TLS off meets TLS
// required), each side is shown to be alive with a lenient other one.
func addControls(cells []*Cell) []*Cell {
	made := map[string]bool{}
	out := cells
	for _, c := range cells {
		if c.Unsupported != "" {
			continue
		}
		for k := range controls {
			for _, ctl := range controlCells(&controls[k], c) {
				c.Controls = append(c.Controls, ctl.ID)
				if !made[ctl.ID] {
					made[ctl.ID] = true
					out = append(out, ctl)
				}
			}
		}
	}
	return out
}

// controlCells are the cells of one control that a cell rests on.
func controlCells(s *Scenario, c *Cell) []*Cell {
	if subject, ok := c.Subject(); ok {
		return []*Cell{peerControl(s, c, *subject)}
	}
	var out []*Cell
	for _, pair := range controlPairs(c.Initiator, c.Receiver) {
		out = append(out, controlCell(s, pair[0], pair[1]))
	}
	return out
}

// peerControl is the control of a subject with an honest scripted peer.
func peerControl(s *Scenario, c *Cell, subject Party) *Cell {
	subject.Setting = controlSetting(subject)
	scene := controlScene(c.World.Scene.Initiates)
	if scene.Initiates {
		world := World{Name: peerOut + "-" + controlName(subject), Initiator: subject.Setting, Scene: scene}
		return &Cell{ID: CellID(s.ID, world.Name, subject.Subject.Name, judge.PeerName), Scenario: s, World: world, Initiator: subject, Receiver: c.Receiver}
	}
	world := World{Name: peerIn + "-" + controlName(subject), Receiver: subject.Setting, Scene: scene}
	return &Cell{ID: CellID(s.ID, world.Name, judge.PeerName, subject.Subject.Name), Scenario: s, World: world, Initiator: c.Initiator, Receiver: subject}
}

func controlPairs(i, r Party) [][2]Party {
	i.Setting, r.Setting = controlSetting(i), controlSetting(r)
	if federate(i.Setting, r.Setting) {
		return [][2]Party{{i, r}}
	}
	var out [][2]Party
	if lax, ok := placed(r, "r", P0(servers.Good)); ok {
		out = append(out, [2]Party{i, lax})
	}
	if lax, ok := placed(i, "i", P0(servers.Good)); ok {
		out = append(out, [2]Party{lax, r})
	}
	return out
}

// federate reports whether anything may be delivered between the settings.
func federate(i, r servers.Setting) bool {
	si, err := oracle.For(string(i.Policy), string(i.Certificate))
	if err != nil {
		return false
	}
	sr, err := oracle.For(string(r.Policy), string(r.Certificate))
	if err != nil {
		return false
	}
	return oracle.Ask(si, sr).Best != oracle.NO
}

// placed is the party with another setting, in the container for it.
func placed(p Party, role string, s servers.Setting) (Party, bool) {
	place, err := p.Subject.Driver.Place(s)
	if err != nil {
		return p, false
	}
	p.Setting, p.Container, p.KeepsDialback = s, containerName(p.Subject.Name, role, place), place.KeepsDialback
	return p, true
}

func controlCell(s *Scenario, i, r Party) *Cell {
	world := World{Name: controlName(i) + "-" + controlName(r), Initiator: i.Setting, Receiver: r.Setting}
	return &Cell{ID: CellID(s.ID, world.Name, i.Subject.Name, r.Subject.Name), Scenario: s, World: world, Initiator: i, Receiver: r}
}

// controlSetting is the setting of a control's side: that of the cell, with a
// good certificate.
func controlSetting(p Party) servers.Setting {
	return servers.Setting{Policy: p.Setting.Policy, Certificate: servers.Good, Ciphers: p.Setting.Ciphers}
}

func controlName(p Party) string {
	return placeText(servers.Place{Policy: p.Setting.Policy, Ciphers: p.Setting.Ciphers})
}

// choose keeps the cells that are wanted and the controls of those.
func choose(all []*Cell, want func(*Cell) bool) []*Cell {
	keep := map[string]bool{}
	for _, c := range all {
		if want(c) {
			keep[c.ID] = true
			for _, id := range c.Controls {
				keep[id] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(c *Cell) bool { return !keep[c.ID] })
}

// order shuffles by the seed, first controls before all and last controls after
// all.
func order(cells []*Cell, seed int64) []*Cell {
	slices.SortFunc(cells, func(a, b *Cell) int { return cmp.Compare(a.ID, b.ID) })
	rng := rand.New(rand.NewPCG(uint64(seed), 0x7e57da1))
	rng.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	phase := func(c *Cell) int {
		switch c.Scenario.Control {
		case ControlFirst:
			return 0
		case ControlLast:
			return 2
		}
		return 1
	}
	slices.SortStableFunc(cells, func(a, b *Cell) int { return cmp.Compare(phase(a), phase(b)) })
	for _, c := range cells {
		c.Initiator.Account = account(rng, "alice")
		c.Receiver.Account = account(rng, "bob")
		if subject, ok := c.Subject(); ok && c.World.Scene.Other {
			subject.OtherAccount = account(rng, "carol")
		}
	}
	return cells
}

func account(rng *rand.Rand, name string) servers.Account {
	return servers.Account{User: fmt.Sprintf("%s%08x", name, rng.Uint32()), Password: fmt.Sprintf("pw%016x", rng.Uint64())}
}

// place gives each side of each cell a virtual host in its container: one with
// the right setting that has not met the other side's container yet, or a new
// one.
func (p *Plan) place() {
	byName := map[string]*Container{}
	named := map[string]int{}
	name := func(prefix string) string {
		named[prefix]++
		return fmt.Sprintf("%s%d.%s", prefix, named[prefix], TLD)
	}
	for _, c := range p.Cells {
		if c.Unsupported != "" {
			continue
		}
		if c.World.Scripted() {
			peer := &c.Initiator
			if c.World.Scene.Initiates {
				peer = &c.Receiver
			}
			peer.Domain, peer.Account = name("c"), servers.Account{}
		}
		for letter, sides := range [...][2]*Party{{&c.Initiator, &c.Receiver}, {&c.Receiver, &c.Initiator}} {
			side, other := sides[0], sides[1]
			if side.Container == "" {
				continue
			}
			met := cmp.Or(other.Container, other.Domain)
			k, ok := byName[side.Container]
			if !ok {
				place, _ := side.Subject.Driver.Place(side.Setting) // which newCell has asked for
				k = &Container{Name: side.Container, Subject: side.Subject, Place: place}
				byName[side.Container] = k
				p.Containers = append(p.Containers, k)
			}
			h := k.host(side.Setting, c.World.DirectTLS, met)
			if h.Domain == "" {
				h.Domain = name("ab"[letter : letter+1])
			}
			h.Accounts = append(h.Accounts, side.Account)
			side.Domain = h.Domain
			if c.World.Scene.Other {
				h := k.host(side.Setting, c.World.DirectTLS, met)
				if h.Domain == "" {
					h.Domain = name("ab"[letter : letter+1])
				}
				h.Accounts = append(h.Accounts, side.OtherAccount)
				side.Other = h.Domain
			}
		}
	}
	slices.SortFunc(p.Containers, func(a, b *Container) int { return cmp.Compare(a.Name, b.Name) })
}

// host finds or adds a virtual host for a cell whose other side is in the
// container peer.
func (k *Container) host(s servers.Setting, directTLS bool, peer string) *Host {
	for i := range k.Hosts {
		if h := &k.Hosts[i]; h.Setting == s && h.DirectTLS == directTLS && !h.peers[peer] {
			h.peers[peer] = true
			return h
		}
	}
	k.Hosts = append(k.Hosts, Host{Setting: s, DirectTLS: directTLS, peers: map[string]bool{peer: true}})
	return &k.Hosts[len(k.Hosts)-1]
}

// Lookup finds a planned cell by id.
func (p *Plan) Lookup(id string) (*Cell, error) {
	for _, c := range p.Cells {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, fmt.Errorf("unknown cell %q: `make plan` lists them", id)
}

// Scenarios lists the scenarios that the plan has cells of, in the catalogue's
// order.
func (p *Plan) Scenarios() []results.ScenarioInfo {
	used := map[string]bool{}
	for _, c := range p.Cells {
		used[c.Scenario.ID] = true
	}
	var out []results.ScenarioInfo
	for _, s := range All() {
		if used[s.ID] {
			out = append(out, s.Info())
		}
	}
	return out
}

// Without returns the plan less the cells for which drop is true. What their
// verdicts would have been the controls of is then without them: for
// measurements, not for publishing.
func (p *Plan) Without(drop func(*Cell) bool) *Plan {
	q := &Plan{Seed: p.Seed, Subjects: p.Subjects}
	q.Cells = slices.DeleteFunc(slices.Clone(p.Cells), drop)
	q.place()
	return q
}
