package interop

import (
	"strings"
	"unicode"
)

// maxLine bounds an error that is told to a terminal, in bytes. Servers have a
// say in some of them.
const maxLine = 2000

// Line is an error in one line, without what would steer a terminal. Several
// errors are joined. The excerpt of a log that an error ends with is returned
// apart, each line without its end.
func Line(err error) (line string, excerpt []string) {
	var parts []string
	for text := range strings.Lines(err.Error()) {
		text = visible(strings.TrimRight(text, "\r\n"))
		if log, ok := strings.CutPrefix(text, "\t"); ok {
			excerpt = append(excerpt, visible(log))
			continue
		}
		if text = strings.TrimSuffix(strings.TrimSpace(text), "; the last lines of its log:"); text != "" {
			parts = append(parts, text)
		}
	}
	line = strings.Join(parts, "; ")
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + "…"
	}
	return visible(line), excerpt
}

func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}
