package interop

import (
	"strings"

	"github.com/xmpp-testday/testday/results/text"
)

// maxLine bounds an error that is told to a terminal, in bytes. Servers have a
// say in some of them.
const maxLine = 2000

// Line is an error in one line, without what would steer a terminal. Several
// errors are joined. The excerpt of a log that an error ends with is returned
// apart, each line without its end.
func Line(err error) (line string, excerpt []string) {
	var parts []string
	for part := range strings.Lines(err.Error()) {
		part = text.Visible(strings.TrimRight(part, "\r\n"))
		if log, ok := strings.CutPrefix(part, "\t"); ok {
			excerpt = append(excerpt, log)
			continue
		}
		if part = strings.TrimSuffix(strings.TrimSpace(part), "; the last lines of its log:"); part != "" {
			parts = append(parts, part)
		}
	}
	line = strings.Join(parts, "; ")
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + "…"
	}
	return line, excerpt
}
