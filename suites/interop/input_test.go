package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/suites"
)

// noEngine is where no engine answers.
const noEngine = "unix:///nonexistent/docker.sock"

// project makes a folder that the main job takes for the project's.
func project(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.org/elsewhere\n")
	write(t, filepath.Join(root, "results", "known.yaml"), "[]\n")
	return root
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

// job is the main job as `make interop` starts it: this program again, in the
// folder, with variables "NAME=value".
func job(ctx context.Context, dir string, env, args []string) *exec.Cmd {
	c := exec.CommandContext(ctx, os.Args[0], append([]string{"-test.run=^TestInterop$"}, args...)...)
	c.Dir = dir
	for _, v := range os.Environ() {
		switch name, _, _ := strings.Cut(v, "="); name {
		case "SERVERS", "LABELS", "CELL", "FULL", "CORE", "OUT", "SEED", "PARALLEL", "KNOWN", "TESTDAY_SHORT":
		default:
			c.Env = append(c.Env, v)
		}
	}
	c.Env = append(c.Env, "TESTDAY_DOCKER=1", "TESTDAY_TERMINAL=1")
	c.Env = append(c.Env, env...)
	c.WaitDelay = 5 * time.Second
	return c
}

// outcome of a job: its exit status and what it wrote.
func outcome(t *testing.T, c *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", c.Args, err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// wantRefusal holds a job's end against the rule for bad input: status 2, and one
// line on standard error that holds every word.
func wantRefusal(t *testing.T, code int, stdout, stderr string, words ...string) {
	t.Helper()
	line, ended := strings.CutSuffix(stderr, "\n")
	if code != 2 || !ended || line == "" || strings.Contains(line, "\n") {
		t.Errorf("exit %d, stderr %q, want 2 and one line; stdout:\n%.2000s", code, stderr, stdout)
	}
	for _, w := range words {
		if !strings.Contains(line, w) {
			t.Errorf("stderr %q, want %q in it", line, w)
		}
	}
}

func TestBadInput(t *testing.T) {
	strange := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(strange.Close)
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Api-Version", "1.40")
		w.Header().Set("Ostype", "linux")
	}))
	t.Cleanup(old.Close)
	at := func(s *httptest.Server) string { return "DOCKER_HOST=tcp://" + s.Listener.Addr().String() }

	for name, tt := range map[string]struct {
		env, args []string
		want      []string
	}{
		"unknown server":  {env: []string{"SERVERS=prosidy@13"}, want: []string{"SERVERS", `"prosidy@13"`, "prosody@13", "NAME=IMAGE"}},
		"unknown version": {env: []string{"SERVERS=prosody@99"}, want: []string{"SERVERS", `"prosody@99"`, "prosody@13"}},
		"listed twice":    {env: []string{"SERVERS=prosody,prosody@13"}, want: []string{"SERVERS", `"prosody@13"`, "twice"}},
		"image no name":   {env: []string{"SERVERS==x"}, want: []string{"SERVERS", "mine=IMAGE"}},
		"name no image":   {env: []string{"SERVERS=mine="}, want: []string{"SERVERS", "mine=IMAGE"}},
		"not a filter":    {env: []string{"LABELS=family: ("}, want: []string{"LABELS", `"family: ("`, "family: containsAny"}},
		"no such label":   {env: []string{"LABELS=family: containsAny s2s-pkxi"}, want: []string{"LABELS", "s2s-pkxi", "make plan"}},
		"unknown cell":    {env: []string{"CELL=s2s/no/such:a:b"}, want: []string{"CELL", `"s2s/no/such:a:b"`, "make plan"}},
		"one unknown cell": {env: []string{"SERVERS=prosody@13", "CELL=" + shortDelivered + ",nope"},
			want: []string{"CELL", `"nope"`, "make plan"}},
		"cell of others":    {env: []string{"SERVERS=jabberd2", "CELL=" + shortDelivered}, want: []string{"CELL", shortDelivered, "SERVERS"}},
		"full":              {env: []string{"FULL=yes"}, want: []string{"FULL", `"yes"`}},
		"core":              {env: []string{"CORE=\x1b[2J\n"}, want: []string{"CORE", `"\x1b[2J\n"`}},
		"seed":              {env: []string{"SEED=1.5"}, want: []string{"SEED", "1.5"}},
		"seed, two lines":   {env: []string{"SEED=1\n2"}, want: []string{"SEED", `1\n2`}},
		"parallel":          {env: []string{"PARALLEL=-1"}, want: []string{"PARALLEL", "-1", "1024"}},
		"no known file":     {env: []string{"KNOWN=nowhere.yaml"}, want: []string{"nowhere.yaml", "KNOWN="}},
		"malformed known":   {env: []string{"KNOWN=bad.yaml"}, want: []string{"bad.yaml:2", "KNOWN="}},
		"unknown verdict":   {env: []string{"KNOWN=verdict.yaml"}, want: []string{"verdict.yaml:", "failed", "KNOWN="}},
		"known is a folder": {env: []string{"KNOWN=results"}, want: []string{"results", "KNOWN="}},
		"out is not empty":  {env: []string{"OUT=used"}, want: []string{"used", "not empty", "OUT="}},
		"out is a file":     {env: []string{"OUT=go.mod"}, want: []string{"go.mod"}},
		"out below a file":  {env: []string{"OUT=go.mod/run"}, want: []string{"go.mod/run"}},
		"ginkgo's filter":   {args: []string{"-ginkgo.label-filter=("}, want: []string{"label-filter", `"("`}},
		"ginkgo's focus":    {args: []string{"-ginkgo.focus=("}, want: []string{"focus", `"("`}},
		"focus on nothing":  {args: []string{"-ginkgo.focus=no-such-cell"}, want: []string{"focus", "make plan"}},

		"no engine":              {want: []string{noEngine, "start dockerd", "DOCKER_HOST"}},
		"no engine for an image": {env: []string{"SERVERS=mine=x"}, want: []string{noEngine, "start dockerd"}},
		"not a URL":              {env: []string{"DOCKER_HOST=docker:2375"}, want: []string{"DOCKER_HOST", `"docker:2375"`}},
		"not an engine":          {env: []string{at(strange)}, want: []string{strange.Listener.Addr().String()}},
		"an old engine":          {env: []string{at(old)}, want: []string{old.Listener.Addr().String(), "20.10"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := project(t)
			write(t, filepath.Join(root, "bad.yaml"), "# two lines\n- cell: [\n")
			write(t, filepath.Join(root, "verdict.yaml"), "- cell: a:b:c\n  verdict: failed\n  why: w\n  reason: r\n  link: unreported\n  since: 2026-03-01\n")
			write(t, filepath.Join(root, "used", "notes"), "keep me")
			code, stdout, stderr := outcome(t, job(t.Context(), root, append([]string{"DOCKER_HOST=" + noEngine}, tt.env...), tt.args))
			wantRefusal(t, code, stdout, stderr, tt.want...)
			if strings.Contains(stdout, "interop: ") || strings.Contains(stdout, "Page:") {
				t.Errorf("stdout speaks of a result: %.2000s", stdout)
			}
			if entries, err := os.ReadDir(filepath.Join(root, "results", "runs")); len(entries) > 0 {
				t.Errorf("left in results/runs: %v, %v", entries, err)
			}
			if data, err := os.ReadFile(filepath.Join(root, "used", "notes")); err != nil || string(data) != "keep me" {
				t.Errorf("the folder in use holds %q, %v", data, err)
			}
		})
	}
}

