package suites

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/results"
)

// Waited says what a cell spent most of its time waiting for: the longest time in
// which nothing was seen, and what ended it.
func Waited(obs *results.Observation) (seconds float64, what string) {
	type moment struct {
		at   float64
		what string
	}
	moments := []moment{{obs.Seconds, "the end of the cell"}}
	add := func(at float64, format string, args ...any) {
		moments = append(moments, moment{at, fmt.Sprintf(format, args...)})
	}
	for _, m := range obs.Messages {
		add(m.Sent, "the stimulus")
		if m.Delivered > 0 {
			add(m.DeliveredAt, "the delivery of a message")
		}
		if m.Error != nil {
			add(m.ErrorAt, "the error stanza %s", m.Error.Condition)
		}
	}
	for _, n := range obs.Notes {
		add(n.At, "%s (%s)", n.Name, n.Value)
	}
	for _, s := range obs.Streams {
		add(s.Opened, "a connection to the %s", s.ReceivingParty)
		if s.Closed > 0 {
			add(s.Closed, "the end of a connection to the %s (%s)", s.ReceivingParty, cmp.Or(s.ClosedHow, "closed"))
		}
		for _, h := range s.Headers {
			add(h.At, "a stream header of the %s entity", h.Direction)
		}
		if s.TLS != nil && s.TLS.Complete {
			add(s.TLS.CompleteAt, "the end of a TLS handshake")
		}
		for _, a := range s.SASL {
			add(a.At, "SASL %s", a.Mechanism)
			if a.Result != "" {
				add(a.ResultAt, "the outcome of SASL %s", a.Mechanism)
			}
		}
		for _, d := range s.Dialback {
			add(d.At, "%s", strings.TrimSpace("db:"+d.Name+" "+d.Type))
		}
		for _, st := range s.Stanzas {
			add(st.At, "a stanza between the servers")
		}
		for _, e := range s.Errors {
			add(e.At, "the stream error %s", e.Condition)
		}
	}
	for _, q := range obs.Queries {
		add(q.At, "a DNS query for %s", q.Type)
	}
	for _, q := range obs.Requests {
		add(q.At, "a question whether a certificate was revoked")
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	before := 0.0
	for _, m := range moments {
		if gap := m.at - before; gap > seconds {
			seconds, what = gap, m.what
		}
		before = max(before, m.at)
	}
	return seconds, what
}
