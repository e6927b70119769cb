package jabberd2

import (
	"regexp"
	"strings"

	"github.com/xmpp-testday/testday/servers"
)

// logReader reads the lines of s2s, which the start script marks with the daemon's name. s2s names both domains only once
// dialback speaks of them; a line that names none is still told, as an error of an unknown stream.
type logReader struct{}

var (
	// ctime(3), then the level.
	stamp = regexp.MustCompile(`^s2s:[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} \[[a-z]+\] (.*)$`)

	// What follows the descriptor and the address of the peer. Routes are local/remote in both directions.
	routeNow   = regexp.MustCompile(`^(incoming|outgoing) route '([^'/]+)/([^'/]+)' is now (valid|invalid) ?(?:(TLS)[A-Z,]*)?$`)
	routeLate  = regexp.MustCompile(`^dialback for (incoming|outgoing) route '([^'/]+)/([^'/]+)' timed out$`)
	unverified = regexp.MustCompile(`^dropping packet on unvalidated route: '([^'/]+)/([^'/]+)'$`)
	givenUp    = regexp.MustCompile(`^retry limit reached for '([^'/]+)/([^'/]+)' queue$`)
	connecting = regexp.MustCompile(`^connection to (\S+) timed out$`)
	resolving  = regexp.MustCompile(`^dns lookup for (\S+) (?:failed|timed out)$`)
	failing    = regexp.MustCompile(`^(?:error: |read error: |write error: |no dialback started$|stream initiation timed out$)`)

	peer = regexp.MustCompile(`^\[-?\d+\] \[[0-9a-fA-F.:]+, port=\d+\] `)
)

func (logReader) Read(line string) (servers.LogFact, bool) {
	m := stamp.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
	if m == nil {
		return servers.LogFact{}, false
	}
	fact := servers.LogFact{Text: m[1]}
	said := m[1][len(peer.FindString(m[1])):]

	if m := routeNow.FindStringSubmatch(said); m != nil {
		fact.Direction, fact.Local, fact.Remote = direction(m[1]), m[2], m[3]
		encrypted := m[5] != ""
		fact.Kind, fact.Encrypted, fact.Auth = "authenticated", &encrypted, "dialback"
		if m[4] == "invalid" {
			fact.Kind, fact.Encrypted, fact.Auth = "refused", nil, "none"
		}
		return fact, true
	}
	if m := routeLate.FindStringSubmatch(said); m != nil {
		fact.Kind, fact.Direction, fact.Local, fact.Remote = "error", direction(m[1]), m[2], m[3]
		return fact, true
	}
	if m := unverified.FindStringSubmatch(said); m != nil {
		fact.Kind, fact.Direction, fact.Local, fact.Remote, fact.Auth = "refused", "in", m[1], m[2], "none"
		return fact, true
	}
	if m := givenUp.FindStringSubmatch(said); m != nil {
		fact.Kind, fact.Direction, fact.Local, fact.Remote = "error", "out", m[1], m[2]
		return fact, true
	}
	for _, re := range []*regexp.Regexp{connecting, resolving} {
		if m := re.FindStringSubmatch(said); m != nil {
			fact.Kind, fact.Direction, fact.Remote = "error", "out", m[1]
			return fact, true
		}
	}
	if failing.MatchString(said) {
		fact.Kind = "error"
		return fact, true
	}
	return servers.LogFact{}, false
}

func direction(word string) string {
	if word == "incoming" {
		return "in"
	}
	return "out"
}
