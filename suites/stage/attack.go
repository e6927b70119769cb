package stage

import (
	"bytes"
	"context"
)

// Undelivered is that a stanza which was sent in a way of its own did not come to
// the subject's client.
const Undelivered = "not delivered"

// Watch puts a stanza on record that do sends in a way of its own, and says whether
// it came to the subject's client: [Delivered] or [Undelivered]. When do returns the
// subject must have read it.
func (st *Stage) Watch(ctx context.Context, m Stanza, do func()) string {
	c, err := st.addressee(ctx, m)
	if err != nil {
		return noClient(ctx)
	}
	n := st.expect(m)
	do()
	return st.after(ctx, c, n, m, Undelivered)
}

// Shown reports whether the body of a stanza is anywhere in what the subject sent its
// client until now, be it in an element that is no stanza.
func (st *Stage) Shown(ctx context.Context, m Stanza) bool {
	c, err := st.addressee(ctx, m)
	if err != nil {
		return false
	}
	var said []byte
	for _, chunk := range c.Transcript() {
		if !chunk.Sent {
			said = append(said, chunk.Data...)
		}
	}
	return bytes.Contains(said, []byte(m.Body))
}
