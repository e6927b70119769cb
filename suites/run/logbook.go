package run

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/text"
	"github.com/xmpp-testday/testday/servers"
)

// A cell reads its slice of a log as it ends, so what is older than any cell in
// flight is not missed. The number of lines bounds what a chatty server can take.
const (
	maxAge     = loginTimeout + deadline + 10*time.Second
	maxLines   = 50_000
	pruneEvery = 1024
)

// logbook keeps the log of one container, and what its lines state.
type logbook struct {
	reader servers.LogReader // nil when the image's log cannot be read

	mu    sync.Mutex
	lines []logLine
}

type logLine struct {
	at   time.Time
	text string
	fact *servers.LogFact
}

func (b *logbook) add(at time.Time, text string) {
	l := logLine{at: at, text: text}
	if b.reader != nil {
		if f, ok := b.reader.Read(text); ok {
			l.fact = &f
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch n := len(b.lines); {
	case n >= maxLines:
		b.lines = slices.Clone(b.lines[n/4:])
	case n%pruneEvery == pruneEvery-1:
		old, _ := slices.BinarySearchFunc(b.lines, at.Add(-maxAge), func(l logLine, t time.Time) int { return l.at.Compare(t) })
		b.lines = slices.Clone(b.lines[old:])
	}
	b.lines = append(b.lines, l)
}

// slice returns the lines between two times that name one of the domains, or
// belong to a session that a line naming one does.
func (b *logbook) slice(from, to time.Time, domains ...string) []logLine {
	b.mu.Lock()
	first, _ := slices.BinarySearchFunc(b.lines, from, func(l logLine, t time.Time) int { return l.at.Compare(t) })
	window := b.lines[first:]
	if n, _ := slices.BinarySearchFunc(window, to, func(l logLine, t time.Time) int { return l.at.Compare(t) }); n < len(window) {
		window = window[:n]
	}
	window = slices.Clone(window)
	b.mu.Unlock()

	words := slices.Clone(domains)
	for _, l := range window {
		if l.fact != nil && l.fact.Session != "" && namesAny(l.text, domains) && !slices.Contains(words, l.fact.Session) {
			words = append(words, l.fact.Session)
		}
	}
	return slices.DeleteFunc(window, func(l logLine) bool { return !namesAny(l.text, words) })
}

// namesAny reports whether the text holds one of the words by itself: a1.lab is
// not named by a line about ba1.lab or a1.lab.example.
func namesAny(text string, words []string) bool {
	for _, w := range words {
		rest := text
		for {
			i := strings.Index(rest, w)
			if i < 0 {
				break
			}
			end := i + len(w)
			if (i == 0 || !wordByte(rest[i-1])) && (end == len(rest) || !wordByte(rest[end])) {
				return true
			}
			rest = rest[i+1:]
		}
	}
	return false
}

func wordByte(c byte) bool {
	return c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// last returns the last lines, whatever they name: how a server ended.
func (b *logbook) last(n int) []logLine {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines[max(0, len(b.lines)-n):])
}

// tail is the last lines in one, for the error of a container that did not start.
func (b *logbook) tail(n int) string {
	var out []string
	for _, l := range b.last(n) {
		out = append(out, l.text)
	}
	return strings.Join(out, " | ")
}

// logText renders a slice for the cell's folder.
func logText(lines []logLine, start time.Time) []byte {
	var out bytes.Buffer
	for _, l := range lines {
		fmt.Fprintf(&out, "%+9.4fs  %s\n", l.at.Sub(start).Seconds(), visible(l.text))
	}
	return out.Bytes()
}

// visible makes a line of a server's log, or an error, harmless on a terminal.
func visible(line string) string { return text.Visible(line) }

// factsUnder turns what a slice states about names under a domain into evidence.
func factsUnder(lines []logLine, party string, start time.Time, domain string) []results.LogFact {
	var out []results.LogFact
	for _, l := range lines {
		if l.fact != nil && (l.fact.Remote == "" || l.fact.Remote == domain || strings.HasSuffix(l.fact.Remote, "."+domain)) {
			out = append(out, evidence(l, party, start))
		}
	}
	return out
}

func evidence(l logLine, party string, start time.Time) results.LogFact {
	f := l.fact
	return results.LogFact{
		Party:     party,
		At:        l.at.Sub(start).Seconds(),
		Direction: f.Direction,
		Kind:      f.Kind,
		Auth:      results.Auth(f.Auth),
		Encrypted: f.Encrypted,
		Line:      visible(l.text),
	}
}

// facts turns what a slice states about the pair of domains into evidence.
func facts(lines []logLine, party string, start time.Time, own, peer string) []results.LogFact {
	var out []results.LogFact
	for _, l := range lines {
		f := l.fact
		if f == nil || f.Local != "" && f.Local != own || f.Remote != "" && f.Remote != peer {
			continue
		}
		out = append(out, evidence(l, party, start))
	}
	return out
}
