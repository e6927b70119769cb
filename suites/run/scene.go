package run

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/xmpp-testday/testday/fixtures/capture"
	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/fixtures/tap"
	"github.com/xmpp-testday/testday/fixtures/transcript"
	"github.com/xmpp-testday/testday/fixtures/zone"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/suites"
	"github.com/xmpp-testday/testday/suites/stage"

	"github.com/miekg/dns"
)

// scene runs a cell in which scripted peers meet one subject.
func (r *Run) scene(ctx context.Context, c *suites.Cell) (*results.Observation, map[string][]byte) {
	obs := &results.Observation{Cell: c.ID, Scenario: c.Scenario.ID, Started: time.Now(), Controls: c.Controls,
		Initiator: party(c.Initiator), Receiver: party(c.Receiver), Messages: []results.Message{}, Streams: []results.Stream{}}
	if c.Unsupported != "" {
		obs.Unsupported = c.Unsupported
		return obs, nil
	}
	subject, _ := c.Subject()
	h := r.hosts[subject.Domain]
	p, role, peerRole := &obs.Initiator, "initiator", "receiver"
	zone := c.Receiver.Domain
	if !c.World.Scene.Initiates {
		p, role, peerRole, zone = &obs.Receiver, "receiver", "initiator", c.Initiator.Domain
	}
	p.Fingerprint, p.Tap = h.cert.Fingerprint(), h.domain.Addr.String()

	active := make(chan struct{}, 1)
	release := r.hold(ctx, func() <-chan struct{} { return active })
	defer release()
	obs.Started = time.Now()
	if h.server.ended() {
		obs.Gone = role
		return obs, map[string][]byte{role + ".log": h.server.lastWords(obs.Started)}
	}
	if problems := r.preflight(h); len(problems) > 0 {
		obs.Preflight = problems
		return obs, nil
	}
	st := stage.New(stage.Config{
		Lab: r.lab, Zone: zone, Domain: subject.Domain, Other: subject.Other, Server: h.server.addr,
		Account: subject.Account, OtherAccount: subject.OtherAccount, Initiates: c.World.Scene.Initiates, Haste: r.config.Haste, Deadline: r.deadline(),
		VerifyPeer: func(domain string, cs tls.ConnectionState) error { return declared(cs, r.hosts[domain]) },
		Active: func() {
			select {
			case active <- struct{}{}:
			default:
			}
		},
		Exited: h.server.run.Exited(),
	})
	running, cancel := context.WithTimeout(ctx, r.deadline()+c.World.Scene.Waits/time.Duration(r.config.Haste))
	err := c.World.Scene.Script(running, st)
	cancel()
	obs.Ended = "the script ended"
	if err != nil {
		obs.Stopped = visible(err.Error())
		obs.Ended = "the script stopped"
	}
	if h.server.ended() {
		obs.Crashed = role
	}
	record := st.End(func(leave func()) { r.leaving.Go(leave) })
	obs.Seconds = time.Since(obs.Started).Seconds()
	obs.Messages = append(obs.Messages, record.Messages...)
	obs.Notes, obs.Logins = record.Notes, record.Logins
	files := r.sceneEvidence(ctx, c, obs, record, h, role, peerRole, zone)
	r.lab.DNS.Remove(zone)
	return obs, files
}

// sceneEvidence completes the observation of a scene with what was recorded, asked
// and logged, and returns the files of the cell's folder.
func (r *Run) sceneEvidence(ctx context.Context, c *suites.Cell, obs *results.Observation, record stage.Record, h *host, role, peerRole, domain string) map[string][]byte {
	reading, cancel := context.WithTimeout(ctx, secretsTimeout)
	defer cancel()
	started := obs.Started
	var recs []tap.Recording
	var lines [][]transcript.Line
	for _, rec := range record.Recordings {
		read := transcript.Analyze(reading, rec.Recording, r.lab.Keys, transcript.Options{Start: started, Canaries: record.Tokens})
		s := read.Stream
		s.InitiatingParty, s.ReceivingParty = peerRole, role
		if rec.BySubject {
			s.InitiatingParty, s.ReceivingParty = role, peerRole
		}
		rec.Target = netip.AddrPortFrom(rec.Target.Addr(), lab.PortServer) // the port that Wireshark knows
		recs, lines, obs.Streams = append(recs, rec.Recording), append(lines, read.Lines), append(obs.Streams, s)
	}
	queries := r.lab.DNS.Log().Queries(zone.Filter{Under: domain, Source: h.server.addr})
	for _, q := range queries {
		obs.Queries = append(obs.Queries, results.Query{At: q.Time.Sub(started).Seconds(), Party: role,
			Name: q.Name, Type: q.Type.String(), DO: q.DO, Rcode: dns.RcodeToString[q.Rcode], Answer: q.Answers})
	}
	files := map[string][]byte{"dns.txt": queryText(queries, started), role + ".crt": h.cert.PEM()}
	r.requests(obs, files, func(a netip.Addr) string {
		if a == h.server.addr {
			return role
		}
		return ""
	}, record.Serials...)
	log := h.server.book.slice(started.Add(-50*time.Millisecond), time.Now(), domain)
	files[role+".log"] = logText(log, started)
	if obs.Crashed == role {
		files[role+".log"] = append(files[role+".log"], h.server.lastWords(started)...)
	}
	obs.Facts = append(obs.Facts, factsUnder(log, role, started, domain)...)
	slices.SortStableFunc(obs.Facts, func(a, b results.LogFact) int { return int(1e6 * (a.At - b.At)) })

	var text, pcap bytes.Buffer
	text.WriteString(header(c, obs))
	if err := transcript.Write(&text, started, lines...); err != nil {
		obs.Broken = fmt.Sprintf("write the transcript: %v", err)
	}
	if err := capture.Write(&pcap, c.ID, r.lab.Keys, recs...); err != nil {
		obs.Broken = fmt.Sprintf("write the capture: %v", err)
	}
	files["transcript.txt"], files["capture.pcapng"] = text.Bytes(), pcap.Bytes()
	return files
}
