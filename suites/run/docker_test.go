package run_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/xmpp-testday/testday/fixtures/engine"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/rundir"
	"github.com/xmpp-testday/testday/servers"
	_ "github.com/xmpp-testday/testday/servers/all"
	"github.com/xmpp-testday/testday/suites"
	"github.com/xmpp-testday/testday/suites/interop"
	"github.com/xmpp-testday/testday/suites/run"
)

// honest is what makes the shipped Prosody an image that speaks for itself.
const honest = `LABEL org.xmpp-testday.contract=1 org.xmpp-testday.per-container=policy org.xmpp-testday.log=prosody
`

const (
	delivered = "s2s/starttls/required-both"
	refused   = "s2s/dialback/self-signed-strict-refused+initiator"
)

func needDocker(t *testing.T) context.Context {
	t.Helper()
	if os.Getenv("TESTDAY_DOCKER") != "1" {
		t.Skip("needs a container engine: set TESTDAY_DOCKER=1")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// image builds the shipped Prosody with more lines in its Dockerfile, and
// returns its name.
func image(t *testing.T, ctx context.Context, name, lines string) string {
	t.Helper()
	eng, err := engine.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer eng.Close()
	shipped, err := servers.ParseSubjects("prosody@13")
	if err != nil {
		t.Fatal(err)
	}
	base, err := run.Image(ctx, eng, shipped[0])
	if err != nil {
		t.Fatal(err)
	}
	img, err := eng.Build(ctx, engine.Build{
		Name:  "run-test-" + name,
		Files: fstest.MapFS{"Dockerfile": {Data: []byte("ARG SHIPPED\nFROM ${SHIPPED}\n" + lines)}},
		From:  map[string]engine.Image{"SHIPPED": base},
	})
	if err != nil {
		t.Fatal(err)
	}
	return img.Ref
}

// subjects are those of a SERVERS list.
func subjects(ctx context.Context, list string) ([]servers.Subject, error) {
	s, err := servers.ParseSubjects(list)
	if err != nil {
		return nil, err
	}
	return run.Resolve(ctx, s)
}

// prepare plans the cells of the scenarios between each subject and itself.
func prepare(t *testing.T, ctx context.Context, list string, report func(run.Event), scenarios ...string) *run.Run {
	t.Helper()
	s, err := subjects(ctx, list)
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{}
	for _, sc := range scenarios {
		for _, sub := range s {
			wanted[suites.CellID(sc, "", sub.Name, sub.Name)] = true
		}
	}
	plan, err := suites.NewPlan(s, suites.Options{Only: func(c *suites.Cell) bool { return wanted[c.ID] }})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := rundir.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := run.New(plan, run.Config{Dir: dir, ID: "run-test-" + rand.Text(), Report: report})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

// observe runs all cells and returns those of the scenarios.
func observe(t *testing.T, ctx context.Context, r *run.Run, ids ...string) []results.Cell {
	t.Helper()
	if err := r.Boot(ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.Observe(ctx); err != nil {
		t.Fatal(err)
	}
	var out []results.Cell
	for _, id := range ids {
		c, err := r.Wait(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func TestLabels(t *testing.T) {
	ctx := needDocker(t)
	for name, tt := range map[string]struct{ lines, want string }{
		"none":       {"", `label org.xmpp-testday.contract is missing: want "1"`},
		"version":    {"LABEL org.xmpp-testday.contract=2\n", `label org.xmpp-testday.contract is "2": want "1"`},
		"word":       {honest + "LABEL org.xmpp-testday.per-container=polcy\n", `"polcy": want policy or ciphers`},
		"cannot":     {honest + "LABEL org.xmpp-testday.cannot=P2\n", `"P2": want SETTING: REASON`},
		"log family": {honest + "LABEL org.xmpp-testday.log=prosidy\n", `"prosidy": want none or a shipped family`},
	} {
		ref := image(t, ctx, "labels", tt.lines)
		_, err := subjects(ctx, "mine="+ref)
		wantLine(t, name, err, "subject mine", ref, "clause C1 of the subject contract", tt.want)
	}
}

// wantLine wants an error that is one line for its reader and holds all words.
func wantLine(t *testing.T, name string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want one with %q", name, words)
		return
	}
	line, excerpt := interop.Line(err)
	if len(excerpt) > 0 {
		t.Errorf("%s: the error comes with an excerpt: %q", name, excerpt)
	}
	for _, w := range words {
		if !strings.Contains(line, w) {
			t.Errorf("%s: error %q, want %q in it", name, line, w)
		}
	}
}

// TestBrokenImages: an image that breaks the contract is told the clause.
func TestBrokenImages(t *testing.T) {
	needDocker(t)
	for name, tt := range map[string]struct {
		lines string
		want  []string
		// silent images are not waited for as long as a real one would be.
		silent bool
	}{
		"exits": {lines: `ENTRYPOINT ["sh", "-c", "echo cannot open the database; exit 3"]` + "\n",
			want: []string{"ended before it was ready", "cannot open the database"}},
		"broken": {lines: `ENTRYPOINT ["sh", "-c", "echo testday: broken C4 it has a resolver of its own; exit 1"]` + "\n",
			want: []string{"clause C4 of the subject contract: it has a resolver of its own"}},
		"silent": {lines: `ENTRYPOINT ["sh", "-c", "echo waiting for godot; exec sleep 600"]` + "\n", silent: true,
			want: []string{"clause C7 of the subject contract: no answer for ", "waiting for godot"}},
		"version": {lines: `RUN sed -i '/testday: version/d' /testday/start` + "\n",
			want: []string{"clause C9 of the subject contract: it did not print its version"}},
		"line": {lines: `RUN sed -i 's/testday: version/testday: verzion/' /testday/start` + "\n",
			want: []string{"clause C9 of the subject contract", "testday: verzion 13", "testday: version UPSTREAM package REVISION"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(needDocker(t))
			defer cancel()
			ref := image(t, ctx, name, honest+tt.lines)
			r := prepare(t, ctx, "mine="+ref, func(e run.Event) {
				if tt.silent && strings.HasPrefix(e.Step, "starting ") {
					time.AfterFunc(10*time.Second, cancel)
				}
			}, delivered)
			wantLine(t, name, r.Boot(ctx), append(tt.want, "start mine-")...)
		})
	}
}

// TestNoKeyLog: what nobody could read proves nothing, and the cell says so.
func TestNoKeyLog(t *testing.T) {
	t.Parallel()
	ctx := needDocker(t)
	ref := image(t, ctx, "no-keylog", honest+"RUN sed -i '/^tail /d' /testday/start\n")
	id := suites.CellID(delivered, "", "mine", "mine")
	c := observe(t, ctx, prepare(t, ctx, "mine="+ref, nil, delivered), id)[0]
	if c.Verdict != results.Inconclusive || !c.Outcome.Delivered || !strings.Contains(c.Why, "cannot be decrypted") || !strings.Contains(c.Why, "the key log has no ") {
		t.Errorf("%s: %s: %s, %+v, want inconclusive for want of secrets, although it was delivered", c.ID, c.Verdict, c.Why, c.Outcome)
	}
}

// TestOwnImage: an image that honours the contract is judged as the shipped one
// that it is.
func TestOwnImage(t *testing.T) {
	t.Parallel()
	ctx := needDocker(t)
	ref := image(t, ctx, "honest", honest)
	scenarios := []string{delivered, refused}
	var ids []string
	for _, sub := range []string{"prosody@13", "mine"} {
		for _, s := range scenarios {
			ids = append(ids, suites.CellID(s, "", sub, sub))
		}
	}
	cells := observe(t, ctx, prepare(t, ctx, "prosody@13,mine="+ref, nil, scenarios...), ids...)
	for n, s := range scenarios {
		shipped, mine := cells[n], cells[len(scenarios)+n]
		if shipped.Verdict != results.Pass || mine.Verdict != shipped.Verdict || mine.Expected != shipped.Expected {
			t.Errorf("%s: shipped %s (%s), own %s (%s)", s, shipped.Verdict, shipped.Why, mine.Verdict, mine.Why)
		}
		if mine.Outcome.Delivered != (s == delivered) || mine.Outcome.Auth != shipped.Outcome.Auth {
			t.Errorf("%s: shipped %+v, own %+v", s, shipped.Outcome, mine.Outcome)
		}
	}
}
