package stage

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/xmpp-testday/testday/fixtures/client"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/tap"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
)

// Words of notes; see the package's documentation.
const (
	Delivered = "delivered"
	Success   = "success"
	Closed    = "closed"
	Nothing   = "nothing"
	// NoClient is that a user of the subject's could not log in, or was logged out:
	// what it would have been told is not known.
	NoClient = judge.NoClient
)

// Told says in words what a dialback request was answered with.
func Told(d peer.Dialback, err error) string {
	switch {
	case err != nil:
		return End(err)
	case d.Type == peer.TypeError:
		return "dialback error " + d.Condition
	}
	return d.Type
}

// End says in words what came instead of what was waited for, or [Success] when
// err is nil.
func End(err error) string {
	var stream *xmpp.StreamError
	var sasl *peer.SASLError
	var alert *net.OpError
	switch {
	case err == nil:
		return Success
	case errors.As(err, &stream):
		return "stream error " + stream.Condition
	case errors.As(err, &sasl):
		return strings.TrimSpace("failure " + sasl.Condition)
	case errors.As(err, &alert) && alert.Op == "remote error":
		// So crypto/tls says that the other side sent an alert; [tls.AlertError] is for QUIC.
		return "alert " + strings.TrimPrefix(alert.Err.Error(), "tls: ")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Nothing
	case errors.Is(err, ErrNotOffered):
		return "not offered"
	}
	return Closed
}

// Message has alice, a user of the subject's domain, send a message, waits for
// what comes of it, and says it in words: how it came to which peer, or the error
// that she was given.
func (st *Stage) Message(ctx context.Context, to string) string {
	return st.send(ctx, st.Alice, to)
}

// MessageFromOther is [Stage.Message] from a user of the subject's other domain.
func (st *Stage) MessageFromOther(ctx context.Context, to string) string {
	return st.send(ctx, st.Carol, to)
}

func (st *Stage) send(ctx context.Context, login func(context.Context) (*Client, error), to string) string {
	n, err := st.start(ctx, login, to)
	if err != nil {
		return noClient(ctx)
	}
	return st.Outcome(ctx, n)
}

// Send has alice send a message and does not wait. What came of it is had from
// [Stage.Outcome], by the number that is returned.
func (st *Stage) Send(ctx context.Context, to string) (int, error) {
	return st.start(ctx, st.Alice, to)
}

func (st *Stage) start(ctx context.Context, login func(context.Context) (*Client, error), to string) (int, error) {
	c, err := login(ctx)
	if err != nil {
		return 0, err
	}
	direction := "back"
	if st.Initiates {
		direction = "there"
	}
	m := results.Message{Direction: direction, From: c.jid.String(), To: to, Canary: Token(), Sent: st.now()}
	st.mu.Lock()
	n := len(st.messages)
	st.messages = append(st.messages, m)
	st.mu.Unlock()
	_, err = c.Client.Send(ctx, client.Message{To: to, ID: m.Canary, Type: "chat", Body: m.Canary})
	return n, err
}

// Outcome waits for what comes of a message of [Stage.Send].
func (st *Stage) Outcome(ctx context.Context, n int) string {
	st.mu.Lock()
	m := st.messages[n]
	var c *Client
	for _, have := range st.order {
		if have.jid.String() == m.From {
			c = have
		}
	}
	st.mu.Unlock()
	for {
		_, news, gone := c.got(m.Canary)
		st.mu.Lock()
		a, ok := st.arrived[m.Canary]
		arrival := st.arrival
		st.mu.Unlock()
		if ok {
			st.settle(n, func(m *results.Message) { m.Delivered, m.DeliveredAt, m.Order = a.Count, a.At, 1 })
			return Delivered + " " + a.How
		}
		if e, ok := c.refused(m.Canary); ok {
			st.settle(n, func(m *results.Message) {
				m.Error, m.ErrorAt = &results.StanzaError{Condition: e.Condition, Type: e.ErrorType, From: e.From}, st.now()
			})
			return "error " + e.Condition
		}
		if gone != nil {
			return NoClient
		}
		select {
		case <-arrival:
		case <-news:
		case <-st.Exited:
			return Closed
		case <-ctx.Done():
			return Nothing
		}
	}
}

