// Package jabberd2 is the driver of jabberd2, the XMPP server in C of Debian's package of that name.
//
// Importing it makes the family known:
//
//	import _ "github.com/xmpp-testday/testday/servers/jabberd2"
//
// # What its policies mean
//
// jabberd2 2.7.0 identifies peers by dialback (XEP-0220), always, and announces that as required: its s2s daemon neither
// offers nor uses SASL EXTERNAL, and has no setting to do without dialback. What can be configured is TLS beneath it:
//
//   - off: no host has a certificate. s2s then offers no STARTTLS, asks for none, and opens its streams in the manner from
//     before XMPP 1.0: without version, to and from. One certificate anywhere is enough to make s2s offer TLS for all its
//     hosts, so this is a container of its own.
//   - P0: every host has a certificate, require_tls is 0 and verify-mode is 0. TLS is used with any certificate, as none is
//     looked at. No certificate is asked of the initiator.
//   - P1: the same with require_tls 1, which is global: nothing but STARTTLS is said or accepted in clear, though the stream
//     features do not call it required.
//   - P2: require_tls 1 and verify-mode 7. A peer must present a chain to the trust anchors, valid in time and for its role
//     (clientAuth for an initiator, serverAuth for a receiver), in both roles, or the handshake ends. This is the strictest
//     that jabberd2 has, and it is less than the policy asks: the name in the certificate is compared with nothing, so a
//     valid certificate for another name is accepted, and dialback is still demanded on top.
//
// # What a run meets
//
//   - A handshake that s2s refuses ends without an alert and leaves nothing in its log but "disconnect". The initiator tries
//     again at once, without a pause, until the stanza is older than check.retry: tens of connections in two seconds.
//   - Reading the names in a peer's certificate leaves "oid exists" in OpenSSL's error queue. From then on s2s takes a TLS
//     record that is not there as a whole, which is any that reaches over the 1024 bytes it reads at a time, for an error,
//     and closes the stream; a TLS 1.3 session ticket from the peer clears the queue. So under P2 it refuses good initiators
//     whose certificate and stream header happen to be of the wrong length, and under every policy receivers that speak TLS
//     1.2 and send more than 1024 bytes at once after the handshake. It is jabberd2's doing and is not worked around.
//   - The end of a stream after such an error, </stream:stream> and at times a stream error, goes out in clear.
//   - c2s knows a session by its file descriptor. A client that leaves while an answer is under way can end the next one that
//     gets its descriptor, with internal-server-error before SASL: wait for answers, then close the stream and wait for its end.
//   - Stanzas between two hosts of one container never leave its router: there is no stream to observe.
//   - A silent peer is given up after 5 to 8 seconds, whatever it is silent about; an address that does not answer after the
//     kernel's 3. The next message is another attempt, though of one connection only while the address is known to be bad, which
//     is for a second or two.
//   - DNS answers are kept for at least 5 seconds; no DNSSEC, DANE or POSH; no direct TLS on s2s, in either role; no bidirectional
//     streams. No revocation is checked, and there is no option for it: neither lists nor OCSP.
package jabberd2
