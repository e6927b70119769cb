package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

func TestFromEnvDefaults(t *testing.T) {
	root := t.TempDir()
	c, err := FromEnv(env(), root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range c.Subjects {
		names = append(names, s.Name)
	}
	if got, want := strings.Join(names, " "), "ejabberd@26.07 jabberd2@2.7.0 prosody@13 reference@testday"; got != want {
		t.Errorf("default subjects %q, want %q", got, want)
	}
	if filepath.Dir(c.Out) != filepath.Join(root, "results", "runs") || filepath.Base(c.Latest) != "latest" {
		t.Errorf("run folder %q, link %q", c.Out, c.Latest)
	}
	if c.Known != filepath.Join(root, "results", "known.yaml") {
		t.Errorf("known failures %q", c.Known)
	}
}

// TestFromEnvRefuses: bad input is one line that names the variable.
func TestFromEnvRefuses(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"SERVERS", "nosuch@1", "nosuch"},
		{"SERVERS", "prosody@99", "99"},
		{"LABELS", "family: (", "label filter"},
		{"FULL", "yes", "FULL"},
		{"CORE", "2", "CORE"},
		{"SEED", "x", "SEED"},
		{"PARALLEL", "0", "PARALLEL"},
		{"PARALLEL", "many", "PARALLEL"},
	} {
		_, err := FromEnv(env(tt.name, tt.value), t.TempDir())
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s=%s: error %q, want one line with %q", tt.name, tt.value, err, tt.want)
		}
	}
}

func TestPlanOfOneCell(t *testing.T) {
	id := "s2s/policy/P0.good-P1.expired:prosody@13:prosody@13"
	c, err := FromEnv(env("SERVERS", "prosody@13", "CELL", id), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Cells) != 3 {
		t.Errorf("%d cells, want the cell and its two controls", len(p.Cells))
	}
	c.Cells = []string{"s2s/starttls/no-such:prosody@13:prosody@13"}
	if _, err := c.Plan(t.Context()); err == nil || !strings.Contains(err.Error(), "no-such") || !strings.Contains(err.Error(), "make plan") {
		t.Errorf("unknown cell: %v", err)
	}
}

// TestWhole: only a run that leaves nothing out can find an entry of the known
// failures out of date by its pattern.
func TestWhole(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		want        bool
	}{
		{"SEED", "7", true},
		{"FULL", "1", true},
		{"CORE", "1", false},
		{"SERVERS", "prosody@13", false},
		{"LABELS", "core", false},
		{"CELL", "a:b:c", false},
	} {
		if c, err := FromEnv(env(tt.name, tt.value), t.TempDir()); err != nil || c.Whole != tt.want {
			t.Errorf("%s=%s: whole %v, %v, want %v", tt.name, tt.value, c.Whole, err, tt.want)
		}
	}
}

// TestFolder: a link is only moved to a run that is kept.
func TestFolder(t *testing.T) {
	root := t.TempDir()
	link := filepath.Join(root, "latest")
	for _, name := range []string{"one", "two"} {
		f, err := reserve(Config{Out: filepath.Join(root, name), Latest: link})
		if err != nil {
			t.Fatal(err)
		}
		if target, _ := os.Readlink(link); target == name {
			t.Errorf("the link points to %s before it is kept", name)
		}
		if err := f.keep(); err != nil {
			t.Fatal(err)
		}
		if target, err := os.Readlink(link); target != name {
			t.Errorf("the link points to %q, %v, want %s", target, err, name)
		}
	}
	f, err := reserve(Config{Out: filepath.Join(root, "three"), Latest: link})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.drop(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 3 {
		t.Errorf("left: %v, %v, want one, two and the link", entries, err)
	}
	if target, _ := os.Readlink(link); target != "two" {
		t.Errorf("the link points to %q, want two", target)
	}
}
