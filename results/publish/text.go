package publish

import (
	"strings"
	"unicode"
)

// maxText bounds a text from outside, in runes.
const maxText = 2000

// clean makes one line of a text from outside. What would break the line becomes
// a space; escapes, marks of direction and what is not UTF-8 become U+FFFD.
func clean(s string) string {
	if len(s) > maxText {
		if r := []rune(s); len(r) > maxText {
			s = string(r[:maxText]) + "…"
		}
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == 0xfffe || r == 0xffff:
			return unicode.ReplacementChar
		default:
			return r
		}
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}

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
