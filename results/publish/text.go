package publish

import (
	"strings"

	"github.com/xmpp-testday/testday/results/text"
)

// maxText bounds a text from outside, in runes.
const maxText = 2000

// clean makes a short line of a text from outside.
func clean(s string) string { return text.Line(text.Cut(s, maxText)) }

var markdownEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
	"|", `\|`, "~", `\~`, "#", `\#`, "$", `\$`,
	// GitHub makes links of bare addresses.
	"://", `:\//`, "www.", `www\.`,
)

// markdown makes a text from outside show as itself in running text and in a
// table.
func markdown(s string) string { return markdownEscapes.Replace(clean(s)) }

// code makes a code span of a text from outside, in running text or in a table.
// A span cannot hold a backtick that ends it, nor, in a table, a bare bar.
func code(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(clean(s), "`", "'"), "|", "¦")
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return "`" + s + "`"
}
