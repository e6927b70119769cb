package run

import (
	"strings"
	"testing"
	"time"

	"github.com/xmpp-testday/testday/servers"
)

// fakeReader states a fact for lines of the form "session=S remote=R auth=A".
type fakeReader struct{}

func (fakeReader) Read(line string) (servers.LogFact, bool) {
	f := servers.LogFact{Direction: "out", Kind: "authenticated", Text: line}
	ok := false
	for _, w := range strings.Fields(line) {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "session":
			f.Session, ok = v, true
		case "remote":
			f.Remote = v
		case "auth":
			f.Auth = v
		}
	}
	return f, ok
}

func TestSlice(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b := &logbook{reader: fakeReader{}}
	for n, text := range []string{
		"before a1.lab",
		"connecting to b1.lab",
		"session=s7 remote=b1.lab auth=pkix",
		"s7 got a certificate",
		"session=s8 remote=b11.lab auth=dialback",
		"s8 got none",
		"ba1.lab is another",
		"after b1.lab",
	} {
		b.add(start.Add(time.Duration(n)*time.Second), text)
	}
	lines := b.slice(start.Add(time.Second), start.Add(7*time.Second), "a1.lab", "b1.lab")
	got := string(logText(lines, start))
	want := "  +1.0000s  connecting to b1.lab\n  +2.0000s  session=s7 remote=b1.lab auth=pkix\n  +3.0000s  s7 got a certificate\n"
	if got != want {
		t.Errorf("slice:\n%s\nwant:\n%s", got, want)
	}
	fs := facts(lines, "initiator", start, "a1.lab", "b1.lab")
	if len(fs) != 1 || fs[0].Auth != "pkix" || fs[0].At != 2 || fs[0].Party != "initiator" {
		t.Errorf("facts %+v", fs)
	}
}

func TestLast(t *testing.T) {
	b := &logbook{}
	for _, text := range []string{"one", "two", "three"} {
		b.add(time.Now(), text)
	}
	if got := b.tail(2); got != "two | three" {
		t.Errorf("tail %q", got)
	}
	if got := b.last(9); len(got) != 3 || got[0].text != "one" {
		t.Errorf("last %+v", got)
	}
}

func TestLogbookIsBounded(t *testing.T) {
	b := &logbook{}
	now := time.Now()
	for range 3 * maxLines {
		b.add(now, "x")
	}
	if len(b.lines) > maxLines {
		t.Errorf("%d lines kept, want %d at most", len(b.lines), maxLines)
	}
}

func TestVisible(t *testing.T) {
	if got := visible("a\x1b[31mred\x07\tb\u009b"); strings.ContainsAny(got, "\x1b\x07\u009b") || !strings.Contains(got, "\t") {
		t.Errorf("%q", got)
	}
}
