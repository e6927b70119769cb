package all

import (
	"io/fs"
	"slices"
	"testing"

	"github.com/xmpp-testday/testday/servers"
)

func TestShipped(t *testing.T) {
	subjects, err := servers.ParseSubjects("")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range subjects {
		names = append(names, s.Name)
	}
	if want := []string{"ejabberd@26.07", "jabberd2@2.7.0", "prosody@13", "reference@testday"}; !slices.Equal(names, want) {
		t.Errorf("default subjects are %q, want %q", names, want)
	}
	for _, d := range servers.All() {
		for _, name := range []string{"Dockerfile", "start"} {
			if d.Files() == nil {
				continue // it runs in the harness's own process
			}
			if data, err := fs.ReadFile(d.Files(), name); err != nil || len(data) == 0 {
				t.Errorf("%s: build context: %s: %d bytes, %v", d.Name(), name, len(data), err)
			}
		}
		for _, p := range servers.Policies() {
			for _, s := range []servers.Setting{{Policy: p, Certificate: servers.Good}, {Policy: p, Certificate: servers.Other, Ciphers: "fs", TLSMax: "1.2"}, {Policy: p, Certificate: servers.Good, Bidi: true}} {
				place, err := d.Place(s)
				if err != nil && place != (servers.Place{}) {
					t.Errorf("%s: Place(%+v) = %+v with an error", d.Name(), s, place)
				}
			}
		}
		if _, ok := d.Log().Read("testday: version 1 package 1-1"); ok {
			t.Errorf("%s: a line of the contract is read as the server's log", d.Name())
		}
	}
}
