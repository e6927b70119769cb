package text_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/xmpp-testday/testday/results/text"
)

func TestLineAndVisible(t *testing.T) {
	for _, c := range []struct{ in, line, visible string }{
		{"", "", ""},
		{"naïve ünïcode ✗ 日本 🐈", "naïve ünïcode ✗ 日本 🐈", "naïve ünïcode ✗ 日本 🐈"},
		{"a\nb\rc\td", "a b c d", "a\ufffdb\ufffdc\td"},
		{"a\x1b[31mred\x07\x00\x7f", "a\ufffd[31mred\ufffd\ufffd\ufffd", "a\ufffd[31mred\ufffd\ufffd\ufffd"},
		{"\u0085\u009b2J", "\ufffd\ufffd2J", "\ufffd\ufffd2J"},
		{"\u202eevil\u2066\u2069\u200b\u200d\ufeff", "\ufffdevil\ufffd\ufffd\ufffd\ufffd\ufffd", "\ufffdevil\ufffd\ufffd\ufffd\ufffd\ufffd"},
		{"a\u2028b\u2029c", "a\ufffdb\ufffdc", "a\ufffdb\ufffdc"},
		{"\ufffe\uffff", "\ufffd\ufffd", "\ufffd\ufffd"},
		{"a\xff\xfeb\x9b", "a\ufffdb\ufffd", "a\ufffdb\ufffd"},
	} {
		if got := text.Line(c.in); got != c.line {
			t.Errorf("Line(%q) = %q, want %q", c.in, got, c.line)
		}
		if got := text.Visible(c.in); got != c.visible {
			t.Errorf("Visible(%q) = %q, want %q", c.in, got, c.visible)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 0, ""}, {"", 3, ""}, {"abc", -1, ""}, {"abc", 0, ""}, {"abc", 1, "…"}, {"a", 1, "a"},
		{"abc", 2, "a…"}, {"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"ééé", 3, "ééé"}, {"éééé", 3, "éé…"},
		{"\xff\xff\xff\xff", 2, "\xff…"},
	} {
		if got := text.Cut(c.in, c.n); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("\x1b[2J\u202e\u2028\x00\xff\r\n\t")
	f.Add(strings.Repeat("é", 100))
	f.Fuzz(func(t *testing.T, s string) {
		const bound = 40
		for name, got := range map[string]string{"Line": text.Line(text.Cut(s, bound)), "Visible": text.Visible(text.Cut(s, bound))} {
			if !utf8.ValidString(got) || utf8.RuneCountInString(got) > bound {
				t.Fatalf("%s of %q is %q", name, s, got)
			}
			for _, r := range got {
				tab := r == '\t' && name == "Visible"
				if !tab && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
					t.Fatalf("%s of %q has %q", name, s, r)
				}
			}
		}
		if once := text.Line(s); text.Line(once) != once {
			t.Fatalf("Line of %q changes a second time", s)
		}
	})
}

func ExampleLine() {
	fmt.Println(text.Line("bad\x1b[2J\ncertificate"))
	fmt.Println(text.Line(text.Cut("a very long story", 7)))
	// Output:
	// bad�[2J certificate
	// a very…
}
