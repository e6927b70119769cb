package servers

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

type fake struct{ name string }

func (f fake) Name() string { return f.name }
func (f fake) Versions() []Version {
	return []Version{{"2", "2.0.1", "forky"}, {"1.9", "1.9.8", "trixie"}}
}
func (f fake) Files() fs.FS                 { return fstest.MapFS{} }
func (f fake) Place(Setting) (Place, error) { return Place{}, nil }
func (f fake) Log() LogReader               { return fakeLog{} }

type fakeLog struct{}

func (fakeLog) Read(string) (LogFact, bool) { return LogFact{Kind: "fake"}, true }

// versioned is a fake whose old release has no strict mode.
type versioned struct {
	fake
	of Version
}

func (versioned) At(v Version) Driver { return versioned{fake{"alpha"}, v} }

func (d versioned) Place(s Setting) (Place, error) {
	if d.of.Name == "1.9" && s.Policy == P2 {
		return Place{}, &Unsupported{s, "no strict mode before 2"}
	}
	return Place{}, nil
}

func init() {
	Register(fake{"beta"})
	Register(versioned{fake: fake{"alpha"}})
}

func TestParseSubjects(t *testing.T) {
	for spec, want := range map[string]string{
		"":                           "alpha@2 beta@2",
		"beta":                       "beta@2",
		"beta@1.9, alpha@2":          "beta@1.9 alpha@2",
		"beta@1.9.8":                 "beta@1.9",
		"mine=host:5000/a/b:dev":     "mine=host:5000/a/b:dev",
		"alpha@2,alpha@1.9,my-x=img": "alpha@2 alpha@1.9 my-x=img",
	} {
		subjects, err := ParseSubjects(spec)
		if err != nil {
			t.Errorf("ParseSubjects(%q): %v", spec, err)
			continue
		}
		var got []string
		for _, s := range subjects {
			switch {
			case s.Image != "":
				if s.Driver != nil {
					t.Errorf("ParseSubjects(%q): image %s has a driver", spec, s.Image)
				}
				got = append(got, s.Name+"="+s.Image)
			case s.Name != s.Driver.Name()+"@"+s.Version.Name || s.Version.Suite == "":
				t.Errorf("ParseSubjects(%q): incomplete subject %+v", spec, s)
			default:
				got = append(got, s.Name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("ParseSubjects(%q) = %q, want %q", spec, got, want)
		}
	}
	for spec, want := range map[string]string{
		"gamma":           `unknown server "gamma": want alpha@2, alpha@1.9, beta@2, beta@1.9, or NAME=IMAGE`,
		"alpha@3":         `unknown server "alpha@3"`,
		"alpha,":          `unknown server ""`,
		"alpha,alpha@2":   `"alpha@2" is listed twice`,
		"Mine=image":      `bad server name "Mine"`,
		"../x=image":      `bad server name "../x"`,
		"mine=":           "names no image",
		"alpha=image":     "it is a shipped family",
		"alpha@2\nbeta@2": "unknown server",
	} {
		_, err := ParseSubjects(spec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSubjects(%q): error %v, want %q", spec, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("ParseSubjects(%q): error of more than a line", spec)
		}
	}
}

// TestVersionedDriver: the driver of a subject is that of its version.
func TestVersionedDriver(t *testing.T) {
	subjects, err := ParseSubjects("alpha@2,alpha@1.9")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := subjects[0].Driver.Place(Setting{Policy: P2}); err != nil {
		t.Errorf("Place of alpha@2: %v", err)
	}
	var cannot *Unsupported
	if _, err := subjects[1].Driver.Place(Setting{Policy: P2}); !errors.As(err, &cannot) || cannot.Reason != "no strict mode before 2" {
		t.Errorf("Place of alpha@1.9: %v, want a reason", err)
	}
	if d, _ := Lookup("alpha"); d != Driver(versioned{fake: fake{"alpha"}}) {
		t.Errorf("the registered driver is %+v, want that of no version", d)
	}
}

func TestRegisterTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Register accepts a name twice")
		}
	}()
	Register(fake{"alpha"})
}

func TestValidate(t *testing.T) {
	for _, s := range []Setting{{}, {Policy: "p1"}, {Policy: P1, TLSMin: "1.1"}, {Policy: P1, TLSMin: "1.3", TLSMax: "1.2"}, {Policy: P1, Ciphers: "weak"}} {
		if s.Validate() == nil {
			t.Errorf("Validate accepts %+v", s)
		}
	}
	if err := (Setting{Policy: P2, Certificate: "anything", TLSMin: "1.2", TLSMax: "1.3", Ciphers: "fs", Bidi: true}).Validate(); err != nil {
		t.Errorf("Validate: %v", err)
	}
}

func deployment() Deployment {
	return Deployment{
		Subject: "alpha@2", Place: Place{Policy: P1},
		Hosts: []Host{
			{Domain: "a.lab", Setting: Setting{Policy: P1, TLSMax: "1.2"}, Chain: []byte("leaf"), Key: []byte("key\n"),
				Accounts: []Account{{"alice", "secret1"}}},
			{Domain: "b-2.i.lab", Setting: Setting{Policy: Off, Ciphers: "fs", Bidi: true}, Chain: []byte("chain\n"), Key: []byte("key\n")},
		},
		TrustAnchors: []byte("ca"),
	}
}

