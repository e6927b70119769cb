package run

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xmpp-testday/testday/fixtures/attack"
	"github.com/xmpp-testday/testday/fixtures/client"
	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/fixtures/reference"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites"
)

const (
	// deadline is how long a cell may wait for a stanza or an error to come back.
	// Reaching it is itself an observation: neither came.
	deadline = 30 * time.Second
	// silence is how long nothing must cross between a cell's servers for it to
	// count as waiting.
	silence = 250 * time.Millisecond
	// loginTimeout bounds logging in: that the subject's client port works was
	// seen before the cell began.
	loginTimeout = 20 * time.Second
	// hangUpTime bounds how long servers may take to notice that a connection has
	// ended.
	hangUpTime = 5 * time.Second
	// maxLogins is how often a client tries to log in.
	maxLogins = 3
)

// deadline is that of a cell: some time longer than the most patient server.
func (r *Run) deadline() time.Duration {
	return time.Duration(float64(deadline) * r.config.Patience.Seconds() / reference.DefaultPatience.Seconds())
}

// side is one client of a cell while it runs.
type side struct {
	role   string // initiator or receiver
	name   string // direction of what it sends: there or back
	host   *host
	peer   *host
	user   servers.Account
	client *client.Client
	// resource is a token: a query carries no other.
	resource string
}

// stimulus does what the scenario's row says and fills the observation's
// messages and its end.
type stimulus struct {
	obs   *results.Observation
	plan  suites.Stimulus
	sides [2]*side       // initiator, receiver
	byID  map[string]int // messages by the id of their stanza
	order map[string]int
	// attackers are the logs of the attackers on the path, by the direction of the
	// connections that they are on.
	attackers map[string]*attack.Log
	// deadline is the cell's.
	deadline time.Duration
	// answers are those of queries, which the client matches itself.
	answers chan answer
}

type answer struct {
	message int
	err     error
}

// observe runs one cell to its end.
func (r *Run) observe(ctx context.Context, c *suites.Cell) (*results.Observation, map[string][]byte) {
	if c.World.Scripted() {
		return r.scene(ctx, c)
	}
	obs := &results.Observation{Cell: c.ID, Scenario: c.Scenario.ID, Started: time.Now(), Controls: c.Controls,
		Initiator: party(c.Initiator), Receiver: party(c.Receiver), Messages: []results.Message{},
		Attack: string(c.World.Attack), Shown: string(c.World.Attack.Shown())}
	if c.Unsupported != "" {
		obs.Unsupported = c.Unsupported
		return obs, nil
	}
	st := &stimulus{obs: obs, plan: c.Scenario.Stimulus, deadline: r.deadline(), byID: map[string]int{}, order: map[string]int{},
		answers: make(chan answer, 2*c.Scenario.Stimulus.Count)}
	i, rcv := r.hosts[c.Initiator.Domain], r.hosts[c.Receiver.Domain]
	st.sides[0] = &side{role: "initiator", name: "there", host: i, peer: rcv, user: c.Initiator.Account}
	st.sides[1] = &side{role: "receiver", name: "back", host: rcv, peer: i, user: c.Receiver.Account}
	for i, p := range []*results.Party{&obs.Initiator, &obs.Receiver} {
		h := st.sides[i].host
		p.Fingerprint, p.Tap = h.cert.Fingerprint(), h.domain.Addr.String()
	}
	release := r.occupy(ctx, st)
	defer release()
	obs.Started = time.Now()
	for _, s := range st.sides {
		if s.host.server.ended() {
			obs.Gone = s.role
			return obs, map[string][]byte{s.role + ".log": s.host.server.lastWords(obs.Started)}
		}
	}
	if err := r.attack(c.World.Attack, st); err != nil {
		obs.Broken = err.Error()
	}
	if problems := r.preflight(i, rcv); len(problems) > 0 || obs.Broken != "" {
		obs.Preflight = problems
	} else if err := r.logIn(ctx, st); err != nil {
		obs.Broken = err.Error()
	} else {
		st.run(ctx)
	}
	for _, s := range st.sides {
		if s.client != nil {
			// Clients take leave in order, and nobody waits for them: some servers
			// take their time to say goodbye.
			r.leaving.Go(func() { _ = s.client.Close() })
		}
		if s.host.server.ended() {
			obs.Crashed = s.role
		}
	}
	obs.Seconds = time.Since(obs.Started).Seconds()
	return obs, r.evidence(ctx, c, st)
}

