package run

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/capture"
	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/fixtures/tap"
	"github.com/xmpp-testday/testday/fixtures/transcript"
	"github.com/xmpp-testday/testday/fixtures/zone"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/suites"
)

// secretsTimeout bounds the wait for secrets that a server has not logged yet.
// They come by the container's log, a moment after the bytes that they open. A
// stream whose secrets did not come is said to be unread.
const secretsTimeout = 3 * time.Second

// crashLines is how much of its log a server that ended leaves in the folder of
// each cell that it took along.
const crashLines = 200

// preflight looks at the world of a cell as its servers will: what the DNS says
// of both domains, and whether each is served as its policy says. A host is
// looked at once.
func (r *Run) preflight(hosts ...*host) []string {
	var problems []string
	for _, h := range hosts {
		if err := h.preflight(); err != nil {
			problems = append(problems, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	return problems
}

// resolves asks the lab's DNS, from inside the lab, for a domain's service.
func (r *Run) resolves(ctx context.Context, h *host) error {
	d, service := h.domain, "_xmpp-server._tcp."
	if h.DirectTLS {
		service = "_xmpps-server._tcp."
	}
	conn, err := r.lab.Dial(ctx, netip.AddrPortFrom(r.lab.Resolver, 53))
	if err != nil {
		return fmt.Errorf("ask the DNS for %s: %w", d.Name, err)
	}
	defer conn.Close()
	name := service + d.Name + "."
	srv, err := ask(ctx, conn, name, dns.TypeSRV)
	if err != nil {
		return err
	}
	target := srv.Answer[0].(*dns.SRV)
	a, err := ask(ctx, conn, target.Target, dns.TypeA)
	if err != nil {
		return err
	}
	if got := fmt.Sprintf("%s:%d", a.Answer[0].(*dns.A).A, target.Port); got != d.Addr.String() {
		return fmt.Errorf("the DNS gives %s for %s, want %s", got, d.Name, d.Addr)
	}
	return nil
}

func ask(ctx context.Context, conn net.Conn, name string, qtype uint16) (*dns.Msg, error) {
	m := new(dns.Msg).SetQuestion(name, qtype)
	c := dns.Client{Net: "tcp", Timeout: 5 * time.Second}
	in, _, err := c.ExchangeWithConnContext(ctx, m, &dns.Conn{Conn: conn})
	if err != nil {
		return nil, fmt.Errorf("ask the DNS for %s: %w", name, err)
	}
	if in.Rcode != dns.RcodeSuccess || len(in.Answer) != 1 || in.Answer[0].Header().Rrtype != qtype {
		return nil, fmt.Errorf("the DNS answers %s %s with %s and %d records, want 1", name, dns.TypeToString[qtype],
			dns.RcodeToString[in.Rcode], len(in.Answer))
	}
	return in, nil
}

// evidence gathers what everyone but the clients saw, completes the observation
// with it, and returns the files of the cell's folder.
func (r *Run) evidence(ctx context.Context, c *suites.Cell, st *stimulus) map[string][]byte {
	obs := st.obs
	started := obs.Started
	i, rcv := st.sides[0].host, st.sides[1].host

	if refused(obs) {
		r.subside(ctx, st)
	}
	recs, lines, streams := r.streams(ctx, st)
	obs.Streams = streams
	for direction, log := range st.attackers {
		for _, a := range log.Acts() {
			obs.Acts = append(obs.Acts, results.Act{At: a.At.Sub(started).Seconds(), Direction: direction, Text: visible(a.Text)})
		}
	}
	slices.SortStableFunc(obs.Acts, func(a, b results.Act) int { return cmp.Compare(a.At, b.At) })
	for _, s := range streams {
		obs.Preflight = append(obs.Preflight, r.undeclared(s, st)...)
	}
	for _, s := range st.sides {
		// Nothing that comes later belongs to the cell: end its connections.
		s.host.domain.End(s.peer.server.addr)
	}

	queries := r.queries(st)
	for _, q := range queries {
		obs.Queries = append(obs.Queries, results.Query{At: q.Time.Sub(started).Seconds(), Party: r.partyAt(q.Source.Addr(), i, rcv),
			Name: q.Name, Type: q.Type.String(), DO: q.DO, Rcode: dns.RcodeToString[q.Rcode], Answer: q.Answers})
	}

	files := map[string][]byte{"dns.txt": queryText(queries, started)}
	r.requests(obs, files, func(a netip.Addr) string { return r.partyAt(a, i, rcv) }, serial(i.cert), serial(rcv.cert))
	for _, s := range st.sides {
		log := s.host.server.book.slice(started.Add(-50*time.Millisecond), time.Now(), s.peer.Host.Domain, s.user.User)
		files[s.role+".log"] = logText(log, started)
		if obs.Crashed == s.role {
			files[s.role+".log"] = append(files[s.role+".log"], s.host.server.lastWords(started)...)
		}
		files[s.role+".crt"] = s.host.cert.PEM()
		obs.Facts = append(obs.Facts, facts(log, s.role, started, s.host.Host.Domain, s.peer.Host.Domain)...)
	}
	slices.SortStableFunc(obs.Facts, func(a, b results.LogFact) int { return int(1e6 * (a.At - b.At)) })

	var text bytes.Buffer
	text.WriteString(header(c, obs))
	if err := transcript.Write(&text, started, lines...); err != nil {
		obs.Broken = fmt.Sprintf("write the transcript: %v", err)
	}
	files["transcript.txt"] = text.Bytes()
	// In the capture, connections lead to where the tap leads them: Wireshark knows
	// that port.
	for k := range recs {
		side := st.sides[0]
		if streams[k].ReceivingParty == st.sides[1].role {
			side = st.sides[1]
		}
		recs[k].Target = netip.AddrPortFrom(side.host.server.addr, side.host.domain.Port())
	}
	var pcap bytes.Buffer
	if err := capture.Write(&pcap, c.ID, r.lab.Keys, recs...); err != nil {
		obs.Broken = fmt.Sprintf("write the capture: %v", err)
	}
	files["capture.pcapng"] = pcap.Bytes()
	return files
}

func refused(obs *results.Observation) bool {
	return slices.ContainsFunc(obs.Messages, func(m results.Message) bool { return m.Delivered == 0 })
}

// subside waits until nothing more crosses between the servers of a cell in
// which something was refused. What its sender is told may come before the
// refusing stream has ended, and how it ends is evidence. It bounds what is
// recorded; no verdict rests on the time.
func (r *Run) subside(ctx context.Context, st *stimulus) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	there := st.sides[1].host.domain.Tap(st.sides[0].host.server.addr)
	back := st.sides[0].host.domain.Tap(st.sides[1].host.server.addr)
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	for {
		select {
		case <-there.Changed():
		case <-back.Changed():
		case <-quiet.C:
			return
		case <-ctx.Done():
			return
		}
		quiet.Reset(silence)
	}
}

// streams decrypts and reads what the taps of both domains recorded.
func (r *Run) streams(ctx context.Context, st *stimulus) ([]tap.Recording, [][]transcript.Line, []results.Stream) {
	ctx, cancel := context.WithTimeout(ctx, secretsTimeout)
	defer cancel()
	var tokens []string
	for _, m := range st.obs.Messages {
		tokens = append(tokens, m.Canary)
	}
	for _, s := range st.sides {
		tokens = append(tokens, s.resource, s.user.User)
	}
	slices.Sort(tokens)
	tokens = slices.Compact(tokens)

	var recs []tap.Recording
	var lines [][]transcript.Line
	streams := []results.Stream{}
	for _, s := range st.sides {
		for _, rec := range s.host.domain.Tap(s.peer.server.addr).Recordings() {
			rec.ID = len(recs) + 1
			reading := transcript.Analyze(ctx, rec, r.lab.Keys, transcript.Options{Start: st.obs.Started, Canaries: tokens})
			stream := reading.Stream
			stream.ReceivingParty = s.role
			stream.InitiatingParty = s.peerRole()
			recs, lines, streams = append(recs, rec), append(lines, reading.Lines), append(streams, stream)
		}
	}
	return recs, lines, streams
}

// partyAt names the side of the cell whose container has the address.
func (r *Run) partyAt(addr netip.Addr, initiator, receiver *host) string {
	switch addr.Unmap() {
	case initiator.server.addr:
		return "initiator"
	case receiver.server.addr:
		return "receiver"
	}
	return ""
}

// undeclared holds the chains that the servers presented to each other against
// those they were given. A server may add the root, which changes nothing.
func (r *Run) undeclared(s results.Stream, st *stimulus) []string {
	if s.TLS == nil || st.obs.Shown != "" {
		return nil // or what was shown is the attacker's
	}
	var out []string
	for d, chain := range s.TLS.Certificates {
		if len(chain) == 0 {
			continue
		}
		name := s.InitiatingParty
		if d == results.Receiving {
			name = s.ReceivingParty
		}
		presenter := st.sides[0]
		if name == presenter.peerRole() {
			presenter = st.sides[1]
		}
		if want := r.chain(presenter.host); !slices.Equal(chain, want) && !slices.Equal(chain, append(want, fingerprint(r.lab.CA.Root().Raw))) {
			out = append(out, fmt.Sprintf("the %s was given a chain of %d certificates for %s and presented another, of %d",
				name, len(want), presenter.host.Host.Domain, len(chain)))
		}
	}
	return out
}

func (r *Run) chain(h *host) []string {
	var out []string
	for _, der := range h.cert.Chain() {
		out = append(out, fingerprint(der))
	}
	return out
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// peerRole names the other side.
func (s *side) peerRole() string {
	if s.role == "initiator" {
		return "receiver"
	}
	return "initiator"
}

// queries are what each side asked the DNS about the other's domain.
func (r *Run) queries(st *stimulus) []zone.Query {
	var out []zone.Query
	for _, s := range st.sides {
		out = append(out, r.lab.DNS.Log().Queries(zone.Filter{Under: s.peer.Host.Domain, Source: s.host.server.addr})...)
	}
	slices.SortStableFunc(out, func(a, b zone.Query) int { return a.Time.Compare(b.Time) })
	return out
}

func queryText(queries []zone.Query, start time.Time) []byte {
	var out bytes.Buffer
	for _, q := range queries {
		fmt.Fprintf(&out, "%+9.4fs  %s\n", q.Time.Sub(start).Seconds(), q)
	}
	return out.Bytes()
}

// requests adds to an observation, and to the files of its cell, what was asked since
// it began about whether a certificate was revoked: by the cell's parties, about the
// certificates with these serial numbers or without saying about which.
func (r *Run) requests(obs *results.Observation, files map[string][]byte, party func(netip.Addr) string, serials ...string) {
	var text bytes.Buffer
	for _, q := range r.lab.Requests(func(q lab.Request) bool {
		return !q.Time.Before(obs.Started) && party(q.Source.Addr()) != "" && (q.Serial == "" || slices.Contains(serials, q.Serial))
	}) {
		at := q.Time.Sub(obs.Started).Seconds()
		fmt.Fprintf(&text, "%+9.4fs  %s\n", at, q)
		obs.Requests = append(obs.Requests, results.Request{At: at, Party: party(q.Source.Addr()),
			Method: q.Method, URL: visible(q.URL), Status: q.Status, Serial: q.Serial})
	}
	if text.Len() > 0 {
		files["http.txt"] = text.Bytes()
	}
}

func serial(c *ca.Certificate) string { return c.Leaf().SerialNumber.Text(16) }

// header says what a reader of the transcript has before them.
func header(c *suites.Cell, obs *results.Observation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", c.ID, c.Scenario.Asks)
	for _, s := range []struct {
		role string
		p    results.Party
	}{{"initiator", obs.Initiator}, {"receiver", obs.Receiver}} {
		if s.p.Subject == judge.PeerName {
			fmt.Fprintf(&b, "%-9s  scripted peers at names under %s\n", s.role, s.p.Domain)
			continue
		}
		fmt.Fprintf(&b, "%-9s  %s serves %s under %s with certificate %s; its tap is %s\n", s.role, s.p.Subject, s.p.Domain, s.p.Policy, s.p.Certificate, s.p.Tap)
	}
	b.WriteString("\n")
	for _, a := range obs.Acts {
		fmt.Fprintf(&b, "%+9.4fs  somebody on the way %s %s\n", a.At, a.Direction, a.Text)
	}
	for _, n := range obs.Notes {
		fmt.Fprintf(&b, "%+9.4fs  noted: %s: %s\n", n.At, n.Name, n.Value)
	}
	if obs.Stopped != "" {
		fmt.Fprintf(&b, "           the script stopped: %s\n", obs.Stopped)
	}
	for _, m := range obs.Messages {
		fmt.Fprintf(&b, "%+9.4fs  %s sends %s to %s: ", m.Sent, m.From, m.Canary, m.To)
		switch {
		case m.Delivered > 0:
			fmt.Fprintf(&b, "delivered at %+.4fs\n", m.DeliveredAt)
		case m.Error != nil:
			fmt.Fprintf(&b, "error %s at %+.4fs\n", m.Error.Condition, m.ErrorAt)
		default:
			fmt.Fprintf(&b, "neither delivered nor refused\n")
		}
	}
	return b.String()
}
