package servers

import (
	"cmp"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A Policy is what a virtual host demands of its server-to-server streams, in both roles.
type Policy string

// The policies, from none to the strictest. They speak of server-to-server streams only: clients are always offered TLS and
// must use it.
const (
	// Off neither offers nor uses TLS; peers are identified by dialback (XEP-0220).
	Off Policy = "off"
	// P0 uses TLS where the peer has it, and falls to dialback when there is no TLS or no valid certificate.
	P0 Policy = "P0"
	// P1 requires TLS before anything else, and falls to dialback when the peer's certificate is not valid.
	P1 Policy = "P1"
	// P2 requires TLS and a peer whose certificate is valid for its domain (RFC 6120, section 13.7.2); there is no dialback.
	P2 Policy = "P2"
)

// Policies lists every policy, from none to the strictest.
func Policies() []Policy { return []Policy{Off, P0, P1, P2} }

// A Certificate names a kind of certificate that a virtual host is asked to present; package ca makes them.
type Certificate string

// The kinds that drivers speak of. The contract does not limit the names: a server presents the chain that it is given.
const (
	Good    Certificate = "good"    // valid for the host, issued by the lab's authority
	Self    Certificate = "self"    // self-signed
	UnkCA   Certificate = "unkca"   // issued by an authority that nobody trusts
	Expired Certificate = "expired" // good until some time ago
	Other   Certificate = "other"   // valid, but for another name
	SrvOnly Certificate = "srvonly" // extended key usage serverAuth without clientAuth
	NoChain Certificate = "nochain" // good, but sent without its intermediate certificate
	Revoked Certificate = "revoked" // good, but its authority's revocation list names it
)

// A Setting is what one virtual host is asked to be.
type Setting struct {
	Policy      Policy
	Certificate Certificate
	// TLSMin and TLSMax bound the TLS versions of server-to-server streams: "1.2", "1.3", or "" for the server's default.
	TLSMin, TLSMax string
	// Ciphers is "" for the server's default, or "fs" for suites with an ephemeral key exchange only.
	Ciphers string
	// Bidi offers bidirectional streams (XEP-0288), and asks for one where the peer offers them. Otherwise a stream carries
	// stanzas one way only.
	Bidi bool
}

// Validate reports the first field that holds a value which the contract does not know.
func (s Setting) Validate() error {
	if !slices.Contains(Policies(), s.Policy) {
		return fmt.Errorf("unknown policy %q: want off, P0, P1 or P2", s.Policy)
	}
	for _, v := range []string{s.TLSMin, s.TLSMax} {
		if v != "" && v != "1.2" && v != "1.3" {
			return fmt.Errorf("unknown TLS version %q: want 1.2 or 1.3", v)
		}
	}
	if s.TLSMin == "1.3" && s.TLSMax == "1.2" {
		return fmt.Errorf("lowest TLS version 1.3 is above the highest, 1.2")
	}
	if s.Ciphers != "" && s.Ciphers != "fs" {
		return fmt.Errorf("unknown cipher set %q: want fs", s.Ciphers)
	}
	return nil
}

// A Place is the part of a setting that holds for a whole container. Hosts of one subject whose places are equal may share a
// container. A zero field is one that the server can set for each host.
type Place struct {
	Policy  Policy
	Ciphers string
	// KeepsDialback says that the server cannot do without dialback under [P2], and performs it on top of the certificate: the
	// peer is authenticated as the policy asks, and by dialback besides. It is of the setting and not of the container: hosts
	// may share one that differ in nothing else.
	KeepsDialback bool
}

// Unsupported is the error for a setting that a server has no configuration for.
type Unsupported struct {
	Setting Setting
	Reason  string // a sentence without full stop, for the reader of a matrix
}

// Error implements error: one line that names the setting and the reason.
func (e *Unsupported) Error() string {
	bidi := ""
	if e.Setting.Bidi {
		bidi = " and bidirectional streams"
	}
	return fmt.Sprintf("policy %s with certificate %q%s cannot be configured: %s", e.Setting.Policy, e.Setting.Certificate, bidi, e.Reason)
}

// A Version is one release of a family, as one Debian suite ships it.
type Version struct {
	Name     string // as in a subject's name after the @: "13"
	Upstream string // "13.0.7"
	Suite    string // "forky"
}

// A Driver describes a family of servers to the harness. Drivers are stateless and safe for concurrent use.
type Driver interface {
	// Name is the family, as in a subject's name before the @.
	Name() string
	// Versions lists the releases, newest first; the first is the default.
	Versions() []Version
	// Files is the build context of the image: Dockerfile, start script, templates.
	Files() fs.FS
	// Place says which part of a setting is container wide. The error is *[Unsupported] when the server cannot express the
	// setting.
	Place(Setting) (Place, error)
	// Log reads the server's own log, the second witness of what happened.
	Log() LogReader
}

// A VersionedDriver is a [Driver] of a family whose releases differ in what they can be configured to do. By itself it answers for
// its default version.
type VersionedDriver interface {
	Driver
	// At returns the driver of one of the releases.
	At(Version) Driver
}

// A LogReader understands the log of a family. It is safe for concurrent use, and keeps no state between lines.
type LogReader interface {
	// Read returns the fact that a line states, and false for a line that states none.
	Read(line string) (LogFact, bool)
}

// A LogFact is what a server says about one server-to-server stream. A zero field is one that the line does not tell.
type LogFact struct {
	Session       string // the server's own word for the stream or connection, which other lines share
	Local, Remote string // domains
	Direction     string // "in" or "out", seen from the server that logs
	Kind          string // "authenticated", "encrypted", "refused" or "error"
	Auth          string // "none", "dialback" or "pkix"
	Encrypted     *bool
	Text          string // the line without time and colour
}

// A Host is a virtual host of a deployment.
type Host struct {
	Domain string
	Setting
	Chain, Key []byte // PEM; the chain begins with the leaf
	Accounts   []Account
}

// An Account is a user that can log in. Both fields consist of lower case letters and digits.
type Account struct {
	User, Password string
}

// A Deployment is everything that one container is given.
type Deployment struct {
	Subject      string // "prosody@13"
	Place        Place
	Hosts        []Host
	TrustAnchors []byte // PEM; the only certificates that the server may trust
	DNSAnchor    []byte // DNSKEY or DS records of the root, one a line; empty: the server does not validate
}

// A Subject is one entry of a SERVERS list.
type Subject struct {
	Name    string  // "prosody@13", or what stands before = in mine=IMAGE
	Driver  Driver  // of that version; nil when Image is set: see [FromLabels]
	Version Version // zero when Image is set
	Image   string  // the image of mine=IMAGE
}

var registry struct {
	sync.RWMutex
	drivers map[string]Driver
}

// Register makes a driver known under its name. It is meant for init functions, and panics when the name is taken.
func Register(d Driver) {
	registry.Lock()
	defer registry.Unlock()
	if _, taken := registry.drivers[d.Name()]; taken {
		panic("servers: driver " + d.Name() + " registered twice")
	}
	if registry.drivers == nil {
		registry.drivers = make(map[string]Driver)
	}
	registry.drivers[d.Name()] = d
}

// Lookup returns the driver of a family.
func Lookup(name string) (Driver, bool) {
	registry.RLock()
	defer registry.RUnlock()
	d, ok := registry.drivers[name]
	return d, ok
}

// All returns every registered driver, ordered by name.
func All() []Driver {
	registry.RLock()
	defer registry.RUnlock()
	all := make([]Driver, 0, len(registry.drivers))
	for _, d := range registry.drivers {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Driver) int { return cmp.Compare(a.Name(), b.Name()) })
	return all
}

