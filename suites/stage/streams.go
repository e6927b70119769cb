package stage

import (
	"context"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/peer"
)

// Dropped is the word for a stanza that did not come to the subject's client,
// although the subject went on with the stream.
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

// Try sends a stanza on a session that stays open, and says what came of it:
// [Delivered], [Dropped] when the subject goes on with the stream ([StillOpen]), or
// how it ended the stream. The subject has to take dialback.
func (st *Stage) Try(ctx context.Context, s *peer.Session, m Stanza) string {
	c, err := st.addressee(ctx, m)
	if err != nil {
		return noClient(ctx)
	}
	n := st.expect(m)
	if err := s.Send(ctx, m.Element()); err != nil {
		return st.after(ctx, c, n, m, HowClosed(ctx, s))
	}
	end := StillOpen(ctx, s)
	if end == Open {
		end = Dropped
	}
	return st.after(ctx, c, n, m, end)
}