func party(p suites.Party) results.Party {
	return results.Party{Subject: p.Subject.Name, Domain: p.Domain, Policy: string(p.Setting.Policy),
		KeepsDialback: p.KeepsDialback, Certificate: string(p.Setting.Certificate), Container: p.Container}
}

// occupy is [Run.hold] for a cell with two subjects.
func (r *Run) occupy(ctx context.Context, st *stimulus) (release func()) {
	there := st.sides[1].host.domain.Tap(st.sides[0].host.server.addr)
	back := st.sides[0].host.domain.Tap(st.sides[1].host.server.addr)
	return r.hold(ctx, there.Changed, back.Changed)
}

// hold takes one of the places for cells that use the processor, and gives it
// back when the cell ends or nothing has changed for a moment: then it
// waits for some server's timeout, and others can go on meanwhile. Without the
// bound all cells would be slow at once, and servers' timeouts would strike.
func (r *Run) hold(ctx context.Context, changed ...func() <-chan struct{}) (release func()) {
	select {
	case r.active <- struct{}{}:
	case <-ctx.Done():
		return func() {}
	}
	done := make(chan struct{})
	release = sync.OnceFunc(func() { close(done) })
	one, other := changed[0], changed[len(changed)-1]
	go func() {
		defer func() { <-r.active }()
		timer := time.NewTimer(silence)
		defer timer.Stop()
		for {
			select {
			case <-one():
			case <-other():
			case <-timer.C:
				return
			case <-done:
				return
			}
			timer.Reset(silence)
		}
	}()
	return release
}

// logIn brings both clients up at once.
func (r *Run) logIn(ctx context.Context, st *stimulus) error {
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	var mu sync.Mutex
	for _, s := range st.sides {
		g.Go(func() error {
			for attempt := 1; ; attempt++ {
				err := r.logInOne(ctx, s)
				if err == nil || attempt == maxLogins || ctx.Err() != nil {
					return err
				}
				mu.Lock()
				st.obs.Logins = append(st.obs.Logins, visible(err.Error()))
				mu.Unlock()
			}
		})
	}
	return g.Wait()
}

func (r *Run) logInOne(ctx context.Context, s *side) error {
	h := s.host
	s.resource = token()
	c, err := client.Login(ctx,
		func(ctx context.Context) (net.Conn, error) {
			return r.lab.Dial(ctx, netip.AddrPortFrom(h.server.addr, lab.PortClient))
		},
		xmpp.JID{Local: s.user.User, Domain: h.Host.Domain}, s.user.Password,
		client.WithResource(s.resource),
		client.WithVerifyPeer(func(cs tls.ConnectionState) error { return declared(cs, h) }))
	if err != nil {
		return err
	}
	s.client = c
	return nil
}

// declared holds the certificate that a server shows its users against the one
// it was given.
func declared(cs tls.ConnectionState, h *host) error {
	if len(cs.PeerCertificates) == 0 {
		return errors.New("it shows no certificate")
	}
	got := cs.PeerCertificates[0]
	if !got.Equal(h.cert.Leaf()) {
		return fmt.Errorf("it shows a certificate for %q, not the one that it was given", got.Subject)
	}
	return nil
}

// token is a random word seen nowhere else.
func token() string {
	var b [10]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// run sends what the scenario sends and waits for what comes of it.
func (st *stimulus) run(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, st.deadline)
	defer cancel()
	for n := range st.plan.Count {
		st.send(ctx, 0)
		if !st.plan.Reply {
			st.send(ctx, 1)
			continue
		}
		if !st.await(ctx) {
			return
		}
		if m := st.obs.Messages[len(st.obs.Messages)-1]; m.Delivered == 0 {
			return // refused: nobody answers what did not arrive
		}
		st.send(ctx, 1)
		if !st.await(ctx) || n == st.plan.Count-1 {
			return
		}
		if st.plan.HangUp {
			st.hangUp(ctx)
		}
	}
	st.await(ctx)
}

// hangUp ends the connections between the two servers, and returns when both have
// ended them too. Who does not in time is reset.
func (st *stimulus) hangUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, hangUpTime)
	defer cancel()
	for _, s := range st.sides {
		if s.peer.domain.Tap(s.host.server.addr).HangUp(ctx) > 0 {
			st.obs.Acts = append(st.obs.Acts, results.Act{At: st.now(), Direction: s.name, Text: "hung up on both servers"})
		}
	}
}

