package known

import (
	"errors"
	"fmt"
	"strings"
)

// idChars are the characters of a cell's id besides letters and digits.
const idChars = "/:@._+,=%~-"

// checkPattern returns an error that says what is wrong with a pattern.
func checkPattern(p string) error {
	if p == "" {
		return errors.New("it is empty")
	}
	if strings.Contains(p, "***") {
		return errors.New("*** has no meaning")
	}
	for _, r := range p {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		if !letter && !strings.ContainsRune(idChars+"*?", r) {
			return fmt.Errorf("%q is neither in a cell's id nor a wildcard", r)
		}
	}
	return nil
}

// literal reports whether a pattern names one cell.
func literal(p string) bool { return !strings.ContainsAny(p, "*?") }

// match reports whether a cell's id matches a pattern. It takes time in
// proportion to the product of their lengths at most, whatever the pattern.
func match(pattern, id string) bool {
	prefix := strings.IndexAny(pattern, "*?")
	if prefix < 0 {
		return pattern == id
	}
	// Most cells are told apart by what comes before the first wildcard.
	if !strings.HasPrefix(id, pattern[:prefix]) {
		return false
	}
	pattern, id = pattern[prefix:], id[prefix:]
	// reached[n] tells whether what was read of the pattern matches id[:n].
	reached := make([]bool, len(id)+1)
	reached[0] = true
	for p := 0; p < len(pattern); p++ {
		next := make([]bool, len(id)+1)
		many := pattern[p] == '*'
		across := many && p+1 < len(pattern) && pattern[p+1] == '*'
		if across {
			p++
		}
		for n := range next {
			if many {
				next[n] = reached[n] || n > 0 && next[n-1] && (across || within(id[n-1]))
			} else {
				next[n] = n > 0 && reached[n-1] && (pattern[p] == id[n-1] || pattern[p] == '?' && within(id[n-1]))
			}
		}
		reached = next
	}
	return reached[len(id)]
}

// within reports whether a character may stand for * or ?.
func within(c byte) bool { return c != '/' && c != ':' }
