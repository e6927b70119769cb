package prosody

import (
	"embed"
	"io/fs"
	"regexp"
	"strings"

	"github.com/xmpp-testday/testday/servers"
)

//go:embed Dockerfile start prosody.cfg.lua
var files embed.FS

func init() { servers.Register(driver{}) }

type driver struct{}

func (driver) Name() string { return "prosody" }

func (driver) Versions() []servers.Version {
	return []servers.Version{
		{Name: "13", Upstream: "13.0.7", Suite: "forky"},
		{Name: "13.0.1", Upstream: "13.0.1", Suite: "trixie"},
		{Name: "0.12", Upstream: "0.12.3", Suite: "bookworm"},
	}
}

func (driver) Files() fs.FS { return files }

func (driver) Place(s servers.Setting) (servers.Place, error) {
	if err := s.Validate(); err != nil {
		return servers.Place{}, err
	}
	if s.Policy == servers.Off {
		return servers.Place{Policy: servers.P0}, nil
	}
	return servers.Place{Policy: s.Policy}, nil
}

func (driver) Log() servers.LogReader { return logReader{} }

// logReader reads the debug log of 0.12 and 13. What a stream was authenticated with stands in lines of mod_saslauth, and in the
// dialback elements that mod_s2s shows; lines that begin with a session name no domains.
type logReader struct{}

var (
	logLine = regexp.MustCompile(`^(?:\S+ )?(\S+)\s+(debug|info|warn|error)\t(.*)$`)

	session   = regexp.MustCompile(`^s2s(in|out)[0-9a-f]+$`)
	external  = regexp.MustCompile(`^(?:(Accepting) SASL EXTERNAL identity from (\S+)|SASL EXTERNAL with (\S+) (succeeded))$`)
	dialback  = regexp.MustCompile(`^Received\[s2s(?:in|out)(?:_unauthed)?\]: <(result|verify) (.*)>$`)
	attribute = regexp.MustCompile(`(\S+)='([^']*)'`)
	complete  = regexp.MustCompile(`^(Incoming|Outgoing) s2s connection (\S+)->(\S+) complete$`)
	closed    = regexp.MustCompile(`^(Incoming|Outgoing) s2s stream (\S+)->(\S+) closed: (.*)$`)
	forbidden = regexp.MustCompile(`^Forbidding insecure connection to/from (\S+) because its certificate `)
)

func (logReader) Read(line string) (servers.LogFact, bool) {
	m := logLine.FindStringSubmatch(line)
	if m == nil {
		return servers.LogFact{}, false
	}
	source, text := m[1], m[3]
	f := servers.LogFact{Text: source + " " + m[2] + " " + text}
	if s := session.FindStringSubmatch(source); s != nil {
		f.Session, f.Direction = source, s[1]
	}

	if host, ok := strings.CutSuffix(source, ":saslauth"); ok {
		m := external.FindStringSubmatch(text)
		if m == nil {
			return servers.LogFact{}, false
		}
		f.Local, f.Remote, f.Kind, f.Auth = host, m[2]+m[3], "authenticated", "pkix"
		f.Direction = "out"
		if m[1] != "" {
			f.Direction = "in"
		}
		return f, true
	}
	if f.Session == "" {
		return servers.LogFact{}, false
	}
	if strings.HasPrefix(text, "Stream encrypted (") {
		yes := true
		f.Kind, f.Encrypted = "encrypted", &yes
		return f, true
	}
	if m := forbidden.FindStringSubmatch(text); m != nil {
		f.Remote, f.Kind = m[1], "refused"
		return f, true
	}
	if m := complete.FindStringSubmatch(text); m != nil {
		f.Kind = "authenticated"
		f.Local, f.Remote = ends(m[1], m[2], m[3])
		return f, true
	}
	if m := closed.FindStringSubmatch(text); m != nil {
		if m[4] == "stream closed" {
			return servers.LogFact{}, false
		}
		f.Kind = "error"
		f.Local, f.Remote = ends(m[1], m[2], m[3])
		return f, true
	}
	if m := dialback.FindStringSubmatch(text); m != nil {
		attrs := make(map[string]string)
		for _, a := range attribute.FindAllStringSubmatch(m[2], -1) {
			attrs[a[1]] = a[2]
		}
		if attrs["xmlns"] != "jabber:server:dialback" || attrs["type"] == "" {
			return servers.LogFact{}, false
		}
		// A result answers our key, so the stream that it is about goes out; a verification answers our question about a stream
		// that came in, and comes on another one.
		f.Local, f.Remote, f.Auth, f.Kind = attrs["to"], attrs["from"], "dialback", "refused"
		if attrs["type"] == "valid" {
			f.Kind = "authenticated"
		}
		f.Direction = "out"
		if m[1] == "verify" {
			f.Direction, f.Session = "in", ""
		}
		return f, true
	}
	return servers.LogFact{}, false
}

// ends tells who is local: Prosody names the initiator first.
func ends(direction, initiator, receiver string) (local, remote string) {
	if direction == "Incoming" {
		return receiver, initiator
	}
	return initiator, receiver
}
