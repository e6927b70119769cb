package servers

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// The labels of an image that has no shipped driver.
const (
	LabelContract     = "org.xmpp-testday.contract"      // "1"
	LabelPerContainer = "org.xmpp-testday.per-container" // "policy ciphers", either one, or absent
	LabelCannot       = "org.xmpp-testday.cannot"        // "P2: reason; other: reason"
	LabelLog          = "org.xmpp-testday.log"           // a shipped family whose log it resembles, or "none"

	// LabelKeepsDialback is "1" when the server performs dialback on top of the certificate under [P2], because it cannot do
	// without: see [Place].
	LabelKeepsDialback = "org.xmpp-testday.keeps-dialback"
)

// FromLabels makes the driver of an image from its labels. The error is a *[Violation] that names the label at fault.
func FromLabels(labels map[string]string) (Driver, error) {
	bad := func(label, format string, args ...any) error {
		return &Violation{ClauseLabels, "label " + label + " " + fmt.Sprintf(format, args...)}
	}
	version, ok := labels[LabelContract]
	if !ok {
		return nil, bad(LabelContract, "is missing: want %q", ContractVersion)
	}
	if version != ContractVersion {
		return nil, bad(LabelContract, "is %q: want %q", version, ContractVersion)
	}
	d := &labelled{log: noLog{}, cannot: make(map[string]string)}
	for _, word := range strings.Fields(labels[LabelPerContainer]) {
		switch word {
		case "policy":
			d.policy = true
		case "ciphers":
			d.ciphers = true
		default:
			return nil, bad(LabelPerContainer, "has the word %q: want policy or ciphers", word)
		}
	}
	for item := range strings.SplitSeq(labels[LabelCannot], ";") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		what, reason, ok := strings.Cut(item, ":")
		what, reason = strings.TrimSpace(what), strings.TrimSpace(reason)
		if !ok || reason == "" {
			return nil, bad(LabelCannot, "has the item %q: want SETTING: REASON", strings.TrimSpace(item))
		}
		if !slices.Contains(cannotWords, what) {
			return nil, bad(LabelCannot, "has the setting %q: want one of %s", what, strings.Join(cannotWords, ", "))
		}
		d.cannot[what] = reason
	}
	switch word := labels[LabelKeepsDialback]; word {
	case "":
	case "1":
		if _, ok := d.cannot[string(P2)]; ok {
			return nil, bad(LabelKeepsDialback, "is %q, and %s says that there is no P2", word, LabelCannot)
		}
		d.keepsDialback = true
	default:
		return nil, bad(LabelKeepsDialback, "is %q: want %q, or no such label", word, "1")
	}
	switch family := labels[LabelLog]; family {
	case "", "none":
	default:
		shipped, ok := Lookup(family)
		if !ok {
			return nil, bad(LabelLog, "is %q: want none or a shipped family", family)
		}
		d.log = shipped.Log()
	}
	return d, nil
}

// cannotWords are the settings that an image may decline: policies, kinds of certificates, "fs" for the cipher set, "tls" for
// bounds on TLS versions, and "bidi" for bidirectional streams.
var cannotWords = []string{
	string(Off), string(P0), string(P1), string(P2),
	string(Good), string(Self), string(UnkCA), string(Expired), string(Other), string(SrvOnly), string(NoChain), string(Revoked),
	"fs", "tls", "bidi",
}

// labelled is the driver of an image that came with labels.
type labelled struct {
	policy, ciphers bool
	keepsDialback   bool
	cannot          map[string]string
	log             LogReader
}

// Name is the name of no family; a subject made from an image has its own.
func (*labelled) Name() string { return "image" }

// Versions has one nameless version: the image says its version when it starts.
func (*labelled) Versions() []Version { return []Version{{}} }

// Files is empty: the image is already built.
func (*labelled) Files() fs.FS { return embed.FS{} }

func (d *labelled) Log() LogReader { return d.log }

func (d *labelled) Place(s Setting) (Place, error) {
	if err := s.Validate(); err != nil {
		return Place{}, err
	}
	asked := []string{string(s.Policy), string(s.Certificate)}
	if s.Ciphers != "" {
		asked = append(asked, s.Ciphers)
	}
	if s.TLSMin != "" || s.TLSMax != "" {
		asked = append(asked, "tls")
	}
	if s.Bidi {
		asked = append(asked, "bidi")
	}
	for _, what := range asked {
		if reason, ok := d.cannot[what]; ok {
			return Place{}, &Unsupported{s, reason}
		}
	}
	p := Place{KeepsDialback: d.keepsDialback && s.Policy == P2}
	if d.policy {
		p.Policy = s.Policy
	}
	if d.ciphers {
		p.Ciphers = s.Ciphers
	}
	return p, nil
}

type noLog struct{}

func (noLog) Read(string) (LogFact, bool) { return LogFact{}, false }
