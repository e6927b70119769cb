package interop

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/xmpp-testday/testday/results/rundir"
)

// folder is a run folder of which it is not decided yet whether it stays: until
// the lab is up nothing can be observed, and a run that came to nothing leaves
// nothing.
type folder struct {
	*rundir.Dir
	found bool // it was there before, and empty
	link  string
}

// reserve makes the run folder of a configuration.
func reserve(c Config) (*folder, error) {
	_, err := os.Stat(c.Out)
	found := err == nil
	dir, err := rundir.Create(c.Out)
	if err != nil {
		return nil, err
	}
	return &folder{Dir: dir, found: found, link: c.Latest}, nil
}

// keep decides that the folder stays, and points the link to it.
func (f *folder) keep() error {
	if f.link == "" {
		return nil
	}
	return f.Link(f.link)
}

// drop removes what was made. A folder that was there before stays, empty.
func (f *folder) drop() error {
	if !f.found {
		return os.RemoveAll(f.Path)
	}
	entries, err := os.ReadDir(f.Path)
	errs := []error{err}
	for _, e := range entries {
		errs = append(errs, os.RemoveAll(filepath.Join(f.Path, e.Name())))
	}
	return errors.Join(errs...)
}
