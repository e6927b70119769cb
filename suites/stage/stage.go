package stage

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/client"
	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/tap"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
	"github.com/xmpp-testday/testday/fixtures/zone"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/text"
	"github.com/xmpp-testday/testday/servers"
)

// Config says where a stage is, and who plays.
type Config struct {
	Lab *lab.Lab
	// Zone is the name that all names of the stage are under.
	Zone string
	// Domain is the subject's virtual host, Other a second one of the same server,
	// where the scenario asks for it.
	Domain, Other string
	// Server is the subject's address.
	Server netip.Addr
	// Account is one of Domain, OtherAccount one of Other.
	Account, OtherAccount servers.Account
	// VerifyPeer judges what the subject shows its own clients.
	VerifyPeer func(domain string, cs tls.ConnectionState) error
	// Initiates: the cell's first party is the subject.
	Initiates bool
	// Haste is how many times faster than in earnest the script's own waits pass; 0
	// means 1.
	Haste int
	// Deadline is how long the script has for its events, its own waits not counted.
	Deadline time.Duration
	// Active is called when something crosses between the subject and a peer.
	Active func()
	// Exited is closed when the subject is no more.
	Exited <-chan struct{}
}

// Stage is one cell's. Its methods are for the script's goroutine; what peers do
// in theirs is taken care of.
type Stage struct {
	Config
	started time.Time
	running context.Context
	stop    context.CancelFunc
	serving sync.WaitGroup

	mu       sync.Mutex
	records  zone.Records
	forged   bool
	peers    []*Peer
	clients  map[string]*Client
	order    []*Client
	messages []results.Message
	notes    []results.Note
	arrived  map[string]Arrival
	arrival  chan struct{} // closed at the next one
	logins   []string
	serials  []string // of the certificates that were issued

	witnesses map[string]*peer.Session // by the subject's domain; the script's goroutine alone has to do with them
}

// Arrival is a stanza that the subject sent to a peer.
type Arrival struct {
	Peer *Peer
	At   float64
	// How it came: "tls pkix".
	How string
	// Count is the number of its copies.
	Count int
}

// New returns a stage. Nothing runs before it is used.
func New(c Config) *Stage {
	st := &Stage{Config: c, started: time.Now(), clients: map[string]*Client{}, arrived: map[string]Arrival{}, arrival: make(chan struct{}),
		witnesses: map[string]*peer.Session{}}
	st.running, st.stop = context.WithCancel(context.Background())
	return st
}

// Name is a name of the stage's own: that of the zone for the empty label.
func (st *Stage) Name(label string) string {
	if label == "" {
		return st.Zone
	}
	return label + "." + st.Zone
}

// Publish adds records to the stage's zone; their owners are relative to it.
func (st *Stage) Publish(records ...dns.RR) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.records = append(st.records, records...)
	return st.setZone()
}

// Forge makes the resolver find forged whatever the DNS says under the stage's zone:
// it answers with SERVFAIL, as one that validates does (RFC 4035 section 5.5).
func (st *Stage) Forge() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.forged = true
	return st.setZone()
}

// setZone puts the stage's zone in its place. The caller holds mu.
func (st *Stage) setZone() error {
	if err := st.Lab.DNS.Set(zone.Zone{Name: st.Zone, TTL: 1, Records: st.records, Failing: st.forged}); err != nil {
		return fmt.Errorf("zone of %s: %w", st.Zone, err)
	}
	return nil
}

// Certificate makes a certificate of a kind for a name of the stage.
func (st *Stage) Certificate(kind ca.Kind, label string) (tls.Certificate, error) {
	leaf, err := kind.Leaf(st.Name(label))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of %s: %w", st.Name(label), err)
	}
	return st.Issue(label, leaf)
}

// Issue makes a certificate by its template. The label, which is for a name of the
// stage, says whose it is to the reader of an error.
func (st *Stage) Issue(label string, leaf ca.Leaf) (tls.Certificate, error) {
	cert, err := st.Lab.CA.Issue(leaf)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of %s: %w", st.Name(label), err)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.serials = append(st.serials, cert.Leaf().SerialNumber.Text(16))
	return cert.TLS(), nil
}

// Note writes down what the subject answered. What it sent is hostile, and cut to
// a line that a terminal can show.
func (st *Stage) Note(name, value string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.notes = append(st.notes, results.Note{At: st.now(), Name: name, Value: text.Visible(value)})
}

// Wait lets time pass that the row itself asks for. Do not wait for something to
// happen: that is an event.
func (st *Stage) Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(st.Scale(d))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-st.Exited:
		return errors.New("the subject ended")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Scale is how long a time of the script's takes on this stage.
func (st *Stage) Scale(d time.Duration) time.Duration {
	return d / time.Duration(max(st.Haste, 1))
}

func (st *Stage) now() float64 { return time.Since(st.started).Seconds() }

