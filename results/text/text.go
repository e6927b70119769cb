package text

import (
	"strings"
	"unicode"
)

// Line makes one line of s: line breaks and tabs become spaces, and all else is
// as [Visible] has it.
func Line(s string) string { return strings.Map(line, valid(s)) }

func line(r rune) rune {
	if r == '\n' || r == '\r' || r == '\t' {
		return ' '
	}
	return visible(r)
}

// Visible shows what would steer a terminal, and what would reorder or hide text,
// as U+FFFD: control characters other than tabs, line breaks among them, format
// characters and separators of lines and paragraphs (categories Cf, Zl and Zp of
// Unicode), what XML 1.0 section 2.2 excludes, and what is not UTF-8. It is meant
// for single lines that are to keep their tabs, such as those of a log.
func Visible(s string) string { return strings.Map(visible, valid(s)) }

func visible(r rune) rune {
	switch {
	case r == '\t':
		return r
	case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == 0xfffe || r == 0xffff:
		return unicode.ReplacementChar
	default:
		return r
	}
}

func valid(s string) string { return strings.ToValidUTF8(s, string(unicode.ReplacementChar)) }

// Cut shortens s to n runes, the last of which is then an ellipsis. It reads no
// more of s than that.
func Cut(s string, n int) string {
	if n < 1 {
		return ""
	}
	runes, end := 0, 0
	for at := range s {
		switch runes {
		case n - 1:
			end = at
		case n:
			return s[:end] + "…"
		}
		runes++
	}
	return s
}
