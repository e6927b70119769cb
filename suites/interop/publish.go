package interop

import (
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
	m, err := suites.Regrade(dir)
	if err != nil {
		return nil, known.Report{}, err
	}
	gate := k.Gate(m.Cells, known.Options{Complete: complete})
	err = publish.All(dir.Path, m, publish.File{Name: "index.html", Write: page.Write})
	return m, gate, err
}