func (st *Stage) settle(n int, f func(*results.Message)) {
	st.mu.Lock()
	defer st.mu.Unlock()
	f(&st.messages[n])
}

// Arrived returns what came to a peer of a message of [Stage.Send] until now.
func (st *Stage) Arrived(n int) (Arrival, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	a, ok := st.arrived[st.messages[n].Canary]
	return a, ok
}

// Deliver sends a message to alice on a session, from an address, then ends the
// stream, and says what came of it: [Delivered], or how the subject ended the
// stream.
func (st *Stage) Deliver(ctx context.Context, s *peer.Session, from string) string {
	return st.DeliverStanza(ctx, s, st.Stanza(from))
}

// A Stanza is a message on its way to a user of the subject's.
type Stanza struct {
	// Body is a token; From and To are addresses.
	Body, From, To string
	// To is a user of the subject's other domain.
	other bool
}

// Stanza is a message for alice.
func (st *Stage) Stanza(from string) Stanza {
	return Stanza{Body: Token(), From: from, To: st.Account.User + "@" + st.Domain}
}

// StanzaToOther is a message for the user of the subject's other domain.
func (st *Stage) StanzaToOther(from string) Stanza {
	return Stanza{Body: Token(), From: from, To: st.OtherAccount.User + "@" + st.Other, other: true}
}

// XML is the stanza as it is sent on a stream of servers.
func (m Stanza) XML() string {
	return string(m.Element().AppendXML(nil, nil))
}

// Element is the stanza as an element.
func (m Stanza) Element() *xmpp.Element {
	return xmpp.New(xmpp.NSServer, "message").Set("from", m.From).Set("to", m.To).Set("id", m.Body).
		Append(xmpp.New(xmpp.NSServer, "body").SetText(m.Body))
}

// DeliverStanza sends a stanza on a session, then ends the stream, and says what
// came of it.
func (st *Stage) DeliverStanza(ctx context.Context, s *peer.Session, m Stanza) string {
	return st.deliver(ctx, s, m, func() error { return s.Send(ctx, m.Element()) })
}

// DeliverRaw is [Stage.DeliverStanza] with bytes of the script's own, in which the
// body of m has to be found.
func (st *Stage) DeliverRaw(ctx context.Context, s *peer.Session, m Stanza, raw string) string {
	return st.deliver(ctx, s, m, func() error { return s.Raw(ctx, raw) })
}

func (st *Stage) deliver(ctx context.Context, s *peer.Session, m Stanza, send func() error) string {
	c, err := st.addressee(ctx, m)
	if err != nil {
		return noClient(ctx)
	}
	n := st.expect(m)
	if err := send(); err == nil {
		_ = s.CloseStream(ctx) // the subject may have ended it already
	}
	return st.after(ctx, c, n, m, HowClosed(ctx, s))
}

// Pass sends a stanza on a session that stays open, and waits until it came to the
// subject's client, or the stream ended. Use it where delivery is expected.
func (st *Stage) Pass(ctx context.Context, s *peer.Session, m Stanza) string {
	c, err := st.addressee(ctx, m)
	if err != nil {
		return noClient(ctx)
	}
	n := st.expect(m)
	if err := s.Send(ctx, m.Element()); err != nil {
		return st.after(ctx, c, n, m, End(err))
	}
	end := st.travel(ctx, s, c, m.Body)
	if end == Delivered {
		count, _, _ := c.got(m.Body)
		st.received(n, count)
		return end
	}
	return st.after(ctx, c, n, m, end)
}