// send has one side send one stanza.
func (st *stimulus) send(ctx context.Context, from int) {
	s, peer := st.sides[from], st.sides[1-from]
	m := results.Message{Direction: s.name, From: s.client.JID().String(), Sent: st.now()}
	n := len(st.obs.Messages)
	if st.plan.Kind == "iq" {
		m.To, m.Canary, m.Query = peer.client.JID().String(), s.resource, true
		st.obs.Messages = append(st.obs.Messages, m)
		go func() {
			_, err := s.client.Query(ctx, m.To, xmpp.New(xmpp.NSPing, "ping"))
			st.answers <- answer{n, err}
		}()
		return
	}
	m.To, m.Canary = peer.client.JID().String(), token()
	st.byID[m.Canary] = n
	st.obs.Messages = append(st.obs.Messages, m)
	if _, err := s.client.Send(ctx, client.Message{To: m.To, ID: m.Canary, Type: "chat", Body: m.Canary}); err != nil {
		st.obs.Broken = fmt.Sprintf("the %s's client could not send: %v", s.role, err)
	}
}

func (st *stimulus) now() float64 { return time.Since(st.obs.Started).Seconds() }

// await takes events until every message sent so far has come to something. It
// reports false when the cell cannot go on.
func (st *stimulus) await(ctx context.Context) bool {
	for st.pending() && st.obs.Broken == "" {
		select {
		case e := <-st.sides[0].client.Events():
			st.event(0, e)
		case e := <-st.sides[1].client.Events():
			st.event(1, e)
		case a := <-st.answers:
			st.answered(a)
		case <-st.sides[0].host.server.run.Exited():
			st.obs.Ended = "the initiator's server ended"
			return false
		case <-st.sides[1].host.server.run.Exited():
			st.obs.Ended = "the receiver's server ended"
			return false
		case <-ctx.Done():
			st.obs.Ended = fmt.Sprintf("neither delivered nor refused within %v", st.deadline)
			if errors.Is(ctx.Err(), context.Canceled) {
				st.obs.Broken = "the run was interrupted"
			}
			return false
		}
	}
	return st.obs.Broken == ""
}

func (st *stimulus) pending() bool {
	for _, m := range st.obs.Messages {
		if m.Error == nil && (m.Delivered == 0 || m.Query && !m.Answered) {
			return true
		}
	}
	return false
}

// event takes what a client was told.
func (st *stimulus) event(to int, e client.Event) {
	switch e := e.(type) {
	case client.Message:
		n, ok := st.byID[e.ID]
		if ok && strings.Contains(e.Body, st.obs.Messages[n].Canary) {
			st.delivered(n)
		}
	case client.StanzaError:
		if n, ok := st.byID[e.ID]; ok {
			st.refused(n, &xmpp.StanzaError{Condition: e.Condition, Type: e.ErrorType, Text: e.Text}, e.From)
		}
	case client.Request:
		for n := range st.obs.Messages {
			m := &st.obs.Messages[n]
			if m.Query && m.Delivered == 0 && m.Direction != st.sides[to].name && e.From == m.From {
				st.delivered(n)
			}
		}
	case client.Closed:
		st.obs.Broken = fmt.Sprintf("the %s's server closed its client's stream: %v", st.sides[to].role, e.Err)
	}
}

// answered takes what came of a query.
func (st *stimulus) answered(a answer) {
	var se *xmpp.StanzaError
	switch {
	case a.err == nil:
		// The other client's own word that the query arrived may still be on its way.
		st.obs.Messages[a.message].Answered = true
		st.obs.Ended = "query answered"
	case errors.As(a.err, &se):
		st.refused(a.message, se, st.obs.Messages[a.message].To)
	case !errors.Is(a.err, context.DeadlineExceeded):
		st.obs.Broken = a.err.Error()
	}
}

func (st *stimulus) delivered(n int) {
	m := &st.obs.Messages[n]
	m.Delivered++
	if m.Delivered == 1 {
		st.order[m.Direction]++
		m.Order, m.DeliveredAt = st.order[m.Direction], st.now()
	}
	st.obs.Ended = "stanza delivered"
}

func (st *stimulus) refused(n int, e *xmpp.StanzaError, from string) {
	m := &st.obs.Messages[n]
	if m.Error != nil {
		return
	}
	m.Error = &results.StanzaError{Condition: e.Condition, Type: e.Type, Text: visible(e.Text), From: from}
	m.ErrorAt = st.now()
	st.obs.Ended = "error stanza " + e.Condition
}
