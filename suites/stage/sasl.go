package stage

import (
	"context"
	"encoding/base64"

	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
)

// TryMechanism asks for a SASL mechanism, offered or not, with an initial response, and
// ends the stream behind that. It says what the answer was: [Success], "failure
// CONDITION", "challenge", or how the subject ended the stream, which is all that one
// says who knows no SASL. Do not use it where success is expected, for nothing can
// follow.
func TryMechanism(ctx context.Context, s *peer.Session, mechanism, initial string) string {
	data := "=" // RFC 6120 section 6.4.2: what is empty and not absent
	if initial != "" {
		data = base64.StdEncoding.EncodeToString([]byte(initial))
	}
	auth := xmpp.New(xmpp.NSSASL, "auth").Set("mechanism", mechanism).SetText(data)
	if err := s.Send(ctx, auth); err == nil {
		_ = s.CloseStream(ctx) // the subject may have ended it already
	}
	ev, err := s.Expect(ctx, peer.AnyOf(
		peer.Element(xmpp.NSSASL, "success"), peer.Element(xmpp.NSSASL, "failure"), peer.Element(xmpp.NSSASL, "challenge"),
		peer.StreamErrorWith(""), peer.Closed))
	switch {
	case err != nil:
		return End(err)
	case ev.Element != nil && ev.Element.Name.Space == xmpp.NSSASL:
		return peer.Reaction{Event: ev}.String()
	}
	return ended(ev)
}
