package suites

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/results/rundir"
)

// Profile is the set of rules that verdicts are reached by.
const Profile = "manifesto-2014"

// Grade judges an observation by its scenario. controls holds the verdicts of
// the control cells by id; one that is missing there did not finish.
func Grade(obs *results.Observation, controls map[string]judge.Control) (judge.Judgement, error) {
	q, err := asked(obs)
	if err != nil {
		return judge.Judgement{}, fmt.Errorf("grade cell %s: %w", obs.Cell, err)
	}
	var used []judge.Control
	for _, id := range obs.Controls {
		c, ok := controls[id]
		if !ok {
			c = judge.Control{Cell: id, Verdict: results.Skipped, Why: "it did not run"}
		}
		used = append(used, c)
	}
	return judge.Judge(q, obs, used), nil
}

// asked is what the scenario asks in the world of an observation's cell.
func asked(obs *results.Observation) (judge.Question, error) {
	s, err := Lookup(obs.Scenario)
	if err != nil {
		return judge.Question{}, err
	}
	w, err := s.World(obs.Cell)
	if err != nil {
		return judge.Question{}, err
	}
	return s.Question(w), nil
}

// Publish makes the cell that is published from an observation and its verdict.
// Subjects are those of the run.
func Publish(obs *results.Observation, j judge.Judgement, artefacts []string, subjects []results.Subject) results.Cell {
	c := results.Cell{
		ID:        obs.Cell,
		Scenario:  obs.Scenario,
		Subjects:  []string{obs.Initiator.Subject, obs.Receiver.Subject},
		Policy:    sideText(obs.Initiator) + " " + sideText(obs.Receiver),
		Verdict:   j.Verdict,
		Blame:     j.Blame,
		Outcome:   j.Outcome,
		Expected:  j.Expected,
		Why:       j.Why,
		Cites:     j.Cites,
		Possible:  j.Possible,
		Witnesses: j.Witnesses,
		Notes:     obs.Notes,
		Control:   obs.Controls,
		Reproduce: Reproduce(obs.Cell, subjects),
		Seconds:   obs.Seconds,
		Artefacts: artefacts,
	}
	if c.Artefacts == nil {
		c.Artefacts = []string{}
	}
	if s, err := Lookup(obs.Scenario); err == nil && s.Inventory {
		c.Inventory = inventory(obs.Streams)
	}
	return c
}

// inventory is what an onlooker of all the streams learned, each item once for
// the side that opened the stream.
func inventory(streams []results.Stream) []string {
	var all []string
	for _, s := range streams {
		opener := cmp.Or(s.InitiatingParty, "stranger")
		for _, item := range s.Inventory {
			all = append(all, opener+"'s stream: "+item)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Reproduce is the command that runs one cell again. A subject whose name says
// nothing of a version was given as an image, and is again.
func Reproduce(cell string, subjects []results.Subject) string {
	parts := strings.Split(cell, ":")
	var names []string
	for _, name := range slices.Compact(parts[1:]) {
		if name == judge.PeerName {
			continue
		}
		for _, s := range subjects {
			if ref, _, _ := strings.Cut(s.Image, " "); s.Name == name && !strings.Contains(name, "@") {
				name += "=" + ref
			}
		}
		names = append(names, name)
	}
	return fmt.Sprintf("make interop SERVERS=%s CELL=%s", strings.Join(names, ","), cell)
}

func sideText(p results.Party) string {
	if p.Subject == judge.PeerName {
		return p.Subject
	}
	return p.Policy + "/" + p.Certificate
}

// cellID is the form of an id that has a folder of its own.
var cellID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9/._+-]*(:[A-Za-z0-9][A-Za-z0-9@._-]*){2}$`)

// Regrade judges every cell of a run folder anew and returns its matrix. Cells
// that were planned and did not finish are skipped ones.
func Regrade(d *rundir.Dir) (*results.Matrix, error) {
	meta, err := d.Meta()
	if err != nil {
		return nil, err
	}
	for _, id := range meta.Planned {
		if !cellID.MatchString(id) || strings.Contains(id, "..") {
			return nil, fmt.Errorf("%s is damaged: it plans %q, which is not the id of a cell", path.Join(d.Path, "run.json"), id)
		}
	}
	controls := map[string]judge.Control{}
	for _, id := range meta.Planned {
		if !strings.HasPrefix(id, "control/") {
			continue
		}
		obs, err := d.Observation(Folder(id))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		j, err := Grade(obs, nil)
		if err != nil {
			return nil, err
		}
		controls[id] = judge.Control{Cell: id, Verdict: j.Verdict, Why: j.Why}
	}
	m := &results.Matrix{Schema: 1, Run: meta.Run, Subjects: meta.Subjects, Timing: meta.Timing, Cells: []results.Cell{}}
	m.Run.Profile = Profile
	seen := map[string]bool{}
	for _, id := range meta.Planned {
		obs, err := d.Observation(Folder(id))
		if errors.Is(err, fs.ErrNotExist) {
			obs, err = unfinished(id)
		}
		if err != nil {
			return nil, err
		}
		if obs.Cell != id {
			return nil, fmt.Errorf("%s is damaged: it holds the observation of %q", path.Join(d.Path, Folder(id)), obs.Cell)
		}
		j, err := Grade(obs, controls)
		if err != nil {
			// A run of another version: its scenarios change, and the rest can be judged.
			j = judge.Judgement{Verdict: results.Skipped, Why: "this version does not ask it: " + err.Error()}
		}
		artefacts, _ := d.Artefacts(Folder(id)) // none for a cell that did not finish
		m.Cells = append(m.Cells, Publish(obs, j, artefacts, meta.Subjects))
		seen[obs.Scenario] = true
	}
	for _, s := range All() {
		if seen[s.ID] {
			m.Scenarios = append(m.Scenarios, s.Info())
		}
	}
	return m, nil
}

// unfinished is the observation of a planned cell that the run did not come to.
func unfinished(id string) (*results.Observation, error) {
	parts := strings.Split(id, ":")
	if len(parts) != 3 {
		return nil, fmt.Errorf("run.json plans %q, which is not the id of a cell", id)
	}
	scenario, _, _ := strings.Cut(parts[0], "+")
	o := &results.Observation{Cell: id, Scenario: scenario, Skipped: "the run ended before this cell did",
		Initiator: results.Party{Subject: parts[1]}, Receiver: results.Party{Subject: parts[2]}}
	s, err := Lookup(scenario)
	if err != nil {
		return o, nil // of another version, as Grade will say
	}
	w, err := s.World(id)
	if err != nil {
		return o, nil
	}
	o.Initiator.Policy, o.Initiator.Certificate = string(w.Initiator.Policy), string(w.Initiator.Certificate)
	o.Receiver.Policy, o.Receiver.Certificate = string(w.Receiver.Policy), string(w.Receiver.Certificate)
	return o, nil
}
