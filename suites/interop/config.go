package interop

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2/types"

	"github.com/xmpp-testday/testday/results/known"
	"github.com/xmpp-testday/testday/servers"
	_ "github.com/xmpp-testday/testday/servers/all" // the shipped servers
	"github.com/xmpp-testday/testday/suites"
	"github.com/xmpp-testday/testday/suites/run"
)

// Config is what the variables of `make interop` say.
type Config struct {
	Subjects []servers.Subject
	Options  suites.Options
	// Cells are the ids of the only cells to run, or empty.
	Cells []string
	// Labels is a Ginkgo label filter, or empty.
	Labels string
	// Out is the run folder; Latest the link to make to it, or empty.
	Out, Latest string
	// Known is the known-failures file.
	Known string
	// Parallel is how many cells are in flight at once; 0 for the default.
	Parallel int
	// ID names the run.
	ID string
	// Whole: the day is not narrowed to some subjects, cells or labels.
	Whole bool
}

// FromEnv reads the variables, in the way of os.Getenv. Relative paths are taken
// from root, the folder of the project. The error names the variable.
func FromEnv(getenv func(string) string, root string) (Config, error) {
	var c Config
	var err error
	if c.Subjects, err = servers.ParseSubjects(getenv("SERVERS")); err != nil {
		return c, fmt.Errorf("SERVERS: %w", err)
	}
	if c.Options.Full, err = boolean(getenv, "FULL"); err != nil {
		return c, err
	}
	if c.Options.CoreOnly, err = boolean(getenv, "CORE"); err != nil {
		return c, err
	}
	if v := getenv("SEED"); v != "" {
		if c.Options.Seed, err = strconv.ParseInt(v, 10, 64); err != nil {
			return c, fmt.Errorf("SEED=%s is not a whole number", oneLine(v))
		}
	}
	if v := getenv("PARALLEL"); v != "" {
		if c.Parallel, err = strconv.Atoi(v); err != nil || c.Parallel < 1 || c.Parallel > 1024 {
			return c, fmt.Errorf("PARALLEL=%s is not a number from 1 to 1024", oneLine(v))
		}
	}
	c.Labels = strings.TrimSpace(getenv("LABELS"))
	if _, err := types.ParseLabelFilter(c.Labels); err != nil {
		return c, fmt.Errorf("LABELS=%s is not a label filter, such as 'core && family: containsAny s2s-pkix'", oneLine(c.Labels))
	}
	var suffix [2]byte
	_, _ = rand.Read(suffix[:])
	started := time.Now().UTC().Format("20060102T150405Z")
	c.ID = started + "-" + hex.EncodeToString(suffix[:])
	c.Out = getenv("OUT")
	if c.Out == "" {
		c.Out = filepath.Join(root, "results", "runs", started)
		c.Latest = filepath.Join(root, "results", "runs", "latest")
		if _, err := os.Stat(c.Out); err == nil {
			c.Out = filepath.Join(root, "results", "runs", c.ID)
		}
	} else if !filepath.IsAbs(c.Out) {
		c.Out = filepath.Join(root, c.Out)
	}
	if c.Known = getenv("KNOWN"); c.Known == "" {
		c.Known = filepath.Join("results", "known.yaml")
	}
	if !filepath.IsAbs(c.Known) {
		c.Known = filepath.Join(root, c.Known)
	}
	if v := getenv("CELL"); v != "" {
		c.Cells = strings.Split(v, ",")
	}
	c.Whole = strings.TrimSpace(getenv("SERVERS")) == "" && len(c.Cells) == 0 && c.Labels == "" && !c.Options.CoreOnly
	return c, nil
}

// Plan makes the plan of the whole configuration. With cells, it is those cells
// with their controls; with labels, the cells that have them. Subjects that are
// images are asked what they can do.
func (c *Config) Plan(ctx context.Context) (*suites.Plan, error) {
	var err error
	if c.Subjects, err = run.Resolve(ctx, c.Subjects); err != nil {
		return nil, err
	}
	o := c.Options
	switch {
	case len(c.Cells) > 0:
		o.Full, o.CoreOnly = true, false
		o.Only = func(cell *suites.Cell) bool { return slices.Contains(c.Cells, cell.ID) }
	case c.Labels != "":
		match, err := types.ParseLabelFilter(c.Labels)
		if err != nil {
			return nil, err // which FromEnv has said better
		}
		o.Only = func(cell *suites.Cell) bool { return match(cell.Labels()) }
	}
	p, err := suites.NewPlan(c.Subjects, o)
	if err != nil {
		return nil, err
	}
	for _, id := range c.Cells {
		if _, err := p.Lookup(id); err != nil {
			return nil, fmt.Errorf("CELL: %w, and SERVERS must list its subjects", err)
		}
	}
	if len(p.Cells) == 0 {
		return nil, fmt.Errorf("LABELS=%s: no cell has such labels: `make plan` lists cells and labels", oneLine(c.Labels))
	}
	return p, nil
}

// LoadKnown reads the known-failures file.
func (c Config) LoadKnown() (*known.File, error) {
	k, err := known.Load(c.Known)
	if err != nil {
		return nil, fmt.Errorf("%w: correct it, or name another with KNOWN=", err)
	}
	return k, nil
}

func boolean(getenv func(string) string, name string) (bool, error) {
	switch v := getenv(name); v {
	case "", "0":
		return false, nil
	case "1":
		return true, nil
	default:
		return false, fmt.Errorf("%s=%s: want 1 or nothing", name, oneLine(v))
	}
}

func oneLine(s string) string {
	s = strconv.Quote(s)
	if len(s) > 100 {
		s = s[:100] + `..."`
	}
	return s
}

// Root is the folder of the project: the nearest one above the working folder
// that holds go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the project's folder: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("find the project's folder: no go.mod in the working folder or above it")
		}
		dir = up
	}
}

// Version is the harness's own version, from the build information.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && version == "(devel)" {
			version = s.Value
		}
	}
	return version
}