// Token is a random word seen nowhere else.
func Token() string {
	var b [10]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Record is what a stage saw.
type Record struct {
	Messages   []results.Message
	Notes      []results.Note
	Logins     []string
	Recordings []Recording
	// Tokens are the words to look for on the wire.
	Tokens []string
	// Serials are the serial numbers, in hexadecimal, of the peers' certificates.
	Serials []string
}

// Recording is a connection of a peer's.
type Recording struct {
	tap.Recording
	// BySubject: the subject opened it.
	BySubject bool
}

// End closes the stage, and returns what it saw. Clients take leave behind it.
func (st *Stage) End(leave func(func())) Record {
	st.mu.Lock()
	peers := slices.Clone(st.peers)
	st.mu.Unlock()
	for _, p := range peers {
		p.Peer.Close()
	}
	st.stop()
	st.serving.Wait()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.recount()
	r := Record{Messages: st.messages, Notes: st.notes, Logins: st.logins, Serials: st.serials}
	for _, m := range r.Messages {
		r.Tokens = append(r.Tokens, m.Canary)
	}
	for _, c := range st.order {
		r.Tokens = append(r.Tokens, c.jid.Local, c.jid.Resource)
		leave(func() { _ = c.Client.Close() })
	}
	for _, p := range peers {
		for _, rec := range p.Recordings() {
			r.Recordings = append(r.Recordings, Recording{Recording: rec, BySubject: st.opened(rec)})
		}
	}
	slices.SortStableFunc(r.Recordings, func(a, b Recording) int { return a.Opened.Compare(b.Opened) })
	for i := range r.Recordings {
		r.Recordings[i].ID = i + 1
	}
	slices.Sort(r.Tokens)
	r.Tokens = slices.Compact(r.Tokens)
	return r
}

// opened reports whether the subject opened a connection.
func (st *Stage) opened(rec tap.Recording) bool {
	return rec.Source.Addr().Unmap() == st.Server.Unmap()
}

// recount puts the copies on record that came after the script was told of the
// first. The caller holds mu.
func (st *Stage) recount() {
	for n := range st.messages {
		m := &st.messages[n]
		if m.Delivered == 0 {
			continue
		}
		count := st.arrived[m.Canary].Count
		for _, c := range st.order {
			copies, _, _ := c.got(m.Canary)
			count += copies
		}
		m.Delivered = max(m.Delivered, count)
	}
}

// touched wraps a connection so that the stage is known to be active.
type touched struct {
	net.Conn
	touch func()
}

func (c touched) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.touch()
	return n, err
}

func (c touched) Write(b []byte) (int, error) {
	c.touch()
	return c.Conn.Write(b)
}

func (c touched) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return errors.New("the connection has no half-close")
}

func (c touched) Reset() error {
	if r, ok := c.Conn.(interface{ Reset() error }); ok {
		return r.Reset()
	}
	return c.Conn.Close()
}

func (st *Stage) touch(conn net.Conn) net.Conn {
	if st.Active == nil {
		return conn
	}
	return touched{conn, st.Active}
}

// Client is a user of the subject's.
type Client struct {
	*client.Client
	st  *Stage
	jid xmpp.JID

	mu    sync.Mutex
	seen  map[string]int // messages by the token in their body
	errs  map[string]client.StanzaError
	ended error
	news  chan struct{} // closed at the next event
}

// maxLogins is how often a client tries to log in. What a server does to its own
// users is not the question; that it had to is on record.
const maxLogins = 3

// Alice logs in to the subject's domain, once.
func (st *Stage) Alice(ctx context.Context) (*Client, error) {
	return st.login(ctx, st.Account, st.Domain)
}

// Carol logs in to the subject's other domain, once.
func (st *Stage) Carol(ctx context.Context) (*Client, error) {
	return st.login(ctx, st.OtherAccount, st.Other)
}

func (st *Stage) login(ctx context.Context, a servers.Account, domain string) (*Client, error) {
	st.mu.Lock()
	c := st.clients[domain]
	st.mu.Unlock()
	if c != nil {
		return c, nil
	}
	jid := xmpp.JID{Local: a.User, Domain: domain, Resource: Token()}
	dial := func(ctx context.Context) (net.Conn, error) {
		return st.Lab.Dial(ctx, netip.AddrPortFrom(st.Server, lab.PortClient))
	}
	for attempt := 1; ; attempt++ {
		in, err := client.Login(ctx, dial, jid.Bare(), a.Password, client.WithResource(jid.Resource),
			client.WithVerifyPeer(func(cs tls.ConnectionState) error { return st.VerifyPeer(domain, cs) }))
		if err != nil && (attempt == maxLogins || ctx.Err() != nil) {
			return nil, fmt.Errorf("log in to %s: %w", domain, err)
		}
		st.mu.Lock()
		if err != nil {
			st.logins = append(st.logins, text.Visible(err.Error()))
			st.mu.Unlock()
			continue
		}
		c = &Client{Client: in, st: st, jid: jid, seen: map[string]int{}, errs: map[string]client.StanzaError{}, news: make(chan struct{})}
		st.clients[domain] = c
		st.order = append(st.order, c)
		st.mu.Unlock()
		go c.listen()
		return c, nil
	}
}

func (c *Client) listen() {
	for ev := range c.Events() {
		c.mu.Lock()
		switch ev := ev.(type) {
		case client.Message:
			c.seen[ev.Body]++
		case client.StanzaError:
			c.errs[ev.ID] = ev
		case client.Closed:
			c.ended = cmp.Or(ev.Err, client.ErrClosed)
		}
		close(c.news)
		c.news = make(chan struct{})
		c.mu.Unlock()
	}
}

// got reports how often a message with the body came, what is closed when that may
// have changed, and why nothing more comes.
func (c *Client) got(body string) (count int, news <-chan struct{}, gone error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[body], c.news, c.ended
}

// refused returns the error that a stanza of the client's came back with.
func (c *Client) refused(id string) (client.StanzaError, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.errs[id]
	return e, ok
}
