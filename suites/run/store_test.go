package run

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"os/exec"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/ca"
)

func TestSubjectHash(t *testing.T) {
	for want, name := range map[string]pkix.Name{
		// The names that these roots have in /etc/ssl/certs of Debian.
		"4042bcee": {Country: []string{"US"}, Organization: []string{"Internet Security Research Group"}, CommonName: "ISRG Root X1"},
		"062cdee6": {OrganizationalUnit: []string{"GlobalSign Root CA - R3"}, Organization: []string{"GlobalSign"}, CommonName: "GlobalSign"},
	} {
		sequence := name.ToRDNSequence()
		if name.Country == nil { // which begins with its OU
			sequence[0], sequence[1] = sequence[1], sequence[0]
		}
		der, err := asn1.Marshal(sequence)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := subjectHash(der); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
	for _, der := range [][]byte{nil, {0x30}, {0x30, 0x01, 0x00}, {0x30, 0x02, 0x31, 0x05}} {
		if got, err := subjectHash(der); err == nil {
			t.Errorf("%x: %s, want an error", der, got)
		}
	}
}

// TestSystemStore has OpenSSL find the authority in the folder.
func TestSystemStore(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	a, err := ca.New()
	if err != nil {
		t.Fatal(err)
	}
	files, err := systemStore(a.PublicRoot())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), openssl, "x509", "-noout", "-subject_hash")
	cmd.Stdin = bytes.NewReader(files[0].Data)
	hash, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := "/etc/ssl/certs/" + strings.TrimSpace(string(hash)) + ".0"; files[1].Path != want {
		t.Errorf("the authority is in %s, OpenSSL looks for %s", files[1].Path, want)
	}
}
