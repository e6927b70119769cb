package stage

import (
	"context"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/peer"
)

// Dropped is that the subject answered what came behind a stanza, and the stanza
// did not come to its client.
const Dropped = "dropped"

// Hosting is an option for a peer that hosts another name of the stage as well,
// with a good certificate. [Peer.Publish] makes it the service of that name.
func (st *Stage) Hosting(label string) (peer.Option, error) {
	cert, err := st.Certificate(ca.Good, label)
	if err != nil {
		return nil, err
	}
	return peer.WithDomain(st.Name(label), cert), nil
}

// Try sends a stanza on a session that stays open, and behind it asks the subject
// about a dialback key, which it answers whatever it made of the stanza (XEP-0220
// section 2.2.2). It says what came of the stanza: [Delivered], [Dropped], or how
// the subject ended the stream. The subject has to take dialback.
func (st *Stage) Try(ctx context.Context, s *peer.Session, m Stanza) string {
	c, err := st.addressee(ctx, m)
	if err != nil {
		return End(err)
	}
	n := st.expect(m)
	end := Dropped
	if err = s.Send(ctx, m.Element()); err == nil {
		_, err = s.Verify(ctx, peer.Dialback{ID: Token(), Key: Token()})
	}
	if err != nil {
		end = HowClosed(ctx, s)
	}
	return st.after(ctx, c, n, m, end)
}
