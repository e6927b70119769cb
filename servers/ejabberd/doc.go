// Package ejabberd drives ejabberd (https://www.ejabberd.im) as Debian ships it.
//
// Importing it makes the family known:
//
//	import _ "github.com/xmpp-testday/testday/servers/ejabberd"
//
// Everything that a setting asks for is set for each host: s2s_use_starttls, and mod_s2s_dialback, which P2 leaves out. The one
// thing that cannot be asked for is a certificate for another name: ejabberd picks certificates by the names in them.
package ejabberd
