// Package stage is where a script of the catalogue meets one subject: scripted
// peers at domains of its own, a client of the subject, and a notebook.
//
//	func unknownTarget(ctx context.Context, st *stage.Stage) error {
//		p, err := st.Peer(ctx, "p", stage.Honest()...)
//		if err != nil {
//			return err
//		}
//		s, err := p.Authorised(ctx)
//		if err != nil {
//			return err
//		}
//		answer, err := s.DialbackResult(ctx, peer.Dialback{To: st.Name("nothosted")})
//		st.Note("the answer for a domain that is not hosted", stage.Told(answer, err))
//		st.Note("a message of the first pair, then", st.Deliver(ctx, s, "x@"+p.Domain()))
//		return nil
//	}
//
// A script decides nothing: it notes what it was answered, in the words of this
// package, and the judge reads the notes beside what was recorded on the wire. An
// error means that the script could not go on; what was noted until then stays.
//
// # Words of a note
//
//	delivered tls pkix       a stanza of the subject's came to a peer: how the stream was
//	                         protected, and what the subject was authenticated by
//	delivered                a peer's stanza came to the subject's client
//	not delivered            it did not, where the script sent it in a way of its own
//	error CONDITION          the sender was given an error stanza, RFC 6120 section 8.3
//	stream error CONDITION   RFC 6120 section 4.9
//	failure CONDITION        of SASL, RFC 6120 section 6.5
//	success                  of SASL
//	valid, invalid           answers of dialback, XEP-0220
//	dialback error CONDITION XEP-0220 section 2.5
//	alert NAME               of TLS
//	closed                   the stream or the connection was ended without a reason
//	reset                    the TCP connection was
//	refused                  nobody listens where the peer wanted to connect
//	open, dropped            the subject went on with the stream, and with a stanza it did nothing
//	not offered              SASL EXTERNAL
//	no client                the subject's own user could not log in, or was logged out
//	nothing                  none of these before the deadline
//
// # Ends
//
// Scripts wait for events. Where a subject is to do nothing with what it was sent,
// [Stage.Deliver] ends the stream behind it: a subject that reads in order has
// dealt with the one when it answers the other. That a message did not come to its
// client is said when one from another peer has, the stage's witness, which was
// sent after it. The deadline of the context is there for subjects that answer
// nothing at all.
package stage