// subjectName keeps names fit for cell ids, container names and file names.
var subjectName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// ParseSubjects reads a comma separated list of subjects: "prosody@13", "prosody" for its newest version, or "mine=IMAGE" for
// an image under a name of your own. The empty list is the newest version of every family.
func ParseSubjects(spec string) ([]Subject, error) {
	var subjects []Subject
	if strings.TrimSpace(spec) == "" {
		for _, d := range All() {
			subjects = append(subjects, subject(d, d.Versions()[0]))
		}
		return subjects, nil
	}
	for item := range strings.SplitSeq(spec, ",") {
		s, err := parseSubject(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(subjects, func(have Subject) bool { return have.Name == s.Name }) {
			return nil, fmt.Errorf("server %q is listed twice", s.Name)
		}
		subjects = append(subjects, s)
	}
	return subjects, nil
}

func subject(d Driver, v Version) Subject {
	name := d.Name() + "@" + v.Name
	if versioned, ok := d.(VersionedDriver); ok {
		d = versioned.At(v)
	}
	return Subject{Name: name, Driver: d, Version: v}
}

func parseSubject(item string) (Subject, error) {
	if name, image, ok := strings.Cut(item, "="); ok {
		if !subjectName.MatchString(name) {
			return Subject{}, fmt.Errorf("bad server name %q: want lower case letters, digits, dots and hyphens, as in mine=IMAGE", name)
		}
		if _, taken := Lookup(name); taken {
			return Subject{}, fmt.Errorf("bad server name %q: it is a shipped family; choose another one for the image %q", name, image)
		}
		if image == "" {
			return Subject{}, fmt.Errorf("server %q names no image: want %s=IMAGE", item, name)
		}
		return Subject{Name: name, Image: image}, nil
	}
	family, version, versioned := strings.Cut(item, "@")
	if d, ok := Lookup(family); ok {
		for _, v := range d.Versions() {
			if !versioned || version == v.Name || version == v.Upstream {
				return subject(d, v), nil
			}
		}
	}
	var known []string
	for _, d := range All() {
		for _, v := range d.Versions() {
			known = append(known, subject(d, v).Name)
		}
	}
	return Subject{}, fmt.Errorf("unknown server %q: want %s, or NAME=IMAGE", item, strings.Join(known, ", "))
}
