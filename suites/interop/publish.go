package interop

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/known"
	"github.com/xmpp-testday/testday/results/page"
	"github.com/xmpp-testday/testday/results/publish"
	"github.com/xmpp-testday/testday/results/rundir"
	"github.com/xmpp-testday/testday/suites"
)

// Publish judges every cell of a run folder, holds the verdicts against the
// known failures, and writes all publications into the folder.
// complete says that the run was the whole default plan, so that an entry which
// matches none of its failures is out of date.
func Publish(dir *rundir.Dir, k *known.File, complete bool) (*results.Matrix, known.Report, error) {
	ids, err := planned(dir)
	if err != nil {
		return nil, known.Report{}, err
	}
	m, err := suites.Regrade(dir)
	if err != nil {
		return nil, known.Report{}, err
	}
	for i, id := range ids {
		if m.Cells[i].ID != id {
			return nil, known.Report{}, fmt.Errorf("%s is damaged: it holds the observation of %q", filepath.Join(dir.Path, suites.Folder(id)), m.Cells[i].ID)
		}
	}
	gate := k.Gate(m.Cells, known.Options{Complete: complete})
	err = publish.All(dir.Path, m, publish.File{Name: "index.html", Write: page.Write})
	return m, gate, err
}

// cellID is the form of an id that has a folder of its own.
var cellID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9/._+-]*(:[A-Za-z0-9][A-Za-z0-9@._-]*){2}$`)

// planned lists the cells of a run folder, whoever wrote that.
func planned(dir *rundir.Dir) ([]string, error) {
	meta, err := dir.Meta()
	if err != nil {
		return nil, err
	}
	for _, id := range meta.Planned {
		if !cellID.MatchString(id) || strings.Contains(id, "..") {
			return nil, fmt.Errorf("%s is damaged: it plans %q, which is not the id of a cell", filepath.Join(dir.Path, "run.json"), id)
		}
	}
	return meta.Planned, nil
}
