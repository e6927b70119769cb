package interop

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/xmpp-testday/testday/fixtures/engine"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/known"
	"github.com/xmpp-testday/testday/results/publish"
	"github.com/xmpp-testday/testday/results/rundir"
	"github.com/xmpp-testday/testday/suites"
)

func needDocker(t *testing.T) {
	t.Helper()
	if os.Getenv("TESTDAY_DOCKER") != "1" {
		t.Skip("needs a container engine: set TESTDAY_DOCKER=1")
	}
}

// running is a job that has been started.
type running struct {
	*exec.Cmd
	out    string // its run folder
	stderr strings.Builder
	lines  chan string // of standard output; closed at its end
}

// start starts the short day's cells in the project's own folder, with a run
// folder of their own.
func start(t *testing.T, env ...string) *running {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	r := &running{out: filepath.Join(t.TempDir(), "run"), lines: make(chan string, 1000)}
	for _, name := range []string{"SERVERS", "CELL", "OUT"} {
		env = append([]string{name + "=" + short(r.out)(name)}, env...)
	}
	r.Cmd = job(ctx, root, env, nil)
	stdout, err := r.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Stderr = &r.stderr
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(r.lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			r.lines <- s.Text()
		}
	})
	t.Cleanup(func() {
		cancel()
		for range r.lines { // to the end
		}
		wg.Wait()
	})
	return r
}

// until reads the job's output up to a line that matches.
func (r *running) until(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var seen []string
	for line := range r.lines {
		if re.MatchString(line) {
			return
		}
		seen = append(seen, line)
	}
	t.Fatalf("no line matches %q in:\n%s\n%s", pattern, strings.Join(seen, "\n"), r.stderr.String())
}

// end waits for the job and returns its exit status and the rest of its output.
func (r *running) end(t *testing.T) (code int, stdout string) {
	t.Helper()
	var rest []string
	for line := range r.lines {
		rest = append(rest, line)
	}
	var exit *exec.ExitError
	if err := r.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return r.ProcessState.ExitCode(), strings.Join(rest, "\n")
}

// run is the id of the job's run, as soon as its run folder says it.
func (r *running) run(t *testing.T) string {
	t.Helper()
	dir, err := rundir.Open(r.out)
	if err != nil {
		t.Fatal(err)
	}
	meta, err := dir.Meta()
	if err != nil {
		t.Fatal(err)
	}
	return meta.Run.ID
}

// belongings counts the containers and networks of a run.
func belongings(t *testing.T, run string) int {
	t.Helper()
	docker, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	defer docker.Close()
	ours := make(client.Filters).Add("label", engine.LabelRun+"="+run)
	containers, err := docker.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: ours})
	if err != nil {
		t.Fatal(err)
	}
	networks, err := docker.NetworkList(t.Context(), client.NetworkListOptions{Filters: ours})
	if err != nil {
		t.Fatal(err)
	}
	return len(containers.Items) + len(networks.Items)
}

// finished lists the cells whose observation is in the run folder.
func finished(t *testing.T, out string) []string {
	t.Helper()
	dir, err := rundir.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	meta, err := dir.Meta()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, id := range meta.Planned {
		_, err := dir.Observation(suites.Folder(id))
		if err == nil {
			ids = append(ids, id)
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a cell is neither whole nor absent: %v", err)
		}
	}
	slices.Sort(ids)
	return ids
}

// wantPartial holds the matrix in a folder against the cells that finished:
// these have verdicts, and the others are skipped.
func wantPartial(t *testing.T, out string) {
	t.Helper()
	m, err := publish.Read(filepath.Join(out, "matrix.json"))
	if err != nil {
		t.Fatal(err)
	}
	var judged []string
	for _, c := range m.Cells {
		switch c.Verdict {
		case results.Skipped:
		case results.HarnessError:
			t.Errorf("%s is a harness error: %s", c.ID, c.Why)
		default:
			judged = append(judged, c.ID)
		}
	}
	slices.Sort(judged)
	if done := finished(t, out); !slices.Equal(judged, done) {
		t.Errorf("judged %q, finished %q", judged, done)
	}
	if len(judged) == 0 || len(judged) == len(m.Cells) {
		t.Errorf("%d of %d cells judged, want some", len(judged), len(m.Cells))
	}
}

// someCells is the line of the terminal that tells of the first cells.
const someCells = `^[1-9][0-9]*/[0-9]+ cells, [1-9]`

func TestInterrupted(t *testing.T) {
	needDocker(t)
	t.Parallel()
	r := start(t)
	r.until(t, someCells)
	for range 2 { // people press it twice
		if err := r.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout := r.end(t)
	wantRefusal(t, code, stdout, r.stderr.String(), "interrupted", " cells have finished and are kept")
	if !strings.Contains(stdout, "Page: "+r.out) {
		t.Errorf("it has not published:\n%s", stdout)
	}
	wantPartial(t, r.out)
	if n := belongings(t, r.run(t)); n != 0 {
		t.Errorf("it left %d containers and networks", n)
	}
}

func TestInterruptedBoot(t *testing.T) {
	needDocker(t)
	t.Parallel()
	r := start(t)
	r.until(t, "starting [0-9]+ servers")
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	code, stdout := r.end(t)
	wantRefusal(t, code, stdout, r.stderr.String(), "interrupted before the first cell")
	if entries, err := os.ReadDir(r.out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it left a run folder: %v, %v", entries, err)
	}
}

// TestKilled: what a killed run has observed is published later, and its
// containers are removed by the gateway's reaper, or by another start before.
func TestKilled(t *testing.T) {
	needDocker(t)
	t.Parallel()
	r := start(t)
	r.until(t, someCells)
	if err := r.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	if code, _ := r.end(t); code != -1 {
		t.Errorf("exit %d, want a signal's", code)
	}
	if _, err := os.Stat(filepath.Join(r.out, "matrix.json")); err == nil {
		t.Error("it has published before it was killed")
	}
	dir, err := rundir.Open(r.out)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Publish(dir, &known.File{}, false); err != nil {
		t.Fatal(err)
	}
	wantPartial(t, r.out)

	run := r.run(t)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for belongings(t, run) > 0 {
		if time.Since(killed) > 30*time.Second {
			t.Fatalf("%d containers and networks are left after %v", belongings(t, run), time.Since(killed))
		}
		<-tick.C
	}
}

// TestFullDisk gives the run a disk that holds some of its cells.
func TestFullDisk(t *testing.T) {
	needDocker(t)
	t.Parallel()
	disk := tinyDisk(t, "240k")
	r := start(t, "OUT="+disk)
	code, stdout := r.end(t)
	wantRefusal(t, code, stdout, r.stderr.String(), "no space left on device", "make room", "make publish RUN="+disk)
	if done := finished(t, disk); len(done) == 0 {
		t.Error("no cell is kept")
	}

	// With room, what was kept is published.
	roomy := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(roomy, os.DirFS(disk)); err != nil {
		t.Fatal(err)
	}
	dir, err := rundir.Open(roomy)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Publish(dir, &known.File{}, false); err != nil {
		t.Fatal(err)
	}
	wantPartial(t, roomy)
}
