package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/publish"
	"github.com/xmpp-testday/testday/results/rundir"
	"github.com/xmpp-testday/testday/suites"
)

const (
	noEngine = "unix:///nonexistent/docker.sock"
	aCell    = "s2s/starttls/required-both:prosody@13:prosody@13"
	another  = "s2s/pkix/mutual-external:prosody@13:prosody@13"
)

// TestMain is the command itself when a test starts this program again.
func TestMain(m *testing.M) {
	if os.Getenv("TESTDAY_COMMAND") == "1" {
		main()
	}
	os.Exit(m.Run())
}

// environ is the environment of the command, without the variables of a make
// around this test.
func environ() []string {
	env := []string{"TESTDAY_COMMAND=1"}
	for _, v := range os.Environ() {
		switch name, _, _ := strings.Cut(v, "="); name {
		case "SERVERS", "LABELS", "CELL", "FULL", "CORE", "OUT", "SEED", "PARALLEL", "KNOWN":
		default:
			env = append(env, v)
		}
	}
	return env
}

// testday runs the command in a folder, with variables "NAME=value".
func testday(t *testing.T, dir string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Dir = dir
	c.Env = append(append(environ(), "DOCKER_HOST="+noEngine), env...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	c.WaitDelay = 5 * time.Second
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// project makes a folder that the command takes for the project's.
func project(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.org/elsewhere\n")
	write(t, filepath.Join(root, "results", "known.yaml"), "[]\n")
	return root
}

// killed makes the folder of a run that came to one of its two cells.
func killed(t *testing.T, path string) {
	t.Helper()
	d, err := rundir.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	meta := rundir.Meta{Run: results.Run{ID: "killed", Started: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}, Planned: []string{aCell, another}}
	if err := d.WriteMeta(meta); err != nil {
		t.Fatal(err)
	}
	o := &results.Observation{Cell: aCell, Scenario: "s2s/starttls/required-both", Started: meta.Run.Started,
		Initiator:   results.Party{Subject: "prosody@13", Policy: "P1", Certificate: "good"},
		Receiver:    results.Party{Subject: "prosody@13", Policy: "P1", Certificate: "good"},
		Unsupported: "it is made of cardboard"}
	if _, err := d.Cell(suites.Folder(aCell), o, map[string][]byte{"transcript.txt": []byte("nothing\n")}); err != nil {
		t.Fatal(err)
	}
}

func TestBadInput(t *testing.T) {
	for name, tt := range map[string]struct {
		args string
		env  []string
		want []string
	}{
		"no verb":         {"", nil, []string{"usage:", "publish RUN"}},
		"unknown verb":    {"pubish x", nil, []string{"usage:"}},
		"clean all":       {"clean all", nil, []string{"usage:"}},
		"plan, server":    {"plan", []string{"SERVERS=prosidy"}, []string{"SERVERS", `"prosidy"`}},
		"plan, cell":      {"plan", []string{"CELL=nope"}, []string{"CELL", `"nope"`}},
		"plan, label":     {"plan", []string{"LABELS=nosuch"}, []string{"LABELS", `"nosuch"`, "make plan"}},
		"plan, image":     {"plan", []string{"SERVERS=mine=x"}, []string{noEngine}},
		"lab, no engine":  {"lab", nil, []string{noEngine, "start dockerd"}},
		"engine":          {"engine", nil, []string{noEngine, "start dockerd", "DOCKER_HOST"}},
		"clean":           {"clean", nil, []string{noEngine, "start dockerd"}},
		"clean images":    {"clean images", nil, []string{noEngine}},
		"bench":           {"bench", nil, []string{noEngine}},
		"publish":         {"publish", nil, []string{"usage:", "publish RUN"}},
		"empty name":      {"publish _", nil, []string{"RUN="}},
		"no folder":       {"publish nowhere", nil, []string{"nowhere"}},
		"no run":          {"publish results", nil, []string{"results", "run.json"}},
		"a file":          {"publish go.mod", nil, []string{"go.mod"}},
		"damaged run":     {"publish damaged", nil, []string{"damaged/run.json", "is damaged"}},
		"empty run":       {"publish empty", nil, []string{"empty/run.json", "is damaged"}},
		"other cells":     {"publish alien", nil, []string{`"../../no cell"`, "alien/run.json"}},
		"damaged cell":    {"publish torn", nil, []string{"torn/cells/s2s/starttls/required-both/prosody@13_prosody@13/observation.json", "is damaged"}},
		"another cell's":  {"publish swapped", nil, []string{"swapped/cells/s2s/starttls/required-both"}},
		"malformed known": {"publish good", []string{"KNOWN=bad.yaml"}, []string{"bad.yaml:2"}},
		"no known":        {"publish good", []string{"KNOWN=nowhere.yaml"}, []string{"nowhere.yaml", "KNOWN="}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := project(t)
			write(t, filepath.Join(root, "bad.yaml"), "# two lines\n- cell: [\n")
			write(t, filepath.Join(root, "damaged", "run.json"), `{"run": {"id": 7`)
			write(t, filepath.Join(root, "empty", "run.json"), "")
			write(t, filepath.Join(root, "alien", "run.json"), `{"planned": ["../../no cell"]}`)
			killed(t, filepath.Join(root, "good"))
			killed(t, filepath.Join(root, "torn"))
			write(t, filepath.Join(root, "torn", suites.Folder(aCell), "observation.json"), `{"cell": "s2s/`)
			killed(t, filepath.Join(root, "swapped"))
			write(t, filepath.Join(root, "swapped", suites.Folder(aCell), "observation.json"), `{"cell": "`+another+`", "scenario": "s2s/pkix/mutual-external"}`)

			var args []string
			for _, a := range strings.Fields(tt.args) {
				args = append(args, strings.TrimPrefix(a, "_"))
			}
			code, stdout, stderr := testday(t, root, tt.env, args...)
			line, ended := strings.CutSuffix(stderr, "\n")
			if code != 2 || !ended || line == "" || strings.Contains(line, "\n") {
				t.Errorf("exit %d, stderr %q, want 2 and one line; stdout:\n%.2000s", code, stderr, stdout)
			}
			for _, w := range tt.want {
				if !strings.Contains(line, w) {
					t.Errorf("stderr %q, want %q in it", line, w)
				}
			}
			if entries, err := os.ReadDir(filepath.Join(root, "results", "runs")); len(entries) > 0 {
				t.Errorf("left in results/runs: %v, %v", entries, err)
			}
			for _, run := range []string{"damaged", "empty", "alien", "torn", "swapped"} {
				if _, err := os.Stat(filepath.Join(root, run, "matrix.json")); err == nil {
					t.Errorf("%s was published", run)
				}
			}
		})
	}
}

// TestPublish: a run that was cut short is published, by its link too.
func TestPublish(t *testing.T) {
	root := project(t)
	killed(t, filepath.Join(root, "results", "runs", "one"))
	if err := os.Symlink("one", filepath.Join(root, "results", "runs", "latest")); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := testday(t, root, nil, "publish", "results/runs/latest")
	if code != 0 || stderr != "" || !strings.Contains(stdout, "Page: ") {
		t.Fatalf("exit %d, stderr %q, stdout:\n%s", code, stderr, stdout)
	}
	m, err := publish.Read(filepath.Join(root, "results", "runs", "one", "matrix.json"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]results.Verdict{}
	for _, c := range m.Cells {
		got[c.ID] = c.Verdict
	}
	want := map[string]results.Verdict{aCell: results.NotSupported, another: results.Skipped}
	if g, w := text(t, got), text(t, want); g != w {
		t.Errorf("verdicts %s, want %s", g, w)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestPlan: the plan is narrowed as a run is, and needs no engine.
func TestPlan(t *testing.T) {
	root := project(t)
	for name, tt := range map[string]struct {
		env        []string
		want, none string
	}{
		"all":    {nil, "cell       " + aCell, "mine"},
		"labels": {[]string{"LABELS=family: containsAny s2s-starttls"}, aCell, another},
		"cell":   {[]string{"CELL=" + another}, another, aCell},
	} {
		code, stdout, stderr := testday(t, root, append([]string{"SERVERS=prosody@13"}, tt.env...), "plan")
		if code != 0 || stderr != "" || !strings.Contains(stdout, tt.want) || strings.Contains(stdout, tt.none) {
			t.Errorf("%s: exit %d, stderr %q, want %q and no %q in:\n%.2000s", name, code, stderr, tt.want, tt.none, stdout)
		}
		if !strings.Contains(stdout, " containers, ") {
			t.Errorf("%s: no summary", name)
		}
	}
}
