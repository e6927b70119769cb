package jabberd2

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/servers"
)

func TestRegistered(t *testing.T) {
	d, ok := servers.Lookup("jabberd2")
	if !ok {
		t.Fatal("the driver is not registered")
	}
	if v := d.Versions()[0]; v.Name != "2.7.0" || v.Suite != "forky" {
		t.Errorf("default version is %+v", v)
	}
}

func TestPlace(t *testing.T) {
	for _, policy := range servers.Policies() {
		for _, kind := range []servers.Certificate{servers.Good, servers.Self, servers.UnkCA, servers.Expired, servers.Other, servers.SrvOnly, servers.NoChain} {
			s := servers.Setting{Policy: policy, Certificate: kind, Ciphers: "fs", TLSMin: "1.2", TLSMax: "1.3"}
			place, err := Driver{}.Place(s)
			if err != nil {
				t.Errorf("%+v: %v", s, err)
			}
			if want := (servers.Place{Policy: policy, KeepsDialback: policy == servers.P2}); place != want {
				t.Errorf("%+v: place %+v, want %+v", s, place, want)
			}
		}
	}
	for _, s := range []servers.Setting{
		{Policy: servers.P1, TLSMin: "1.3"},
		{Policy: servers.P1, TLSMax: "1.2"},
		{Policy: servers.P1, Bidi: true},
	} {
		_, err := Driver{}.Place(s)
		var cannot *servers.Unsupported
		if !errors.As(err, &cannot) {
			t.Errorf("%+v: error %v, want *servers.Unsupported", s, err)
		} else if cannot.Setting != s || strings.Contains(cannot.Reason, "TLS versions") == s.Bidi {
			t.Errorf("%+v: refused for %+v", s, cannot)
		}
	}
	var cannot *servers.Unsupported
	if _, err := (Driver{}).Place(servers.Setting{Policy: "P3"}); err == nil || errors.As(err, &cannot) {
		t.Errorf("an unknown policy gives %v, want an error that is no *servers.Unsupported", err)
	}
}

// TestFiles checks that each file that the Dockerfile copies from its build context is in the context.
func TestFiles(t *testing.T) {
	files := Driver{}.Files()
	dockerfile, err := fs.ReadFile(files, "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	copied := 0
	for line := range strings.Lines(string(dockerfile)) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "COPY" || strings.HasPrefix(words[1], "--from") {
			continue
		}
		for _, name := range words[1 : len(words)-1] {
			copied++
			if _, err := fs.Stat(files, name); err != nil {
				t.Errorf("the Dockerfile copies %s: %v", name, err)
			}
		}
	}
	if copied == 0 {
		t.Error("the Dockerfile copies nothing")
	}
}

// render runs the script of that name on hosts and accounts, and returns its standard output and the folder it wrote.
func render(t *testing.T, policy, hosts, accounts string) (string, string, error) {
	t.Helper()
	for _, tool := range []string{"sh", "awk"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the script cannot run here: %v", err)
		}
	}
	in, out := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"hosts": hosts, "accounts": accounts} {
		if err := os.WriteFile(filepath.Join(in, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "render", in, ".", "/usr/lib/jabberd2", out)
	cmd.Env = append(os.Environ(), "TESTDAY_POLICY="+policy)
	said, err := cmd.Output()
	return string(said), out, err
}

// config is what the tests look at of a daemon's configuration.
type config struct {
	Hosts []struct {
		Name       string `xml:",chardata"`
		Realm      string `xml:"realm,attr"`
		PEM        string `xml:"pemfile,attr"`
		CA         string `xml:"cachain,attr"`
		Verify     string `xml:"verify-mode,attr"`
		Ciphers    string `xml:"ciphers,attr"`
		RequireTLS string `xml:"require-starttls,attr"`
	} `xml:"local>id"`
	RequireTLS string `xml:"security>require_tls"`
	Modules    string `xml:"modules>path"`
}

func readConfig(t *testing.T, dir, daemon string) config {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, daemon+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "@") {
		t.Errorf("%s.xml still holds a marker:\n%s", daemon, text)
	}
	var c config
	if err := xml.Unmarshal(text, &c); err != nil {
		t.Fatalf("%s.xml: %v", daemon, err)
	}
	return c
}

