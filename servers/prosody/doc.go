// Package prosody drives Prosody (https://prosody.im) as Debian ships it.
//
// Importing it makes the family known:
//
//	import _ "github.com/xmpp-testday/testday/servers/prosody"
//
// Whether TLS is required on server-to-server streams, and whether certificates must be valid, are global options of Prosody, so
// a policy holds for a whole container. P2 leaves mod_dialback out; a host without TLS is one with s2s_allow_encryption = false,
// which may live in a container for P0. Certificates, TLS versions, ciphers and bidirectional streams are set for each host.
//
// # Direct TLS
//
// As initiating entity it asks for _xmpps-server records, with the host's own certificate, versions and ciphers, and tries all of
// them before any of _xmpp-server; a host without TLS asks for none. Port 5270 presents the certificate of the host that the server
// name indication names, and ends the handshake where that names none. Versions and ciphers are those of the port, so a host with
// bounds of its own is not served there, and neither is one without TLS.
//
// # What a run meets
//
//   - A connection that is not made ends after 3 seconds, a handshake after 5 silent ones, and a stream that is not authenticated
//     after 10. Who is silent on direct TLS and then on the port for STARTTLS so holds the sender up for 15. The next message is
//     another attempt.
//   - A peer who says <success/> and nothing more is waited for without an end: the stream counts as authenticated.
//   - No revocation is checked. LuaSec can be told to look for lists in the file of trust anchors (crl_check in verifyext), which
//     is not usual; Prosody fetches none, and has nothing for OCSP, in either role.
package prosody
