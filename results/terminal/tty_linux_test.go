package terminal

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xmpp-testday/testday/results"
)

// pseudoTerminal returns both ends of one that is so many columns wide.
func pseudoTerminal(t *testing.T, columns uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func TestTerminal(t *testing.T) {
	for _, c := range []struct {
		term, noColor string
		live, color   bool
	}{
		{"xterm", "", true, true},
		{"xterm", "1", true, false},
		{"dumb", "", false, false},
	} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.noColor)
		_, slave := pseudoTerminal(t, 61)
		term := New(slave)
		if term.live != c.live || term.color != c.color {
			t.Errorf("TERM=%s NO_COLOR=%s: live %v, colour %v", c.term, c.noColor, term.live, term.color)
		}
		if c.live && term.width() != 61 {
			t.Errorf("%d columns, want 61", term.width())
		}
	}
}

// TestResize draws the live line again after the window became narrower.
func TestResize(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	master, slave := pseudoTerminal(t, 80)
	_, _, clock := newFake()
	term := New(slave, func(t *Terminal) { t.now = clock.now }) // which stands, so nothing is drawn unasked
	read := func() string {
		b := make([]byte, 4096)
		n, err := master.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	term.Cell(cell("s2s/a/b:x:y", results.Pass, ""), 1, 100, 9)
	if got, want := read(), "1/100 cells, 1 %  9 in flight  0 red  0:00\r"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 20}); err != nil {
		t.Fatal(err)
	}
	term.Step("next")
	if got, want := read(), "\r\x1b[J   0:00  next\r\n1/100 cells, 1 %  …\r"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	term.Finish(&results.Matrix{}, nil, "")
}
