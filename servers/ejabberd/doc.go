// Package ejabberd drives ejabberd (https://www.ejabberd.im) as Debian ships it.
//
// Importing it makes the family known:
//
//	import _ "github.com/xmpp-testday/testday/servers/ejabberd"
//
// Everything that a setting asks for is set for each host: s2s_use_starttls, mod_s2s_dialback, which P2 leaves out, and
// mod_s2s_bidi, which releases before 24.10 do not have. What cannot be asked for is a certificate for another name, or one
// without its intermediate: ejabberd picks certificates by the names in them, and completes chains.
//
// # Direct TLS
//
// As initiating entity it asks for _xmpps-server records, with the host's own certificate, versions and ciphers, and tries them
// and those of _xmpp-server in the order of their priorities; a host without TLS asks for none. Port 5270 presents the
// certificate of the host that the server name indication names, and some other one where that names none. Versions and ciphers
// are those of the first host, and a host without TLS is served there all the same.
//
// # What a run meets
//
//   - In 24.12 and 26.07 a direct TLS handshake that it initiates fails now and then, in about one of 20, because the answer comes
//     before ejabberd reads it: with "Connection failed: non-existing domain", at once or after 5 seconds. Where an _xmpp-server
//     record is left to try, what is late from the first connection is taken for XML from the second, which fails with
//     not-well-formed. 23.01 has no such race, and tries no other record after a failed handshake.
//   - 24.12 advertises bidirectional streams under urn:xmpp:bidi in place of urn:xmpp:features:bidi, and looks for the same: it
//     uses them with its like, and with no other server.
//   - An attempt ends after 10 seconds, a connection that is not made after 3, and since 24.12 a silent handshake of direct TLS
//     after 5. For up to a second after that, messages to the same domain come back without another attempt.
//   - No revocation is checked, and there is no option for it: neither lists nor OCSP, in either role.
package ejabberd
