package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/text"
)

const (
	// fallbackWidth is the width of what does not say how wide it is, in columns.
	fallbackWidth = 80
	// redrawEvery bounds how often the live line is drawn, and tick is how often it
	// is when no cell ends.
	redrawEvery = 100 * time.Millisecond
	tick        = 500 * time.Millisecond
	// quietFor is how long plain output may say nothing while cells end.
	quietFor = 30 * time.Second
)

// Terminal tells what happens in a test day. Its methods may be called from
// several goroutines. Make one with [New].
type Terminal struct {
	w     io.Writer
	live  bool
	color bool
	width func() int
	now   func() time.Time

	mu      sync.Mutex
	started time.Time
	first   time.Time // when the first cell ended
	drawn   time.Time // when the live line was last drawn
	shown   bool      // the live line is on the screen
	ended   bool      // there is no live line any more
	told    time.Time // when plain progress was last written
	tenth   int       // the last tenth that was written
	stop    chan struct{}

	done, total, inFlight int
	before                int // cells done when the first was told
	red, known, broken    int
}

// Option changes what New finds out by itself.
type Option func(*Terminal)

// Live says whether the last line is rewritten in place.
func Live(on bool) Option { return func(t *Terminal) { t.live = on } }

// Color says whether colour is used.
func Color(on bool) Option { return func(t *Terminal) { t.color = on } }

// Width fixes the width, in columns.
func Width(columns int) Option { return func(t *Terminal) { t.width = func() int { return columns } } }

// New returns a Terminal that writes to w. It is live and coloured when w is a
// terminal that can be (TERM is not "dumb"), without colour when NO_COLOR is
// set to anything (no-color.org), and plain elsewhere. Errors of w are ignored: a
// test day goes on when nobody watches.
func New(w io.Writer, opts ...Option) *Terminal {
	t := &Terminal{w: w, now: time.Now, width: func() int { return fallbackWidth }}
	if f, ok := w.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
		t.live = os.Getenv("TERM") != "dumb"
		t.color = t.live && os.Getenv("NO_COLOR") == ""
		t.width = func() int {
			if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
				return columns
			}
			return fallbackWidth
		}
	}
	for _, o := range opts {
		o(t)
	}
	t.started = t.now()
	return t
}

// Step tells that something slow begins: "building image prosody@13".
func (t *Terminal) Step(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	stamp := fmt.Sprintf("%7s", clock(t.now().Sub(t.started)))
	t.print(t.paint(dim, stamp) + "  " + clean(text) + "\n")
}

// Cell tells that a cell ended, the done-th of total, while inFlight others run.
// Red cells and those in which the harness failed are printed.
func (t *Terminal) Cell(c results.Cell, done, total, inFlight int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.first.IsZero() {
		t.first, t.before, t.told = now, done, now
		if t.live && !t.ended && done < total {
			t.stop = make(chan struct{})
			go t.tick(t.stop)
		}
	}
	// Cells that end at once may be told in either order.
	if done > t.done {
		t.done, t.total, t.inFlight = done, total, inFlight
	}
	switch {
	case c.Verdict == results.HarnessError:
		t.broken++
	case c.Verdict.Red():
		t.red++
		if c.Known != nil {
			t.known++
		}
	}
	text := ""
	if c.Verdict.Red() || c.Verdict == results.HarnessError {
		text = t.cell(&c)
	}
	if t.live {
		if t.done >= t.total {
			t.rest()
		}
		t.print(text)
		return
	}
	if tenth := 10 * t.done / max(t.total, 1); tenth > t.tenth || now.Sub(t.told) >= quietFor {
		t.tenth, t.told = tenth, now
		text += t.status() + "\n"
	}
	t.print(text)
}

// cell describes a cell that must be seen.
func (t *Terminal) cell(c *results.Cell) string {
	m := marks[c.Verdict]
	paint, label := m.style, string(c.Verdict)
	if c.Known != nil {
		paint, label = dim, label+" (known)"
	}
	why := clean(c.Why)
	if c.Blame != results.NoBlame {
		why = "blames " + clean(string(c.Blame)) + ": " + why
	}
	return t.paint(paint, m.sign+" "+label) + "  " + clean(c.ID) + "\n    " + t.paint(dim, why) + "\n"
}

// print writes whole lines above the live line.
func (t *Terminal) print(text string) {
	if !t.live {
		io.WriteString(t.w, text)
		return
	}
	now := t.now()
	if text == "" && t.shown && now.Sub(t.drawn) < redrawEvery {
		return
	}
	io.WriteString(t.w, t.erase()+text+t.draw())
	t.drawn = now
}

// erase takes the live line away. The cursor rests in its first column, so that
// all of it is cleared even if a narrower window has wrapped it.
func (t *Terminal) erase() string {
	if !t.shown {
		return ""
	}
	t.shown = false
	return "\r\x1b[J"
}

// draw shows the live line while cells run.
func (t *Terminal) draw() string {
	if t.total == 0 || t.ended {
		return ""
	}
	t.shown = true
	style := bold
	if t.red > t.known || t.broken > 0 {
		style = red
	}
	return t.paint(style, text.Cut(t.status(), max(t.width()-1, 1))) + "\r"
}

// tick keeps the time in the live line right while no cell ends.
func (t *Terminal) tick(stop <-chan struct{}) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			t.mu.Lock()
			if t.shown {
				t.print("")
			}
			t.mu.Unlock()
		}
	}
}

// rest ends the live line.
func (t *Terminal) rest() {
	t.ended = true
	if t.stop != nil {
		close(t.stop)
		t.stop = nil
	}
	if text := t.erase(); text != "" {
		io.WriteString(t.w, text)
	}
}

// status is the line of progress.
func (t *Terminal) status() string {
	parts := []string{
		fmt.Sprintf("%d/%d cells, %d %%", t.done, t.total, 100*t.done/max(t.total, 1)),
		fmt.Sprintf("%d in flight", t.inFlight),
	}
	reds := fmt.Sprintf("%d red", t.red)
	if t.known > 0 {
		reds += fmt.Sprintf(" (%d known)", t.known)
	}
	parts = append(parts, reds)
	if t.broken > 0 {
		parts = append(parts, plural(t.broken, "harness error"))
	}
	parts = append(parts, clock(t.now().Sub(t.started)))
	if left, ok := t.left(); ok {
		parts = append(parts, about(left)+" left")
	}
	return strings.Join(parts, "  ")
}

// left estimates the time left from the pace since the first cell ended. There is
// none before two seconds, ten cells and a twentieth of them have gone by:
// the first cells to end are the quick ones.
func (t *Terminal) left() (time.Duration, bool) {
	since, cells := t.now().Sub(t.first), t.done-t.before
	if since < 2*time.Second || cells < 10 || cells < t.total/20 || t.done >= t.total {
		return 0, false
	}
	return since * time.Duration(t.total-t.done) / time.Duration(cells), true
}
