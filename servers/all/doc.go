// Package all registers every shipped server, for programs that take the names of
// subjects from outside:
//
//	import (
//		"github.com/xmpp-testday/testday/servers"
//		_ "github.com/xmpp-testday/testday/servers/all"
//	)
//
//	subjects, err := servers.ParseSubjects("prosody@13,jabberd2")
//
// A new server is added to its imports.
package all