func TestWriteTar(t *testing.T) {
	var one, two bytes.Buffer
	if err := deployment().WriteTar(&one); err != nil {
		t.Fatal(err)
	}
	if err := deployment().WriteTar(&two); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("equal deployments make different tars")
	}
	got := make(map[string]string)
	for r := tar.NewReader(&one); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Mode&0o444 != 0o444 {
			t.Errorf("%s has mode %o", h.Name, h.Mode)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = string(data)
	}
	for name, want := range map[string]string{
		"testday/in/hosts":               "a.lab P1 - 1.2 - -\nb-2.i.lab off - - fs bidi\n",
		"testday/in/accounts":            "a.lab alice secret1\n",
		"testday/in/certs/a.lab.crt":     "leaf\n",
		"testday/in/certs/a.lab.pem":     "leaf\nkey\n",
		"testday/in/certs/b-2.i.lab.key": "key\n",
		"testday/in/ca.pem":              "ca",
		"testday/in/anchor.key":          "",
	} {
		if data, ok := got[name]; !ok || data != want {
			t.Errorf("%s = %q, %v, want %q", name, data, ok, want)
		}
	}
	if env := deployment().Env(); env["TESTDAY_SUBJECT"] != "alpha@2" || env["TESTDAY_POLICY"] != "P1" || env["TESTDAY_CIPHERS"] != "" {
		t.Errorf("Env() = %v", env)
	}
}