// TestNothingRan: a run that comes to nothing leaves the link and the folders of
// earlier ones as they are, and a folder that it was given empty.
func TestNothingRan(t *testing.T) {
	root := project(t)
	runs := filepath.Join(root, "results", "runs")
	write(t, filepath.Join(runs, "earlier", "run.json"), "{}")
	if err := os.Symlink("earlier", filepath.Join(runs, "latest")); err != nil {
		t.Fatal(err)
	}
	given := filepath.Join(root, "given")
	if err := os.Mkdir(given, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, env := range [][]string{nil, {"OUT=given"}, {"OUT=new"}} {
		code, stdout, stderr := outcome(t, job(t.Context(), root, append([]string{"DOCKER_HOST=" + noEngine}, env...), nil))
		wantRefusal(t, code, stdout, stderr, noEngine)
	}
	if entries, err := os.ReadDir(runs); err != nil || len(entries) != 2 {
		t.Errorf("results/runs holds %v, %v", entries, err)
	}
	if target, err := os.Readlink(filepath.Join(runs, "latest")); target != "earlier" {
		t.Errorf("latest points to %q, %v", target, err)
	}
	if entries, err := os.ReadDir(given); err != nil || len(entries) != 0 {
		t.Errorf("the given folder holds %v, %v", entries, err)
	}
	if _, err := os.Stat(filepath.Join(root, "new")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the new folder: %v", err)
	}
}

// TestGinkgo: dry run, focus, filters and reports are Ginkgo's, and need no
// engine.
func TestGinkgo(t *testing.T) {
	const servers = "prosody@13"
	config, err := FromEnv(env("SERVERS", servers), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := config.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	everything := func(*suites.Cell) bool { return true }
	for name, tt := range map[string]struct {
		env, args []string
		planned   func(*suites.Cell) bool
		runs      func(*suites.Cell) bool
		id        string // of a cell that runs
	}{
		"all": {planned: everything, runs: everything, id: shortRefused},
		"focus": {args: []string{"-ginkgo.focus=mutual-external"}, planned: everything,
			runs: func(c *suites.Cell) bool { return strings.Contains(c.ID, "mutual-external") }, id: "s2s/pkix/mutual-external:prosody@13:prosody@13"},
		"skip": {args: []string{"-ginkgo.skip=^interop s2s"}, planned: everything,
			runs: func(c *suites.Cell) bool { return !strings.HasPrefix(c.ID, "s2s") }, id: "control/first+P1-P1:prosody@13:prosody@13"},
		"filter": {args: []string{"-ginkgo.label-filter=core && family: containsAny s2s-starttls"}, planned: everything,
			runs: func(c *suites.Cell) bool { return c.Scenario.Core && c.Scenario.Family() == "s2s-starttls" }, id: shortDelivered},
		"labels": {env: []string{"LABELS=level: isSubsetOf must && family: containsAny s2s-dialback"}, planned: nil,
			runs: func(c *suites.Cell) bool {
				return c.Scenario.Level() == results.Must && c.Scenario.Family() == "s2s-dialback"
			}, id: shortRefused},
		"cell": {env: []string{"CELL=" + shortDelivered}, planned: nil,
			runs: func(c *suites.Cell) bool {
				return c.ID == shortDelivered || strings.HasSuffix(c.ID, "+P1-P1:prosody@13:prosody@13")
			}, id: shortDelivered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs, planned := 0, 0
			for _, c := range plan.Cells {
				if tt.runs(c) {
					runs++
				}
				if tt.planned != nil && tt.planned(c) {
					planned++
				}
			}
			want := fmt.Sprintf("Ran %d of %d Specs", runs, planned)
			if tt.planned == nil {
				want = fmt.Sprintf("Ran %d of ", runs)
			}
			root := project(t)
			report := filepath.Join(root, "junit.xml")
			env := append([]string{"DOCKER_HOST=" + noEngine, "TESTDAY_TERMINAL=", "SERVERS=" + servers}, tt.env...)
			args := append([]string{"-ginkgo.dry-run", "-ginkgo.v", "-ginkgo.no-color", "-ginkgo.junit-report=" + report}, tt.args...)
			code, stdout, stderr := outcome(t, job(t.Context(), root, env, args))
			if code != 0 || stderr != "" || !strings.Contains(stdout, want) {
				t.Errorf("exit %d, stderr %q, want %q in stdout:\n%.3000s", code, stderr, want, stdout)
			}
			junit, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(stdout, tt.id) || !strings.Contains(string(junit), tt.id) {
				t.Errorf("%s is not in the output or not in the JUnit report", tt.id)
			}
			if entries, _ := os.ReadDir(filepath.Join(root, "results", "runs")); len(entries) > 0 {
				t.Errorf("a dry run leaves %v", entries)
			}
		})
	}
}

func TestLine(t *testing.T) {
	line, excerpt := Line(errors.Join(
		errors.New("image of a: build testday/a:1: it failed; the last lines of its log:\n\tE: no\x1b[2J such\n\tpackage"),
		errors.New("second")))
	if line != "image of a: build testday/a:1: it failed; second" {
		t.Errorf("line %q", line)
	}
	if got := strings.Join(excerpt, "|"); got != "E: no\ufffd[2J such|package" {
		t.Errorf("excerpt %q", got)
	}
	if line, _ := Line(errors.New(strings.Repeat("ü", maxLine))); len(line) > maxLine+3 || !strings.HasSuffix(line, "ü…") {
		t.Errorf("a long line has %d bytes and ends with %q", len(line), line[len(line)-6:])
	}
}