// travel waits until a message came to a client, or the stream on which it was sent
// ended, and says which.
func (st *Stage) travel(ctx context.Context, s *peer.Session, c *Client, body string) string {
	waiting, cancel := context.WithCancel(ctx)
	ended := make(chan string, 1)
	go func() {
		defer close(ended)
		ended <- HowClosed(waiting, s)
	}()
	defer func() {
		cancel()
		for range ended { // nobody else may read the stream meanwhile
		}
	}()
	for {
		count, news, gone := c.got(body)
		switch {
		case count > 0:
			return Delivered
		case gone != nil:
			return NoClient
		}
		select {
		case <-news:
		case end := <-ended:
			return end
		case <-st.Exited:
			return Closed
		}
	}
}

// noClient says in words that a client could not be had.
func noClient(ctx context.Context) string {
	if ctx.Err() != nil {
		return Nothing
	}
	return NoClient
}

func (st *Stage) addressee(ctx context.Context, m Stanza) (*Client, error) {
	if m.other {
		return st.Carol(ctx)
	}
	return st.Alice(ctx)
}

// expect puts a peer's stanza on record.
func (st *Stage) expect(m Stanza) int {
	st.mu.Lock()
	defer st.mu.Unlock()
	direction := "there"
	if st.Initiates {
		direction = "back"
	}
	st.messages = append(st.messages, results.Message{Direction: direction, From: m.From, To: m.To, Canary: m.Body, Sent: st.now()})
	return len(st.messages) - 1
}

func (st *Stage) received(n, count int) {
	st.settle(n, func(m *results.Message) { m.Delivered, m.DeliveredAt, m.Order = count, st.now(), 1 })
}

// Received reports whether a stanza came to the subject's client until now, and
// everything that the subject accepted before.
func (st *Stage) Received(ctx context.Context, m Stanza) bool {
	c, err := st.addressee(ctx, m)
	return err == nil && st.settled(ctx, c, m.Body) > 0
}

// after says what came of a stanza whose stream ended.
func (st *Stage) after(ctx context.Context, c *Client, n int, m Stanza, end string) string {
	count := st.settled(ctx, c, m.Body)
	switch _, _, gone := c.got(m.Body); {
	case count > 0:
		st.received(n, count)
		return Delivered
	case gone != nil:
		return NoClient
	case ctx.Err() != nil:
		return Nothing
	}
	return end
}

// HowClosed waits until the subject ended a stream, and says how: "stream error
// CONDITION", or [Closed].
func HowClosed(ctx context.Context, s *peer.Session) string {
	ev, err := s.Expect(ctx, peer.AnyOf(peer.StreamErrorWith(""), peer.Closed))
	if err != nil {
		return End(err)
	}
	return ended(ev)
}

// ended says in words how an event ends a stream.
func ended(ev *xmpp.Event) string {
	if se, ok := xmpp.ParseStreamError(ev.Element); ok {
		return End(se)
	}
	return Closed
}

// HowEnded waits until the subject ended its direction of a connection, and says
// how: [Closed], or [Reset].
func HowEnded(ctx context.Context, s *peer.Session) string {
	end, err := s.ExpectEnd(ctx)
	switch {
	case err != nil:
		return End(err)
	case end.How == tap.RST:
		return Reset
	}
	return Closed
}

// Offers says in words what features a stream has: "starttls required dialback
// errors bidi EXTERNAL".
func Offers(f xmpp.Features) string {
	var words []string
	for _, w := range []struct {
		is   bool
		word string
	}{{f.StartTLS, "starttls"}, {f.StartTLSRequired, "required"}, {f.Dialback, "dialback"}, {f.DialbackErrors, "errors"}, {f.Bidi, "bidi"}} {
		if w.is {
			words = append(words, w.word)
		}
	}
	for _, c := range f.Compression {
		words = append(words, "compression:"+c)
	}
	words = append(words, f.Mechanisms...)
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, " ")
}