func TestWriteTarRefuses(t *testing.T) {
	for want, change := range map[string]func(*Deployment){
		"has no hosts":             func(d *Deployment) { d.Hosts = nil },
		"not a domain name":        func(d *Deployment) { d.Hosts[0].Domain = "a.lab P0" },
		"\"../../etc\" is not":     func(d *Deployment) { d.Hosts[0].Domain = "../../etc" },
		"listed twice":             func(d *Deployment) { d.Hosts[1].Domain = "a.lab" },
		"unknown policy":           func(d *Deployment) { d.Hosts[1].Policy = "" },
		"no certificate or no key": func(d *Deployment) { d.Hosts[1].Key = nil },
		"account \"al ice\"":       func(d *Deployment) { d.Hosts[0].Accounts[0].User = "al ice" },
		"account \"alice\"":        func(d *Deployment) { d.Hosts[0].Accounts[0].Password = "a\nb" },
	} {
		d := deployment()
		change(&d)
		if err := d.WriteTar(io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("WriteTar: error %v, want %q", err, want)
		}
	}
	if err := deployment().WriteTar(full{}); !errors.Is(err, errFull) || !strings.Contains(err.Error(), "alpha@2") {
		t.Errorf("WriteTar to a full disk: %v", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

const random = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestParseLine(t *testing.T) {
	for text, want := range map[string]LineKind{
		"2026-11-23 [info] started": LogLine,
		"":                          LogLine,
		"CLIENT_RANDOM " + random + " " + random + random[:32]: KeyLogLine,
		"SERVER_TRAFFIC_SECRET_0 " + random + " " + random:     KeyLogLine,
		"EXPORTER_SECRET " + random + " " + random + "\r\n":    KeyLogLine,
		"CLIENT_RANDOM " + random + " " + random[:32]:          LogLine,
		"CLIENT_RANDOM of " + random:                           LogLine,
		"testday: version 13.0.7 package 13.0.7-1":             VersionLine,
		"testday: broken C4 no resolver":                       BrokenLine,
	} {
		if got, err := ParseLine(text); err != nil || got.Kind != want {
			t.Errorf("ParseLine(%q) = %+v, %v, want kind %d", text, got, err, want)
		}
	}
	if l, _ := ParseLine("testday: version 24.12 package 24.12-3+deb13u2\n"); l.Upstream != "24.12" || l.Package != "24.12-3+deb13u2" {
		t.Errorf("version line read as %+v", l)
	}
	if l, _ := ParseLine("testday: broken C3 no such policy"); l.Broken == nil || *l.Broken != (Violation{"C3", "no such policy"}) {
		t.Errorf("broken line read as %+v", l)
	}
	for _, text := range []string{"testday: version", "testday: version x package y", "testday: hello", "testday: broken because", "testday: " + strings.Repeat("x", 5000)} {
		_, err := ParseLine(text)
		var v *Violation
		if !errors.As(err, &v) || v.Clause != ClauseVersion || len(err.Error()) > 400 {
			t.Errorf("ParseLine(%.40q): %v, want a short violation of %s", text, err, ClauseVersion)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add("CLIENT_RANDOM " + random + " " + random + random[:32])
	f.Add("testday: version 1 package 1-1")
	f.Add("testday: broken C1 x")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLine(text)
		if err != nil && !strings.HasPrefix(text, "testday: ") {
			t.Errorf("ParseLine(%q): %v", text, err)
		}
		if (l.Kind == BrokenLine) != (l.Broken != nil) || (l.Kind == VersionLine) != (l.Upstream != "") {
			t.Errorf("ParseLine(%q) = %+v", text, l)
		}
	})
}

func TestFromLabels(t *testing.T) {
	d, err := FromLabels(map[string]string{
		LabelContract: "1", LabelPerContainer: "policy ciphers", LabelCannot: "P2: no strict mode; other: one name; tls: fixed; bidi: one way only", LabelLog: "alpha",
	})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := d.Place(Setting{Policy: P1, Certificate: Good, Ciphers: "fs"}); err != nil || p != (Place{Policy: P1, Ciphers: "fs"}) {
		t.Errorf("Place = %+v, %v", p, err)
	}
	for want, s := range map[string]Setting{
		"no strict mode": {Policy: P2, Certificate: Good},
		"one name":       {Policy: P1, Certificate: Other},
		"fixed":          {Policy: P1, Certificate: Good, TLSMax: "1.2"},
		"one way only":   {Policy: P1, Certificate: Good, Bidi: true},
	} {
		var cannot *Unsupported
		if _, err := d.Place(s); !errors.As(err, &cannot) || cannot.Reason != want || cannot.Setting != s {
			t.Errorf("Place(%+v): %v, want reason %q", s, err, want)
		}
	}
	if f, ok := d.Log().Read("x"); !ok || f.Kind != "fake" {
		t.Error("the log is not read as that of the named family")
	}

	d, err = FromLabels(map[string]string{LabelContract: "1", LabelKeepsDialback: "1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, policy := range Policies() {
		if p, err := d.Place(Setting{Policy: policy, Certificate: Good}); err != nil || p != (Place{KeepsDialback: policy == P2}) {
			t.Errorf("Place under %s of a server that keeps dialback = %+v, %v", policy, p, err)
		}
	}

	d, err = FromLabels(map[string]string{LabelContract: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := d.Place(Setting{Policy: P2, Certificate: Other, Ciphers: "fs", Bidi: true}); err != nil || p != (Place{}) {
		t.Errorf("Place without labels = %+v, %v", p, err)
	}
	if _, ok := d.Log().Read("x"); ok {
		t.Error("a log of no family states facts")
	}
}

func TestFromLabelsViolations(t *testing.T) {
	for want, labels := range map[string]map[string]string{
		"contract is missing":                  nil,
		`contract is "2"`:                      {LabelContract: "2"},
		`per-container has the word "tls"`:     {LabelContract: "1", LabelPerContainer: "policy tls"},
		`cannot has the item "P2"`:             {LabelContract: "1", LabelCannot: "P2"},
		`cannot has the setting "everything"`:  {LabelContract: "1", LabelCannot: "everything: lazy"},
		`cannot has the item "off:"`:           {LabelContract: "1", LabelCannot: "P2: why; off:"},
		`log is "gamma": want none or a shipp`: {LabelContract: "1", LabelLog: "gamma"},
		`keeps-dialback is "yes": want "1"`:    {LabelContract: "1", LabelKeepsDialback: "yes"},
		`keeps-dialback is "0": want "1"`:      {LabelContract: "1", LabelKeepsDialback: "0"},
		`keeps-dialback is "1", and org.xmpp`:  {LabelContract: "1", LabelKeepsDialback: "1", LabelCannot: "P2: no strict mode"},
	} {
		_, err := FromLabels(labels)
		var v *Violation
		if !errors.As(err, &v) || v.Clause != ClauseLabels || !strings.Contains(err.Error(), want) {
			t.Errorf("FromLabels(%v): %v, want %q", labels, err, want)
		}
	}
}

// TestContractNamesLabels: what FromLabels reads is what the page tells the makers of images.
func TestContractNamesLabels(t *testing.T) {
	page, err := os.ReadFile("CONTRACT.md")
	if err != nil {
		t.Fatal(err)
	}
	clause, _, _ := strings.Cut(string(page), "**C2 ")
	for _, label := range []string{LabelContract + "=" + ContractVersion, LabelPerContainer, LabelCannot, LabelKeepsDialback, LabelLog} {
		if !strings.Contains(clause, "`"+label+"`") {
			t.Errorf("clause C1 does not name %s", label)
		}
	}
	for _, word := range cannotWords {
		if !strings.Contains(clause, "`"+word+"`") {
			t.Errorf("clause C1 does not name the setting %s", word)
		}
	}
	if _, policies, _ := strings.Cut(string(page), "**C8 "); !strings.Contains(policies, LabelKeepsDialback) {
		t.Errorf("clause C8 does not name %s", LabelKeepsDialback)
	}
}

func ExampleParseSubjects() {
	subjects, err := ParseSubjects("beta@1.9,mine=my-image:dev")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range subjects {
		fmt.Printf("%s version %q image %q\n", s.Name, s.Version.Upstream, s.Image)
	}
	// Output:
	// beta@1.9 version "1.9.8" image ""
	// mine version "" image "my-image:dev"
}
