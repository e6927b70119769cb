package ejabberd

import (
	"embed"
	"io/fs"
	"net/netip"
	"regexp"

	"github.com/xmpp-testday/testday/servers"
)

//go:embed Dockerfile start ejabberd.yml mod_testday_accounts.erl
var files embed.FS

func init() { servers.Register(driver{}) }

// driver is that of the newest release; withoutBidi is true of those before 24.10.
type driver struct{ withoutBidi bool }

// At implements [servers.VersionedDriver].
func (driver) At(v servers.Version) servers.Driver { return driver{withoutBidi: v.Upstream == "23.01"} }

func (driver) Name() string { return "ejabberd" }

func (driver) Versions() []servers.Version {
	return []servers.Version{
		{Name: "26.07", Upstream: "26.07", Suite: "forky"},
		{Name: "24.12", Upstream: "24.12", Suite: "trixie"},
		{Name: "23.01", Upstream: "23.01", Suite: "bookworm"},
	}
}

func (driver) Files() fs.FS { return files }

func (d driver) Place(s servers.Setting) (servers.Place, error) {
	if err := s.Validate(); err != nil {
		return servers.Place{}, err
	}
	switch s.Certificate {
	case servers.Other:
		return servers.Place{}, &servers.Unsupported{Setting: s,
			Reason: "ejabberd picks the certificate of a host by the names in it, so a host cannot be given one for another name"}
	case servers.NoChain:
		return servers.Place{}, &servers.Unsupported{Setting: s,
			Reason: "ejabberd completes the chain of a host with an intermediate that it knows from its other hosts"}
	}
	if s.Bidi && d.withoutBidi {
		return servers.Place{}, &servers.Unsupported{Setting: s, Reason: "ejabberd has bidirectional streams (XEP-0288) since 24.10"}
	}
	return servers.Place{}, nil
}

func (driver) Log() servers.LogReader { return logReader{} }

// logReader reads the info log of 23.01 to 26.07; the latter colours it.
type logReader struct{}

var (
	colour  = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	logLine = regexp.MustCompile(`^\S+ \S+ \[(?:info|warning|error|notice)\] (.*)$`)

	authentication = regexp.MustCompile(`^\((tls|tcp)\|(<[0-9.]+>)\) (Accepted|Failed) (inbound|outbound) s2s (EXTERNAL|dialback) authentication (\S+) -> (\S+) \(`)
	failed         = regexp.MustCompile(`^Failed to establish (outbound) s2s connection (\S+) -> (\S+): (.*)$`)
	closing        = regexp.MustCompile(`^Closing (inbound|outbound) s2s connection (\S+) -> (\S+): (?:Stream closed by (?:local host|peer): )?(.*)$`)
	harmless       = regexp.MustCompile(`^Idle connection |^Connection failed: connection closed$|^Stream reset by peer$`)
)

func (logReader) Read(line string) (servers.LogFact, bool) {
	m := logLine.FindStringSubmatch(colour.ReplaceAllString(line, ""))
	if m == nil {
		return servers.LogFact{}, false
	}
	text := m[1]
	f := servers.LogFact{Text: text}
	if m := authentication.FindStringSubmatch(text); m != nil {
		encrypted := m[1] == "tls"
		f.Encrypted, f.Session = &encrypted, m[2]
		f.Kind = "authenticated"
		if m[3] == "Failed" {
			f.Kind = "refused"
		}
		f.Auth = "dialback"
		if m[5] == "EXTERNAL" {
			f.Auth = "pkix"
		}
		f.Direction, f.Local, f.Remote = ends(m[4], m[6], m[7])
		return f, true
	}
	if m := failed.FindStringSubmatch(text); m != nil {
		f.Kind = "error"
		f.Direction, f.Local, f.Remote = ends(m[1], m[2], m[3])
		return f, true
	}
	if m := closing.FindStringSubmatch(text); m != nil && !harmless.MatchString(m[4]) {
		f.Kind = "error"
		f.Direction, f.Local, f.Remote = ends(m[1], m[2], m[3])
		// Where no stream header came, as after a failed handshake of direct TLS, the peer is an address, and the local domain
		// that of the first host, whichever was meant.
		if _, err := netip.ParseAddr(f.Remote); err == nil {
			f.Local, f.Remote = "", ""
		}
		return f, true
	}
	return servers.LogFact{}, false
}

// ends tells who is local: ejabberd names the initiator first.
func ends(direction, initiator, receiver string) (dir, local, remote string) {
	if direction == "inbound" {
		return "in", receiver, initiator
	}
	return "out", initiator, receiver
}
