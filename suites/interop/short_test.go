package interop

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/publish"
	"github.com/xmpp-testday/testday/results/rundir"
	"github.com/xmpp-testday/testday/suites"
)

// The cells of the short day: one that is delivered, and one that is refused.
const (
	shortDelivered = "s2s/starttls/required-both:prosody@13:prosody@13"
	shortRefused   = "s2s/dialback/self-signed-strict-refused+initiator:prosody@13:prosody@13"
)

// short is the environment of the short day, which `make test` runs with
// TESTDAY_SHORT=1. Nothing else of the environment counts.
func short(out string) func(string) string {
	return func(name string) string {
		return map[string]string{
			"SERVERS": "prosody@13",
			"CELL":    shortDelivered + "," + shortRefused,
			"OUT":     out,
		}[name]
	}
}

// checkShort looks into the folder of the short day.
func checkShort(t *testing.T, out string) {
	m, err := publish.Read(filepath.Join(out, "matrix.json"))
	if err != nil {
		t.Error(err)
		return
	}
	cells := map[string]results.Cell{}
	for _, c := range m.Cells {
		cells[c.ID] = c
		if c.Verdict != results.Pass {
			t.Errorf("%s: %s: %s", c.ID, c.Verdict, c.Why)
		}
		for _, a := range c.Artefacts {
			if i, err := os.Stat(filepath.Join(out, a)); err != nil || i.Size() == 0 && !strings.HasSuffix(a, ".log") {
				t.Errorf("artefact %s: %v", a, err)
			}
		}
	}
	for id, delivered := range map[string]bool{shortDelivered: true, shortRefused: false} {
		c, ok := cells[id]
		if !ok {
			t.Errorf("%s is not in the matrix", id)
			continue
		}
		if c.Outcome.Delivered != delivered {
			t.Errorf("%s: outcome %+v, want delivered %v", id, c.Outcome, delivered)
		}
		if len(c.Control) == 0 {
			t.Errorf("%s has no control", id)
		}
		for _, name := range []string{"observation.json", "transcript.txt", "capture.pcapng", "dns.txt", "initiator.log", "receiver.crt"} {
			if want := suites.Folder(id) + "/" + name; !slices.Contains(c.Artefacts, want) {
				t.Errorf("%s has no artefact %s", id, want)
			}
		}
	}
	for _, name := range []string{"index.html", "matrix.md", "junit.xml"} {
		if data, err := os.ReadFile(filepath.Join(out, name)); err != nil || !bytes.Contains(data, []byte(m.Run.ID)) {
			t.Errorf("%s does not have the run's id %s: %v", name, m.Run.ID, err)
		}
	}
	if len(m.Subjects) != 1 || !strings.HasPrefix(m.Subjects[0].Version, "13.") || !strings.Contains(m.Subjects[0].Image, "sha256:") {
		t.Errorf("subjects %+v, want the exact version and image of prosody@13", m.Subjects)
	}
	t.Run("tshark", func(t *testing.T) { checkCapture(t, out, shortDelivered) })
}

// checkCapture has Wireshark decrypt a cell's capture, in which the message is
// not to be read otherwise.
func checkCapture(t *testing.T, out, cell string) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	dir, err := rundir.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	obs, err := dir.Observation(suites.Folder(cell))
	if err != nil {
		t.Fatal(err)
	}
	if len(obs.Messages) == 0 || len(obs.Messages[0].Canary) < 16 {
		t.Fatalf("messages %+v, want one with a canary", obs.Messages)
	}
	canary := obs.Messages[0].Canary
	path := filepath.Join(out, suites.Folder(cell), "capture.pcapng")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte(canary)) {
		t.Errorf("the capture holds the canary %s in clear", canary)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	opened, err := exec.CommandContext(ctx, tshark, "-r", path, "-d", "tcp.port==5269,xmpp", "-Y", "xmpp.message", "-V").Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	if !bytes.Contains(opened, []byte(canary)) {
		t.Errorf("tshark shows no message with the canary %s:\n%.2000s", canary, opened)
	}
}
