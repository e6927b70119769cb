package results

import "time"

// Matrix is a published test day: the content of matrix.json. Its shape is the
// public interface described by schema.json; fields are added, never renamed.
type Matrix struct {
	// Schema is the version of this shape.
	Schema    int            `json:"schema"`
	Run       Run            `json:"run"`
	Subjects  []Subject      `json:"subjects"`
	Scenarios []ScenarioInfo `json:"scenarios"`
	Cells     []Cell         `json:"cells"`
	Timing    Timing         `json:"timing"`
}

// Run identifies a test day.
type Run struct {
	ID       string    `json:"id"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"` // zero when the run was cut short
	Seed     int64     `json:"seed"`
	// Profile is the set of rules that the verdicts were reached by.
	Profile string `json:"profile"`
	Cores   int    `json:"cores"`
	// Engine describes the container engine, and Harness the harness's own version.
	Engine  string `json:"engine,omitempty"`
	Harness string `json:"harness,omitempty"`
}

// Subject is software under test, exactly.
type Subject struct {
	Name string `json:"name"` // prosody@13
	// Version is what the image said of itself: "13.0.7 (13.0.7-1)".
	Version string `json:"version"`
	// Image is the reference and the digest of the image.
	Image string `json:"image"`
}

// ScenarioInfo is a scenario as it is published.
type ScenarioInfo struct {
	ID     string     `json:"id"`
	Asks   string     `json:"asks"`
	Family string     `json:"family"` // s2s-starttls
	Core   bool       `json:"core"`
	Cites  []Citation `json:"cites"`
	// Expect says in one sentence what passes.
	Expect string `json:"expect,omitempty"`
}

// Level is the strength of a requirement.
type Level string

// The levels: the key words of RFC 2119, and two for what no standard says.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
	May    Level = "MAY"
	// PolicyLevel: the 2014 manifesto, or community practice.
	PolicyLevel Level = "POLICY"
	// SecLevel: no sentence says it, but a published attack does.
	SecLevel Level = "SEC"
)

// Citation is where a requirement stands.
type Citation struct {
	Document string `json:"document"` // "RFC 6120"
	Section  string `json:"section"`  // "5.4.3.3"
	Level    Level  `json:"level"`
}

// Known marks a cell that matches an entry of the known-failures file.
type Known struct {
	Reason string `json:"reason"`
	Link   string `json:"link"` // a URL, or "unreported"
	Since  string `json:"since"`
}

// Cell is one verdict with what is needed to dispute it.
type Cell struct {
	// ID is readable and shell-safe:
	// "s2s/starttls/required-both:prosody@13:ejabberd@26.07".
	ID       string `json:"id"`
	Scenario string `json:"scenario"`
	// Subjects are the initiator and the receiver.
	Subjects []string `json:"subjects"`
	// Policy names policy and certificate of both sides: "P1/good P1/self".
	Policy  string  `json:"policy"`
	Verdict Verdict `json:"verdict"`
	Blame   Blame   `json:"blame"`
	// Known is nil when no entry of the known-failures file matches.
	Known   *Known  `json:"known"`
	Outcome Outcome `json:"outcome"`
	// Expected is the oracle's answer, in words: best and allowed outcomes.
	Expected string `json:"expected"`
	// Why is one sentence: the fact that decided.
	Why string `json:"why"`
	// Cites is the sentence that decided, when it is another than the scenario's.
	Cites []Citation `json:"cites,omitempty"`
	// Possible is what the pair could have done, for a weaker cell.
	Possible string `json:"possible,omitempty"`
	// Witnesses lists the kinds of evidence that agree: "clients", "wire", "log:initiator".
	Witnesses []string `json:"witnesses,omitempty"`
	// Inventory lists what a passive observer of the cell learned, by the side that
	// opened the stream: "initiator's stream: TLS server name: b1.lab". It is there
	// for scenarios that ask.
	Inventory []string `json:"inventory,omitempty"`
	// Notes is what a scripted peer was told by the subject, in order.
	Notes []Note `json:"notes,omitempty"`
	// Control lists the cells that this one's verdict rests on.
	Control []string `json:"control,omitempty"`
	// Reproduce is the command that runs this cell again.
	Reproduce string  `json:"reproduce"`
	Seconds   float64 `json:"seconds"`
	// Artefacts are the files of the cell, relative to the run folder.
	Artefacts []string `json:"artefacts"`
}

// Timing is where the time went, in seconds.
type Timing struct {
	Images  float64 `json:"images"`  // building or finding images
	Boot    float64 `json:"boot"`    // network, gateway, servers until ready
	Observe float64 `json:"observe"` // first cell begun to last cell ended
	Wall    float64 `json:"wall"`
	// CPU is the processor time of the harness and of every server container.
	CPU        float64 `json:"cpu"`
	Containers int     `json:"containers"`
}
