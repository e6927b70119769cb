package stage_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/client"
	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/reference"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites/stage"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// world is a stage with the reference server as its subject.
type world struct {
	*stage.Stage
	t      *testing.T
	ctx    context.Context
	exited chan struct{}
}

// newWorld has a subject that serves s.lab and t.lab under a policy, with faults.
func newWorld(t *testing.T, policy servers.Policy, faults ...reference.Fault) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	l, err := lab.Loopback(ctx)
	if err != nil {
		t.Fatal(err)
	}
	dep := servers.Deployment{Subject: "reference", TrustAnchors: l.CA.RootPEM()}
	account := map[string]servers.Account{"s.lab": {User: "alice", Password: "pw1"}, "t.lab": {User: "carol", Password: "pw2"}}
	for _, domain := range []string{"s.lab", "t.lab"} {
		if _, err := l.AddDomain(ctx, domain); err != nil {
			t.Fatal(err)
		}
		cert, err := l.CA.Make(ca.Good, domain)
		if err != nil {
			t.Fatal(err)
		}
		dep.Hosts = append(dep.Hosts, servers.Host{Domain: domain, Setting: servers.Setting{Policy: policy, Certificate: servers.Good},
			Chain: cert.PEM(), Key: cert.KeyPEM(), Accounts: []servers.Account{account[domain]}})
	}
	addr := l.Address()
	dial := func(ctx context.Context, to netip.AddrPort) (net.Conn, error) { return l.Net.Dial(ctx, addr, to) }
	network := reference.Network{Dial: dial, Exchange: reference.Resolver(dial, netip.AddrPortFrom(l.Resolver, 53))}
	subject, err := reference.New(dep, network, reference.WithKeyLog(l.Keys), reference.WithFaults(faults...))
	if err != nil {
		t.Fatal(err)
	}
	ports := map[uint16]func(context.Context, net.Listener) error{
		lab.PortClient: subject.ServeClients, lab.PortServer: subject.ServeServers, lab.PortServerTLS: subject.ServeServersTLS,
	}
	var serving sync.WaitGroup
	for port, serve := range ports {
		listener, err := l.Net.Listen(ctx, netip.AddrPortFrom(addr, port))
		if err != nil {
			t.Fatal(err)
		}
		serving.Go(func() {
			if err := serve(ctx, listener); err != nil {
				t.Error(err)
			}
		})
	}
	w := &world{t: t, ctx: ctx, exited: make(chan struct{})}
	w.Stage = stage.New(stage.Config{Lab: l, Zone: "c.lab", Domain: "s.lab", Other: "t.lab", Server: addr,
		Account: account["s.lab"], OtherAccount: account["t.lab"], Exited: w.exited,
		VerifyPeer: func(domain string, cs tls.ConnectionState) error {
			return cs.PeerCertificates[0].VerifyHostname(domain)
		}})
	t.Cleanup(func() {
		w.End(func(leave func()) { leave() })
		cancel()
		subject.Close()
		serving.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// peer starts a peer, and dialback authorises it.
func (w *world) peer(label string, opts ...peer.Option) (*stage.Peer, *peer.Session) {
	w.t.Helper()
	p, err := w.Peer(w.ctx, label, append(stage.Honest(), opts...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	return p, w.again(p)
}

func (w *world) again(p *stage.Peer) *peer.Session {
	w.t.Helper()
	s, err := p.ByDialback(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) is(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// delivered counts the copies of the messages on record that came.
func delivered(r stage.Record) (counts []int) {
	for _, m := range r.Messages {
		counts = append(counts, m.Delivered)
	}
	return counts
}

func end(w *world) stage.Record { return w.End(func(leave func()) { leave() }) }

func TestDeliver(t *testing.T) {
	w := newWorld(t, servers.P1)
	p, s := w.peer("p")
	w.is("of an authorised pair", w.Deliver(w.ctx, s, "x@p.c.lab"), stage.Delivered)
	w.is("from elsewhere", w.Deliver(w.ctx, w.again(p), "x@q.c.lab"), "stream error invalid-from")
	w.is("to the other domain", w.DeliverStanza(w.ctx, w.again(p), w.StanzaToOther("x@p.c.lab")), "stream error invalid-from")
	m := w.Stanza("x@p.c.lab")
	w.is("in bytes", w.DeliverRaw(w.ctx, w.again(p), m, strings.ReplaceAll(m.XML(), "><", "> <")), stage.Delivered)
	unknown, err := p.Secure(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.is("before dialback", w.Deliver(w.ctx, unknown, "x@p.c.lab"), "stream error not-authorized")
	if got := delivered(end(w)); !slices.Equal(got, []int{1, 0, 0, 1, 0}) {
		t.Errorf("on record the messages came %v times", got)
	}
}

// A subject that drops what it was sent ends the stream behind it as if nothing were wrong.
func TestDropped(t *testing.T) {
	w := newWorld(t, servers.P1, reference.BadPairDeafens)
	if _, err := w.Peer(w.ctx, "bad", append(stage.Honest(), peer.AnswerVerify(peer.Invalid))...); err != nil {
		t.Fatal(err)
	}
	_, s := w.peer("p")
	w.is("before", w.Try(w.ctx, s, w.Stanza("x@p.c.lab")), stage.Delivered)
	answer, err := s.DialbackResult(w.ctx, peer.Dialback{From: "bad.c.lab"})
	w.is("the bad pair", stage.Told(answer, err), "invalid")
	w.is("on a stream that stays open", w.Try(w.ctx, s, w.Stanza("x@p.c.lab")), stage.Dropped)
	w.is("on a stream that is ended", w.Deliver(w.ctx, s, "x@p.c.lab"), stage.Closed)
	w.is("on one that was ended", w.Try(w.ctx, s, w.Stanza("x@p.c.lab")), stage.Closed)
}

func TestPass(t *testing.T) {
	w := newWorld(t, servers.P1)
	_, s := w.peer("p")
	w.is("the first", w.Pass(w.ctx, s, w.Stanza("x@p.c.lab")), stage.Delivered)
	w.is("the second", w.Pass(w.ctx, s, w.Stanza("x@p.c.lab")), stage.Delivered)
	w.is("from elsewhere", w.Pass(w.ctx, s, w.Stanza("x@q.c.lab")), "stream error invalid-from")
	w.is("on a stream that was ended", w.Pass(w.ctx, s, w.Stanza("x@p.c.lab")), stage.Closed)
	if got := delivered(end(w)); !slices.Equal(got, []int{1, 1, 0, 0}) {
		t.Errorf("on record the messages came %v times", got)
	}
}

// What did not come is said to when a message of the witness did, which was sent later.
func TestWitness(t *testing.T) {
	w := newWorld(t, servers.P2)
	p, err := w.Peer(w.ctx, "p", stage.Honest()...)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := p.Authorised(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		w.is("from elsewhere", w.Deliver(w.ctx, s, "x@q.c.lab"), "stream error invalid-from")
	}
	alice, err := w.Alice(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, chunk := range alice.Transcript() {
		if strings.Contains(string(chunk.Data), "witness@witness.c.lab") {
			got = append(got, string(chunk.Data))
		}
	}
	if len(got) != 2 {
		t.Errorf("messages of the witness: %q, want 2", got)
	}
	r := end(w)
	if len(r.Recordings) != 3 || len(r.Messages) != 2 {
		t.Errorf("%d connections and %d messages on record, want the peer's two and the witness's, and the peer's messages", len(r.Recordings), len(r.Messages))
	}
}

// Where no server is let in there is no witness, and what the subject said is all.
func TestNoWitness(t *testing.T) {
	w := newWorld(t, servers.Off)
	p, err := w.Peer(w.ctx, "p", stage.Honest()...)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := p.Open(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		w.is("before dialback", w.Deliver(w.ctx, s, "x@p.c.lab"), "stream error not-authorized")
	}
}

func TestReceived(t *testing.T) {
	w := newWorld(t, servers.P1)
	_, s := w.peer("p")
	m := w.Stanza("x@p.c.lab")
	if w.Received(w.ctx, m) {
		t.Error("received before it was sent")
	}
	if err := s.Send(w.ctx, m.Element()); err != nil {
		t.Fatal(err)
	}
	// The subject reads in order: it has the one when it answers the other.
	if _, err := s.Verify(w.ctx, peer.Dialback{ID: "one", Key: "none"}); err != nil {
		t.Fatal(err)
	}
	if !w.Received(w.ctx, m) {
		t.Error("not received although the subject has it")
	}
}

func TestMessage(t *testing.T) {
	w := newWorld(t, servers.P1)
	dialbackOnly := []peer.Option{peer.RequireStartTLS(), peer.OfferDialbackErrors()}
	for label, opts := range map[string][]peer.Option{
		"p":       stage.Honest(),
		"weak":    append(dialbackOnly, peer.AnswerDialback(peer.Valid)),
		"invalid": append(dialbackOnly, peer.AnswerDialback(peer.Invalid)),
	} {
		if _, err := w.Peer(w.ctx, label, opts...); err != nil {
			t.Fatal(err)
		}
	}
	w.is("to a peer with a certificate", w.Message(w.ctx, "bob@p.c.lab"), "delivered tls pkix")
	w.is("to one without EXTERNAL", w.Message(w.ctx, "bob@weak.c.lab"), "delivered tls dialback")
	w.is("to one who believes nobody", w.Message(w.ctx, "bob@invalid.c.lab"), "error internal-server-error")
	w.is("to nobody", w.Message(w.ctx, "bob@nobody.c.lab"), "error remote-server-not-found")
	w.is("from the other domain", w.MessageFromOther(w.ctx, "bob@p.c.lab"), "delivered tls pkix")
	r := end(w)
	if got := delivered(r); !slices.Equal(got, []int{1, 1, 0, 0, 1}) {
		t.Errorf("on record the messages came %v times", got)
	}
	for n, condition := range []string{"", "", "internal-server-error", "remote-server-not-found", ""} {
		if e := r.Messages[n].Error; (e == nil) != (condition == "") || e != nil && e.Condition != condition {
			t.Errorf("message %d has the error %+v on record, want %q", n, e, condition)
		}
	}
}

// A message of which nothing comes ends with the script's time, or with the subject.
func TestMessageUndecided(t *testing.T) {
	w := newWorld(t, servers.P1)
	ctx, cancel := context.WithCancel(w.ctx)
	if _, err := w.Peer(w.ctx, "p", peer.RequireStartTLS(), peer.OfferDialbackErrors(),
		peer.AnswerDialback(func(context.Context, *peer.Session, peer.Dialback) peer.Answer {
			cancel()
			return peer.Answer{}
		})); err != nil {
		t.Fatal(err)
	}
	n, err := w.Send(ctx, "bob@p.c.lab")
	if err != nil {
		t.Fatal(err)
	}
	w.is("when time is up", w.Outcome(ctx, n), stage.Nothing)
	if _, ok := w.Arrived(n); ok {
		t.Error("it came to the peer")
	}
	close(w.exited)
	w.is("when the subject has ended", w.Outcome(w.ctx, n), stage.Closed)
}

func TestArrived(t *testing.T) {
	w := newWorld(t, servers.P1)
	p, err := w.Peer(w.ctx, "p", stage.Honest()...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := w.Send(w.ctx, "bob@p.c.lab")
	if err != nil {
		t.Fatal(err)
	}
	w.is("the message", w.Outcome(w.ctx, n), "delivered tls pkix")
	if a, ok := w.Arrived(n); !ok || a.Peer != p || a.How != "tls pkix" || a.Count != 1 {
		t.Errorf("it arrived as %+v, %v", a, ok)
	}
}

// The script's time is up before it is known what came of a stanza.
func TestDeliverUndecided(t *testing.T) {
	w := newWorld(t, servers.P1)
	_, s := w.peer("p")
	if _, err := w.Alice(w.ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	w.is("in no time", w.DeliverRaw(ctx, s, w.Stanza("x@p.c.lab"), ""), stage.Nothing)
}

func TestClientClosed(t *testing.T) {
	w := newWorld(t, servers.P1)
	p, s := w.peer("p")
	alice, err := w.Alice(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	w.is("on a stream that stays open", w.Pass(w.ctx, s, w.Stanza("x@p.c.lab")), stage.NoClient)
	w.is("on a stream that is ended", w.Deliver(w.ctx, s, "x@p.c.lab"), stage.NoClient)
	if n, err := w.Send(w.ctx, "bob@"+p.Domain()); err == nil {
		w.is("the client's own", w.Outcome(w.ctx, n), stage.NoClient)
	}
}

// A user who cannot log in was refused nothing: what comes of a stanza is not known.
func TestLoginRefused(t *testing.T) {
	w := newWorld(t, servers.P1)
	_, s := w.peer("p")
	w.Account.Password = "another"
	for what, got := range map[string]string{
		"a message to her":   w.Deliver(w.ctx, s, "x@p.c.lab"),
		"one that stays":     w.Pass(w.ctx, s, w.Stanza("x@p.c.lab")),
		"one that is tried":  w.Try(w.ctx, s, w.Stanza("x@p.c.lab")),
		"a message from her": w.Message(w.ctx, "bob@p.c.lab"),
	} {
		w.is(what, got, stage.NoClient)
	}
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	w.is("a message when time is up", w.Message(ctx, "bob@p.c.lab"), stage.Nothing)
	if r := end(w); len(r.Logins) == 0 {
		t.Error("no failed login is on record")
	}
}

// Copies of a message are counted although the script was told of the first.
func TestCopies(t *testing.T) {
	w := newWorld(t, servers.P1)
	p, s := w.peer("p")
	m := w.Stanza("x@p.c.lab")
	w.is("the first to alice", w.Pass(w.ctx, s, m), stage.Delivered)
	if err := s.Send(w.ctx, m.Element()); err != nil {
		t.Fatal(err)
	}
	n, err := w.Send(w.ctx, "bob@"+p.Domain())
	if err != nil {
		t.Fatal(err)
	}
	w.is("the first from alice", w.Outcome(w.ctx, n), "delivered tls pkix")
	alice, err := w.Alice(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	for _, chunk := range alice.Transcript() {
		if found := regexp.MustCompile("<body>(.*)</body>").FindSubmatch(chunk.Data); found != nil && chunk.Sent {
			body = found[1]
		}
	}
	if _, err := alice.Send(w.ctx, client.Message{To: "bob@" + p.Domain(), Body: string(body)}); err != nil {
		t.Fatal(err)
	}
	// What comes behind the copies comes after them.
	w.is("the next from alice", w.Message(w.ctx, "bob@"+p.Domain()), "delivered tls pkix")
	w.is("the next to alice", w.Pass(w.ctx, s, w.Stanza("x@p.c.lab")), stage.Delivered)
	if got := delivered(end(w)); !slices.Equal(got, []int{2, 2, 1, 1}) {
		t.Errorf("on record the messages came %v times", got)
	}
}

func TestAuthorised(t *testing.T) {
	for _, c := range []struct {
		faults []reference.Fault
		want   string
	}{{nil, "EXTERNAL"}, {[]reference.Fault{reference.NoExternal}, ""}} {
		w := newWorld(t, servers.P1, c.faults...)
		p, err := w.Peer(w.ctx, "p", stage.Honest()...)
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.Authorised(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		w.is("the mechanism", s.Mechanism(), c.want)
		w.is("a message", w.Deliver(w.ctx, s, "x@p.c.lab"), stage.Delivered)
		_, err = p.External(w.ctx, "p.c.lab")
		if c.want == "" && !errors.Is(err, stage.ErrNotOffered) || c.want != "" && err != nil {
			t.Errorf("EXTERNAL: %v", err)
		}
	}
}

func TestHosting(t *testing.T) {
	w := newWorld(t, servers.P2)
	rooms, err := w.Hosting("rooms.p")
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Peer(w.ctx, "p", append(stage.Honest(), rooms)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Publish("rooms.p"); err != nil {
		t.Fatal(err)
	}
	w.is("to the peer", w.Message(w.ctx, "bob@p.c.lab"), "delivered tls pkix")
	w.is("to its other domain", w.Message(w.ctx, "room@rooms.p.c.lab"), "delivered tls pkix")
}

// A hidden peer is nowhere to be found, and can be published later.
func TestHidden(t *testing.T) {
	w := newWorld(t, servers.P1)
	p, err := w.Hidden(w.ctx, "p", stage.Honest()...)
	if err != nil {
		t.Fatal(err)
	}
	w.is("hidden", w.Message(w.ctx, "bob@p.c.lab"), "error remote-server-not-found")
	if _, err := p.ByDialback(w.ctx); err == nil || !strings.Contains(err.Error(), "dialback error remote-server-not-found") {
		t.Errorf("dialback without an authoritative server: %v", err)
	}
	if err := p.Publish("q"); err != nil {
		t.Fatal(err)
	}
	if got := w.Message(w.ctx, "bob@q.c.lab"); got == "error remote-server-not-found" {
		t.Errorf("published: %q", got)
	}
}

func TestHowEnded(t *testing.T) {
	for how, f := range map[string]func(*peer.Session) error{
		stage.Closed: (*peer.Session).CloseWrite,
		"reset":      (*peer.Session).Reset,
	} {
		w := newWorld(t, servers.P1)
		subject, err := w.Peer(w.ctx, "p", peer.OnConnect(func(_ context.Context, s *peer.Session) error { return f(s) }))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := w.Lab.Dial(w.ctx, subject.At)
		if err != nil {
			t.Fatal(err)
		}
		s := peer.New("x.lab").Initiate(conn)
		defer s.Close()
		w.is("the connection", stage.HowEnded(w.ctx, s), how)
	}
}

func TestOffers(t *testing.T) {
	for _, c := range []struct {
		features xmpp.Features
		want     string
	}{
		{xmpp.Features{}, "none"},
		{xmpp.Features{StartTLS: true, StartTLSRequired: true}, "starttls required"},
		{xmpp.Features{Dialback: true, DialbackErrors: true, Bidi: true, Mechanisms: []string{"EXTERNAL", "PLAIN"}}, "dialback errors bidi EXTERNAL PLAIN"},
		{xmpp.Features{StartTLS: true, Compression: []string{"zlib"}}, "starttls compression:zlib"},
	} {
		if got := stage.Offers(c.features); got != c.want {
			t.Errorf("%+v: %q, want %q", c.features, got, c.want)
		}
	}
}

func TestWait(t *testing.T) {
	w := newWorld(t, servers.P1)
	w.Haste = 1000
	if err := w.Wait(w.ctx, time.Second); err != nil {
		t.Error(err)
	}
	if got := w.Scale(time.Second); got != time.Millisecond {
		t.Errorf("a second takes %v at a thousandfold haste", got)
	}
	ctx, cancel := context.WithCancelCause(w.ctx)
	why := errors.New("the cell is over")
	cancel(why)
	if err := w.Wait(ctx, 1000*time.Hour); !errors.Is(err, why) {
		t.Errorf("waited with %v", err)
	}
	close(w.exited)
	if err := w.Wait(w.ctx, 1000*time.Hour); err == nil {
		t.Error("waited for a subject that has ended")
	}
}

func TestRecord(t *testing.T) {
	w := newWorld(t, servers.P1)
	_, s := w.peer("p")
	w.is("a message", w.Deliver(w.ctx, s, "x@p.c.lab"), stage.Delivered)
	w.Note("a hostile answer", "stream error \x1b[2J\nnot-authorized")
	left := 0
	r := w.End(func(leave func()) { left++; leave() })
	if left != 1 {
		t.Errorf("%d clients took leave, want alice", left)
	}
	if len(r.Notes) != 1 || strings.ContainsAny(r.Notes[0].Value, "\x1b\n") {
		t.Errorf("the notes are %+v", r.Notes)
	}
	if len(r.Messages) != 1 || !slices.Contains(r.Tokens, r.Messages[0].Canary) {
		t.Errorf("the tokens are %q, and the messages %+v", r.Tokens, r.Messages)
	}
	var bySubject []bool
	for n, rec := range r.Recordings {
		if rec.ID != n+1 {
			t.Errorf("recording %d has the id %d", n, rec.ID)
		}
		bySubject = append(bySubject, rec.BySubject)
	}
	if !slices.Equal(bySubject, []bool{false, true}) {
		t.Errorf("connections by the subject: %v, want the peer's, then that of dialback", bySubject)
	}
}
