// Package prosody drives Prosody (https://prosody.im) as Debian ships it.
//
// Importing it makes the family known:
//
//	import _ "github.com/xmpp-testday/testday/servers/prosody"
//
// Whether TLS is required on server-to-server streams, and whether certificates must be valid, are global options of Prosody, so
// a policy holds for a whole container. P2 leaves mod_dialback out; a host without TLS is one with s2s_allow_encryption = false,
// which may live in a container for P0. Certificates, TLS versions and ciphers are set for each host.
package prosody
