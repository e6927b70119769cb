package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites"
	"github.com/xmpp-testday/testday/suites/interop"
)

// elsewhere are the targets that the README names and CI does not run, with what
// runs them.
var elsewhere = map[string]string{
	"lab":   "TestLab",
	"bench": "TestBadInput, as far as the engine: the rest takes minutes",
}

// readme returns the README and the folder that it is in.
func readme(t *testing.T) (text, root string) {
	t.Helper()
	root, err := interop.Root()
	if err != nil {
		t.Fatal(err)
	}
	return read(t, filepath.Join(root, "README.md")), root
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var (
	shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")
	anyBlock   = regexp.MustCompile("(?ms)^```.*?^```$")
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	comment    = regexp.MustCompile(`\s+#.*$`)
	shellWord  = regexp.MustCompile(`(?:[^\s']|'[^']*')+`)
)

// commands lists the commands of the README, in blocks and in running text, as the
// words that a shell makes of them.
func commands(text string) [][]string {
	var lines []string
	for _, block := range shellBlock.FindAllStringSubmatch(text, -1) {
		lines = append(lines, strings.Split(strings.TrimSpace(block[1]), "\n")...)
	}
	for _, span := range codeSpan.FindAllStringSubmatch(anyBlock.ReplaceAllString(text, ""), -1) {
		if strings.HasPrefix(span[1], "make ") || strings.HasPrefix(span[1], "go ") {
			lines = append(lines, span[1])
		}
	}
	var all [][]string
	for _, line := range lines {
		words := shellWord.FindAllString(comment.ReplaceAllString(line, ""), -1)
		for n := range words {
			words[n] = strings.ReplaceAll(words[n], "'", "")
		}
		if len(words) > 0 {
			all = append(all, words)
		}
	}
	return all
}

// runMake runs make in the project's folder, without what a make around this
// test has left in the environment.
func runMake(t *testing.T, root string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("make")
	if err != nil {
		t.Skip("make is not installed")
	}
	c := exec.CommandContext(t.Context(), path, args...)
	c.Dir = root
	c.Env = append(os.Environ(), "MAKEFLAGS=", "MFLAGS=", "MAKELEVEL=")
	out, err := c.CombinedOutput()
	return string(out), err
}

// TestReadmeCommands: make knows every target and variable of the README and
// explains them in its help, the values mean something, and something runs them.
func TestReadmeCommands(t *testing.T) {
	text, root := readme(t)
	help, err := runMake(t, root, "help")
	if err != nil {
		t.Fatalf("make help: %v\n%s", err, help)
	}
	ci := read(t, filepath.Join(root, ".ci", "run"))
	all := commands(text)
	if len(all) < 10 {
		t.Fatalf("only %d commands found: %q", len(all), all)
	}
	for _, words := range all {
		command := strings.Join(words, " ")
		switch {
		case words[0] == "go" && len(words) > 1 && words[1] == "test":
			for _, folder := range words[2:] {
				if _, err := os.Stat(filepath.Join(root, folder)); err != nil {
					t.Errorf("%s: %v", command, err)
				}
			}
			continue
		case words[0] != "make":
			t.Errorf("%s: not a command that this test knows how to look at", command)
			continue
		}
		if out, err := runMake(t, root, append([]string{"-n"}, words[1:]...)...); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
		env := map[string]string{}
		for _, word := range words[1:] {
			if name, value, ok := strings.Cut(word, "="); ok {
				env[name] = value
				if !regexp.MustCompile(`(?m)^  ` + name + `=`).MatchString(help) {
					t.Errorf("%s: make help does not explain %s", command, name)
				}
				continue
			}
			if !regexp.MustCompile(`(?m)^  ` + word + ` `).MatchString(help) {
				t.Errorf("%s: make help does not list %s", command, word)
			}
			if !regexp.MustCompile(`(?m)^make `+word+`\b`).MatchString(ci) && elsewhere[word] == "" {
				t.Errorf("%s: neither .ci/run nor a test runs %s", command, word)
			}
		}
		c, err := interop.FromEnv(func(name string) string { return env[name] }, root)
		if err != nil {
			t.Errorf("%s: %v", command, err)
			continue
		}
		if strings.Contains(env["SERVERS"], "=") {
			continue // an image, which an engine would have to be asked about
		}
		if _, err := c.Plan(t.Context()); err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
}

// TestReadmeLinks: files that the README links to, or names as code, are there.
func TestReadmeLinks(t *testing.T) {
	text, root := readme(t)
	var paths []string
	for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(link[1], "https://") {
			paths = append(paths, link[1])
		}
	}
	if len(paths) == 0 {
		t.Error("no links found")
	}
	for _, span := range codeSpan.FindAllStringSubmatch(anyBlock.ReplaceAllString(text, ""), -1) {
		top, _, deep := strings.Cut(span[1], "/")
		made := strings.HasPrefix(span[1], "results/runs/")
		if deep && !made && slices.Contains([]string{".ci", "ca", "fixtures", "results", "servers", "suites"}, top) {
			paths = append(paths, span[1])
		}
	}
	for _, p := range paths {
		if _, err := os.Stat(filepath.Join(root, p)); err != nil {
			t.Errorf("the README names %s: %v", p, err)
		}
	}
}

var (
	subjectName = regexp.MustCompile(`\b[a-z][a-z0-9]*@(?:[0-9][0-9.]*|testday)\b`)
	cellName    = regexp.MustCompile(`\b[a-z0-9]+(?:/[a-z0-9.+-]+)+:[a-z0-9@.]+:[a-z0-9@.]+\b`)
)

// TestReadmeSubjectsAndCells: every subject that the README names exists, every
// shipped one is named, and its cells are in the plan.
func TestReadmeSubjectsAndCells(t *testing.T) {
	text, _ := readme(t)
	named := subjectName.FindAllString(text, -1)
	for _, name := range named {
		if _, err := servers.ParseSubjects(name); err != nil {
			t.Error(err)
		}
	}
	for _, d := range servers.All() {
		for _, v := range d.Versions() {
			if name := d.Name() + "@" + v.Name; !slices.Contains(named, name) {
				t.Errorf("the README does not name %s", name)
			}
		}
	}
	cells := cellName.FindAllString(text, -1)
	if len(cells) == 0 {
		t.Error("no cell ids found")
	}
	for _, id := range cells {
		parts := strings.Split(id, ":")
		subjects, err := servers.ParseSubjects(strings.Join(slices.Compact(parts[1:]), ","))
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		plan, err := suites.NewPlan(subjects, suites.Options{Full: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.Lookup(id); err != nil {
			t.Error(err)
		}
	}
}

// TestReadmeVerdicts: the table of verdicts has each of them, and nothing else.
func TestReadmeVerdicts(t *testing.T) {
	text, _ := readme(t)
	_, table, ok := strings.Cut(text, "| verdict | meaning |\n|---|---|\n")
	if !ok {
		t.Fatal("no table of verdicts found")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var got []results.Verdict
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1) {
		got = append(got, results.Verdict(row[1]))
	}
	want := results.Verdicts()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("verdicts %q, want %q", got, want)
	}
}
