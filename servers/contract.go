package servers

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
)

const (
	// ContractVersion is the version of CONTRACT.md that this package speaks.
	ContractVersion = "1"
	// InputDir is where an image finds its input.
	InputDir = "/testday/in"
)

// A Clause is the number of a clause of CONTRACT.md.
type Clause string

// The clauses that a violation can name.
const (
	ClauseLabels  Clause = "C1"
	ClauseInput   Clause = "C2"
	ClauseListen  Clause = "C6"
	ClauseReady   Clause = "C7"
	ClauseVersion Clause = "C9"
	ClauseKeyLog  Clause = "C10"
)

// A Violation says which clause an image does not honour, and how.
type Violation struct {
	Clause Clause
	Reason string
}

// Error implements error: one line that names the clause.
func (v *Violation) Error() string {
	return fmt.Sprintf("the image breaks clause %s of the subject contract: %s", v.Clause, v.Reason)
}

var (
	domainName  = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*$`)
	accountWord = regexp.MustCompile(`^[a-z0-9]{1,64}$`)
)

// WriteTar writes the input of the container as one tar, to be unpacked at the root of its file system before it starts. Equal
// deployments make equal tars. The error names the first host or account that the contract has no words for.
func (d Deployment) WriteTar(w io.Writer) error {
	var hosts, accounts bytes.Buffer
	type file struct {
		name string
		data []byte
	}
	var certs []file
	if len(d.Hosts) == 0 {
		return fmt.Errorf("deployment of %s has no hosts", d.Subject)
	}
	seen := make(map[string]bool, len(d.Hosts))
	for _, h := range d.Hosts {
		if len(h.Domain) > 253 || !domainName.MatchString(h.Domain) {
			return fmt.Errorf("host %q is not a domain name in lower case", h.Domain)
		}
		if seen[h.Domain] {
			return fmt.Errorf("host %s is listed twice", h.Domain)
		}
		seen[h.Domain] = true
		if err := h.Validate(); err != nil {
			return fmt.Errorf("host %s: %w", h.Domain, err)
		}
		if len(h.Chain) == 0 || len(h.Key) == 0 {
			return fmt.Errorf("host %s has no certificate or no key", h.Domain)
		}
		bidi := ""
		if h.Bidi {
			bidi = "bidi"
		}
		fmt.Fprintln(&hosts, h.Domain, h.Policy, dash(h.TLSMin), dash(h.TLSMax), dash(h.Ciphers), dash(bidi))
		for _, a := range h.Accounts {
			if !accountWord.MatchString(a.User) || !accountWord.MatchString(a.Password) {
				return fmt.Errorf("host %s: account %q: user and password must consist of lower case letters and digits", h.Domain, a.User)
			}
			fmt.Fprintln(&accounts, h.Domain, a.User, a.Password)
		}
		chain, key := line(h.Chain), line(h.Key)
		certs = append(certs,
			file{"certs/" + h.Domain + ".crt", chain},
			file{"certs/" + h.Domain + ".key", key},
			file{"certs/" + h.Domain + ".pem", append(chain[:len(chain):len(chain)], key...)})
	}
	files := append([]file{
		{"hosts", hosts.Bytes()},
		{"accounts", accounts.Bytes()},
		{"ca.pem", d.TrustAnchors},
		{"anchor.key", d.DNSAnchor},
	}, certs...)

	t := tar.NewWriter(w)
	root := strings.TrimPrefix(InputDir, "/") + "/"
	for _, dir := range []string{"testday/", root, root + "certs/"} {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			return fmt.Errorf("writing input of %s: %w", d.Subject, err)
		}
	}
	for _, f := range files {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: root + f.name, Mode: 0o644, Size: int64(len(f.data))}); err != nil {
			return fmt.Errorf("writing input of %s: %w", d.Subject, err)
		}
		if _, err := t.Write(f.data); err != nil {
			return fmt.Errorf("writing input of %s: %w", d.Subject, err)
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("writing input of %s: %w", d.Subject, err)
	}
	return nil
}

// Env returns the variables of the container.
func (d Deployment) Env() map[string]string {
	return map[string]string{
		"TESTDAY_SUBJECT": d.Subject,
		"TESTDAY_POLICY":  string(d.Place.Policy),
		"TESTDAY_CIPHERS": d.Place.Ciphers,
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// line ends a PEM block with a newline, so that blocks can be joined.
func line(pem []byte) []byte {
	if bytes.HasSuffix(pem, []byte("\n")) {
		return pem
	}
	return append(pem[:len(pem):len(pem)], '\n')
}

// A LineKind says what a line of output is.
type LineKind int

// The kinds of lines.
const (
	LogLine     LineKind = iota // the server's own log
	KeyLogLine                  // a TLS secret in NSS key log format
	VersionLine                 // testday: version UPSTREAM package REVISION
	BrokenLine                  // testday: broken CLAUSE REASON
)

// A Line is one line of a container's output.
type Line struct {
	Kind     LineKind
	Text     string     // without the line end
	Upstream string     // of a version line: "13.0.7"
	Package  string     // of a version line: "13.0.7-1"
	Broken   *Violation // of a broken line
}

var (
	keyLogLine = regexp.MustCompile(`^(?:CLIENT_RANDOM|CLIENT_EARLY_TRAFFIC_SECRET|(?:CLIENT|SERVER)_HANDSHAKE_TRAFFIC_SECRET|` +
		`(?:CLIENT|SERVER)_TRAFFIC_SECRET_[0-9]{1,9}|EARLY_EXPORTER_SECRET|EXPORTER_SECRET) [0-9A-Fa-f]{64} (?:[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96})$`)
	versionLine = regexp.MustCompile(`^version ([0-9][^\s]{0,63}) package ([0-9][^\s]{0,63})$`)
	brokenLine  = regexp.MustCompile(`^broken (C[0-9]{1,2}) (\S.{0,999})$`)
)

// ParseLine reads one line of a container's standard output or error. The error is a *[Violation] when the line begins like one
// of the contract's own but is none.
func ParseLine(text string) (Line, error) {
	text = strings.TrimRight(text, "\r\n")
	l := Line{Text: text}
	if keyLogLine.MatchString(text) {
		l.Kind = KeyLogLine
		return l, nil
	}
	word, ok := strings.CutPrefix(text, "testday: ")
	if !ok {
		return l, nil
	}
	if m := versionLine.FindStringSubmatch(word); m != nil {
		l.Kind, l.Upstream, l.Package = VersionLine, m[1], m[2]
		return l, nil
	}
	if m := brokenLine.FindStringSubmatch(word); m != nil {
		l.Kind, l.Broken = BrokenLine, &Violation{Clause: Clause(m[1]), Reason: m[2]}
		return l, nil
	}
	if len(word) > 80 {
		word = word[:80] + "..."
	}
	return l, &Violation{ClauseVersion, fmt.Sprintf("it prints %q, where %q or %q is expected",
		"testday: "+word, "testday: version UPSTREAM package REVISION", "testday: broken CLAUSE REASON")}
}
