package terminal

import (
	"fmt"
	"math"
	"time"

	"github.com/xmpp-testday/testday/results/text"
)

// maxText bounds a text from outside, in runes.
const maxText = 1000

// clean makes a short line of a text from outside.
func clean(s string) string { return text.Line(text.Cut(s, maxText)) }

// clock is "0:07", or "1:02:03".
func clock(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// about rounds a duration to what an estimate can claim: "~12 s", "~3 min".
func about(d time.Duration) string {
	switch s := math.Ceil(d.Seconds()); {
	case s <= 20:
		return fmt.Sprintf("~%d s", int(max(s, 1)))
	case s <= 90:
		return fmt.Sprintf("~%d s", int(math.Ceil(s/5))*5)
	default:
		return fmt.Sprintf("~%d min", int(math.Round(s/60)))
	}
}

// seconds is "0.4 s", "12.1 s", "83 s".
func seconds(s float64) string {
	if s >= 60 {
		return fmt.Sprintf("%.0f s", s)
	}
	return fmt.Sprintf("%.1f s", s)
}

// plural is "1 cell", "2 cells".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
