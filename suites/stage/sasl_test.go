package stage_test

import (
	"testing"

	"github.com/xmpp-testday/testday/fixtures/reference"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites/stage"
)

func TestTryMechanism(t *testing.T) {
	for _, c := range []struct {
		name, before       string
		mechanism, initial string
		want               string
		faults             []reference.Fault
	}{
		{"refused", "", "PLAIN", "\x00p\x00pw", "failure invalid-mechanism", nil},
		{"accepted", "", "PLAIN", "\x00p\x00pw", stage.Success, []reference.Fault{reference.AcceptsPlain}},
		{"without an identity", "", "EXTERNAL", "", stage.Success, nil},
		{"as another", "", "EXTERNAL", "victim.c.lab", "failure invalid-authzid", nil},
		{"unanswered", "</stream:stream>", "EXTERNAL", "", stage.Closed, nil},
		{"on a stream with an error", "<unknown/>", "EXTERNAL", "", "stream error unsupported-stanza-type", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, servers.P1, c.faults...)
			p, err := w.Hidden(w.ctx, "p", stage.Honest()...)
			if err != nil {
				t.Fatal(err)
			}
			s, err := p.Secure(w.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Raw(w.ctx, c.before); err != nil {
				t.Fatal(err)
			}
			w.is(c.mechanism, stage.TryMechanism(w.ctx, s, c.mechanism, c.initial), c.want)
		})
	}
}
