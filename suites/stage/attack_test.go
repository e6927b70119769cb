package stage_test

import (
	"testing"

	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites/stage"
)

func TestWatch(t *testing.T) {
	w := newWorld(t, servers.P1)
	_, s := w.peer("p")
	m := w.Stanza("x@p.c.lab")
	w.is("a stanza that is sent", w.Watch(w.ctx, m, func() {
		if err := s.Raw(w.ctx, m.XML()); err != nil {
			t.Fatal(err)
		}
		w.is("the stream behind it", stage.StillOpen(w.ctx, s), stage.Open)
	}), stage.Delivered)
	if !w.Shown(w.ctx, m) {
		t.Error("what was delivered was not shown to the client")
	}
	m = w.Stanza("x@q.c.lab")
	w.is("one that is refused", w.Watch(w.ctx, m, func() {
		if err := s.Raw(w.ctx, m.XML()); err != nil {
			t.Fatal(err)
		}
		w.is("the stream behind it", stage.HowClosed(w.ctx, s), "stream error invalid-from")
	}), stage.Undelivered)
	if w.Shown(w.ctx, m) {
		t.Error("what was refused was shown to the client")
	}
	if got := len(end(w).Messages); got != 2 {
		t.Errorf("%d messages on record, want 2", got)
	}
}
