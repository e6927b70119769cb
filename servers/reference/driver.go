package reference

import (
	"io/fs"

	"github.com/xmpp-testday/testday/fixtures/reference"
	"github.com/xmpp-testday/testday/servers"
)

func init() { servers.Register(Driver{}) }

// Driver describes the reference server. The zero value is without a fault.
type Driver struct {
	// Faults are what a mutant does wrong.
	Faults []reference.Fault
}

// Name implements [servers.Driver].
func (Driver) Name() string { return "reference" }

// Versions implements [servers.Driver].
func (Driver) Versions() []servers.Version {
	return []servers.Version{{Name: "testday", Upstream: "testday"}}
}

// Files implements [servers.Driver]: there is no image to be built.
func (Driver) Files() fs.FS { return nil }

// Place implements [servers.Driver]. Every setting is a host's own.
func (Driver) Place(s servers.Setting) (servers.Place, error) {
	return servers.Place{}, s.Validate()
}

// Log implements [servers.Driver].
func (Driver) Log() servers.LogReader { return reference.Log() }

// New makes a server for a deployment, with the driver's faults.
func (d Driver) New(dep servers.Deployment, n reference.Network, opts ...reference.Option) (*reference.Server, error) {
	return reference.New(dep, n, append(opts, reference.WithFaults(d.Faults...))...)
}

// Mutant is the subject that has a fault.
func Mutant(f reference.Fault) servers.Subject {
	d := Driver{Faults: []reference.Fault{f}}
	return servers.Subject{Name: d.Name() + "@" + string(f), Driver: d, Version: servers.Version{Name: string(f), Upstream: "testday with the fault " + string(f)}}
}
