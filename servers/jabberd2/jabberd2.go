package jabberd2

import (
	"embed"
	"io/fs"

	"github.com/xmpp-testday/testday/servers"
)

//go:embed Dockerfile start render *.xml
var files embed.FS

func init() { servers.Register(Driver{}) }

// Driver describes jabberd2. Its zero value is ready to use.
type Driver struct{}

// Name implements [servers.Driver].
func (Driver) Name() string { return "jabberd2" }

// Versions implements [servers.Driver]. Every suite since bookworm has the same upstream version; the newest suite is used.
func (Driver) Versions() []servers.Version {
	return []servers.Version{{Name: "2.7.0", Upstream: "2.7.0", Suite: "forky"}}
}

// Files implements [servers.Driver].
func (Driver) Files() fs.FS { return files }

// Place implements [servers.Driver]. The policy is container wide, because require_tls and the absence of TLS are. Ciphers and
// certificates are set for each host, and s2s presents whatever certificate it is given.
func (Driver) Place(s servers.Setting) (servers.Place, error) {
	if err := s.Validate(); err != nil {
		return servers.Place{}, err
	}
	// The lowest and the highest version that s2s speaks with Debian's OpenSSL are what these two ask for anyway.
	if s.TLSMin == "1.3" || s.TLSMax == "1.2" {
		return servers.Place{}, &servers.Unsupported{
			Setting: s,
			Reason:  "jabberd2 has no setting for TLS versions; it speaks 1.2 and 1.3",
		}
	}
	if s.Bidi {
		return servers.Place{}, &servers.Unsupported{Setting: s, Reason: "jabberd2 has no bidirectional streams (XEP-0288)"}
	}
	return servers.Place{Policy: s.Policy, KeepsDialback: s.Policy == servers.P2}, nil
}

// Log implements [servers.Driver].
func (Driver) Log() servers.LogReader { return logReader{} }
