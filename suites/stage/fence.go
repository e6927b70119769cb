package stage

import (
	"context"
	"time"

	"github.com/xmpp-testday/testday/fixtures/client"
	"github.com/xmpp-testday/testday/fixtures/peer"
)

// witnessTime bounds what the message of a witness may take.
const witnessTime = 5 * time.Second

// settled returns when everything that the subject accepted until now has come to
// its client, and how often a message with the body did.
//
// First the client sends itself a message, which is enough where the whole subject
// is one process. Where the daemon that speaks to servers is not the one that
// speaks to clients, what the first has accepted may still be on its way inside the
// subject: so before it is said that a message did not come, one that takes the
// same way has to. It is that of a witness.
func (st *Stage) settled(ctx context.Context, c *Client, body string) int {
	c.fence(ctx)
	count, _, gone := c.got(body)
	if count > 0 || gone != nil || ctx.Err() != nil {
		return count
	}
	st.witness(ctx, c)
	count, _, _ = c.got(body)
	return count
}

// fence returns when what was routed to the client before has come to it.
func (c *Client) fence(ctx context.Context) {
	body := Token()
	if _, err := c.Client.Send(ctx, client.Message{To: c.JID().String(), Type: "chat", Body: body}); err != nil {
		return
	}
	for {
		count, news, gone := c.got(body)
		if count > 0 || gone != nil {
			return
		}
		select {
		case <-news:
		case <-c.st.Exited:
			return
		case <-ctx.Done():
			return
		}
	}
}

// witness has a peer that does nothing wrong send a client a message, and returns
// when it came. Its domain is the label "witness" of the stage. Where the subject
// takes no message from such a peer nothing is proven; that is what the controls
// are there to find.
func (st *Stage) witness(ctx context.Context, c *Client) {
	ctx, cancel := context.WithTimeout(ctx, st.Scale(witnessTime))
	defer cancel()
	s, known := st.witnesses[c.jid.Domain]
	if !known {
		s = st.introduce(ctx, c.jid.Domain)
		st.witnesses[c.jid.Domain] = s
	}
	if s == nil {
		return
	}
	m := Stanza{Body: Token(), From: "witness@" + s.Header().From, To: c.jid.Bare().String()}
	if s.Send(ctx, m.Element()) != nil || st.travel(ctx, s, c, m.Body) != Delivered {
		st.witnesses[c.jid.Domain] = nil
	}
}

// introduce opens a stream on which a witness may speak to one of the subject's
// domains, nil when there is none to be had.
func (st *Stage) introduce(ctx context.Context, domain string) *peer.Session {
	const label = "witness"
	p := st.peer(st.Name(label))
	if p == nil {
		var err error
		if p, err = st.Peer(ctx, label, Honest()...); err != nil {
			return nil
		}
	}
	s, err := p.Authorised(ctx, peer.To(domain))
	if err != nil {
		return nil
	}
	return s
}

// peer returns the stage's peer at a domain, nil when there is none.
func (st *Stage) peer(domain string) *Peer {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, p := range st.peers {
		if p.Domain() == domain {
			return p
		}
	}
	return nil
}