func TestRender(t *testing.T) {
	for _, test := range []struct {
		policy     string
		requireTLS string
		pem        bool
		verify     string
	}{
		{"off", "0", false, ""},
		{"P0", "0", true, "0"},
		{"P1", "1", true, "0"},
		{"P2", "1", true, "7"},
	} {
		t.Run(test.policy, func(t *testing.T) {
			said, out, err := render(t, test.policy,
				"k1.i.lab "+test.policy+" - - - -\nk2.i.lab "+test.policy+" 1.2 1.3 fs -\n",
				"k1.i.lab alice secret1\nk2.i.lab bob secret2\n")
			if err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			readConfig(t, out, "router")

			sm := readConfig(t, out, "sm")
			if len(sm.Hosts) != 2 || sm.Hosts[1].Name != "k2.i.lab" || sm.Modules != "/usr/lib/jabberd2" {
				t.Errorf("sm is %+v", sm)
			}
			c2s := readConfig(t, out, "c2s")
			if len(c2s.Hosts) != 2 {
				t.Fatalf("c2s has hosts %+v", c2s.Hosts)
			}
			for _, h := range c2s.Hosts {
				if h.RequireTLS == "" || !strings.HasSuffix(h.PEM, "/certs/"+h.Name+".pem") || h.Realm != h.Name {
					t.Errorf("c2s does not require TLS with the host's own certificate: %+v", h)
				}
			}
			s2s := readConfig(t, out, "s2s")
			if s2s.RequireTLS != test.requireTLS || len(s2s.Hosts) != 2 {
				t.Fatalf("s2s is %+v", s2s)
			}
			for i, h := range s2s.Hosts {
				if got := strings.HasSuffix(h.PEM, "/certs/"+h.Name+".pem"); got != test.pem || h.Verify != test.verify {
					t.Errorf("s2s host is %+v", h)
				}
				if test.pem && !strings.HasSuffix(h.CA, "/ca.pem") {
					t.Errorf("s2s host trusts %q", h.CA)
				}
				if fs := h.Ciphers != ""; fs != (i == 1 && test.pem) {
					t.Errorf("s2s host %s has ciphers %q", h.Name, h.Ciphers)
				}
			}
			sql, err := os.ReadFile(filepath.Join(out, "accounts.sql"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"('alice', 'k1.i.lab', 'secret1')", "('bob@k2.i.lab', 1)", "COMMIT;"} {
				if !strings.Contains(string(sql), want) {
					t.Errorf("accounts.sql lacks %s:\n%s", want, sql)
				}
			}
		})
	}
}

func TestRenderMany(t *testing.T) {
	var hosts, accounts strings.Builder
	for i := range 600 {
		fmt.Fprintf(&hosts, "k%d.i.lab P1 - - - -\n", i)
		fmt.Fprintf(&accounts, "k%d.i.lab alice secret\n", i)
	}
	said, out, err := render(t, "P1", hosts.String(), accounts.String())
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if s2s := readConfig(t, out, "s2s"); len(s2s.Hosts) != 600 || s2s.Hosts[599].Name != "k599.i.lab" {
		t.Errorf("s2s has %d hosts", len(s2s.Hosts))
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, test := range map[string]struct{ policy, hosts, want string }{
		"other policy":  {"P1", "k1.i.lab P1 - - - -\nk2.i.lab P2 - - - -\n", "testday: broken C3 hosts, line 2: policy P2 in a container of policy P1\n"},
		"no policy":     {"P9", "k1.i.lab P9 - - - -\n", "testday: broken C3 unknown policy P9\n"},
		"TLS versions":  {"P1", "k1.i.lab P1 1.3 - - -\n", "testday: broken C3 hosts, line 1: jabberd2 has no setting for TLS versions\n"},
		"ciphers":       {"P1", "k1.i.lab P1 - - weak -\n", "testday: broken C3 hosts, line 1: unknown cipher set weak\n"},
		"bidi":          {"P1", "k1.i.lab P1 - - - bidi\n", "testday: broken C3 hosts, line 1: jabberd2 has no bidirectional streams\n"},
		"short line":    {"P1", "k1.i.lab P1\n", "testday: broken C2 hosts, line 1: want DOMAIN POLICY TLSMIN TLSMAX CIPHERS BIDI\n"},
		"no host":       {"P1", "", "testday: broken C2 hosts, line 0: no host\n"},
		"markup":        {"P1", "k1<!-- P1 - - - -\n", "testday: broken C2 hosts, line 1: the domain is not a host name in lower case\n"},
		"several wrong": {"P1", "K1 P2 1.3 - weak bidi\n", "testday: broken C2 hosts, line 1: the domain is not a host name in lower case\n"},
	} {
		t.Run(name, func(t *testing.T) {
			said, _, err := render(t, test.policy, test.hosts, "")
			if err == nil {
				t.Error("the script succeeds")
			}
			if said != test.want {
				t.Errorf("it says %q, want %q", said, test.want)
			}
			if line, err := servers.ParseLine(strings.TrimSuffix(said, "\n")); err != nil || line.Kind != servers.BrokenLine {
				t.Errorf("the contract reads it as %+v, %v", line, err)
			}
		})
	}
}
