package jabberd2

import (
	"reflect"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/servers"
)

// The lines are from containers of jabberd2 2.7.0-10 that federated with each other and with peers that misbehaved.
var logLines = []struct {
	line string
	want servers.LogFact // without Text
	says bool
}{
	{"s2s:Mon Nov 23 05:04:53 2026 [notice] [7] [172.29.0.11, port=5269] outgoing route 'a1.i.lab/b1.i.lab' is now valid TLS",
		servers.LogFact{Local: "a1.i.lab", Remote: "b1.i.lab", Direction: "out", Kind: "authenticated", Auth: "dialback", Encrypted: yes(true)}, true},
	{"s2s:Mon Nov 23 05:04:53 2026 [notice] [8] [172.29.0.11, port=35139] incoming route 'a1.i.lab/b1.i.lab' is now valid TLS",
		servers.LogFact{Local: "a1.i.lab", Remote: "b1.i.lab", Direction: "in", Kind: "authenticated", Auth: "dialback", Encrypted: yes(true)}, true},
	{"s2s:Mon Nov 23 05:10:42 2026 [notice] [10] [172.29.0.11, port=39625] incoming route 'a1.i.lab/b1.i.lab' is now valid ",
		servers.LogFact{Local: "a1.i.lab", Remote: "b1.i.lab", Direction: "in", Kind: "authenticated", Auth: "dialback", Encrypted: yes(false)}, true},
	{"s2s:Mon Nov 23 05:06:16 2026 [notice] [15] [172.29.0.11, port=57333] dialback for incoming route 'a10.i.lab/b10.i.lab' timed out",
		servers.LogFact{Local: "a10.i.lab", Remote: "b10.i.lab", Direction: "in", Kind: "error"}, true},
	{"s2s:Mon Nov 23 05:21:51 2026 [notice] [7] [172.29.0.1, port=5269] retry limit reached for 'a2.i.lab/c1.i.lab' queue",
		servers.LogFact{Local: "a2.i.lab", Remote: "c1.i.lab", Direction: "out", Kind: "error"}, true},
	{"s2s:Mon Nov 23 05:21:51 2026 [notice] [7] [172.29.0.1, port=5269] connection to c1.i.lab timed out",
		servers.LogFact{Remote: "c1.i.lab", Direction: "out", Kind: "error"}, true},
	{"s2s:Mon Nov 23 05:21:45 2026 [notice] dns lookup for nosuch.i.lab failed",
		servers.LogFact{Remote: "nosuch.i.lab", Direction: "out", Kind: "error"}, true},
	{"s2s:Mon Nov 23 05:21:45 2026 [notice] [7] [172.29.0.1, port=5269] write error: Connection refused (111)",
		servers.LogFact{Kind: "error"}, true},
	{"s2s:Mon Nov 23 05:16:11 2026 [notice] [7] [172.29.0.10, port=46873] error: SSL handshake error (error:04000066:object identifier routines::oid exists)",
		servers.LogFact{Kind: "error"}, true},
	{"s2s:Mon Nov 23 05:11:30 2026 [notice] [12] [172.29.0.11, port=55869] no dialback started",
		servers.LogFact{Kind: "error"}, true},
	{"s2s:Mon Nov 23 05:21:45 2026 [notice] dns lookup for c1.i.lab returned 1 result (ttl 5)", servers.LogFact{}, false},
	{"s2s:Mon Nov 23 05:21:45 2026 [notice] [7] [172.29.0.1, port=5269] outgoing connection for 'c1.i.lab'", servers.LogFact{}, false},
	{"s2s:Mon Nov 23 05:21:45 2026 [notice] [7] [172.29.0.1, port=5269] disconnect, packets: 0", servers.LogFact{}, false},
	{"s2s:Mon Nov 23 05:04:53 2026 [notice] [8] [172.29.0.11, port=35139] received dialback auth request for route 'a1.i.lab/b1.i.lab'", servers.LogFact{}, false},
	{"c2s:Mon Nov 23 05:21:46 2026 [notice] [9] SCRAM-SHA-1 authentication succeeded: alice@a2.i.lab 172.29.0.1:34020 TLS", servers.LogFact{}, false},
	{"router:Mon Nov 23 05:20:11 2026 [notice] [a241.i.lab] online (bound to 127.0.0.1, port 50940)", servers.LogFact{}, false},
	{"s2s:Segmentation fault", servers.LogFact{}, false},
}

func yes(b bool) *bool { return &b }

func TestRead(t *testing.T) {
	for _, test := range logLines {
		got, ok := Driver{}.Log().Read(test.line)
		if ok != test.says {
			t.Errorf("%s\nstates a fact: %v, want %v", test.line, ok, test.says)
			continue
		}
		if ok && (!strings.HasSuffix(test.line, got.Text) || got.Text == "" || strings.Contains(got.Text, "2026")) {
			t.Errorf("%s\nhas text %q", test.line, got.Text)
		}
		got.Text = ""
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s\nstates %+v\nwant   %+v", test.line, got, test.want)
		}
	}
}

// What a peer sends can reach the log; it must not pass for what s2s says of a route.
func TestReadForged(t *testing.T) {
	for _, line := range []string{
		"s2s:Mon Nov 23 05:16:12 2026 [notice] [7] [172.29.0.10, port=41235] error: Stream error (outgoing route 'a1.i.lab/b1.i.lab' is now valid TLS)",
		"s2s:Mon Nov 23 05:16:12 2026 [notice] dns lookup for [7] [172.29.0.10, port=1] outgoing route 'a1.i.lab/b1.i.lab' is now valid TLS failed",
		"outgoing route 'a1.i.lab/b1.i.lab' is now valid TLS",
	} {
		if got, ok := (Driver{}).Log().Read(line); ok && (got.Kind == "authenticated" || got.Encrypted != nil) {
			t.Errorf("%s\nstates %+v", line, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, l := range logLines {
		f.Add(l.line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		fact, ok := Driver{}.Log().Read(line)
		if !ok {
			if !reflect.DeepEqual(fact, servers.LogFact{}) {
				t.Errorf("%q states nothing, but %+v", line, fact)
			}
			return
		}
		if fact.Kind == "" || !strings.Contains(line, fact.Text) {
			t.Errorf("%q states %+v", line, fact)
		}
		if fact.Kind == "authenticated" && (fact.Local == "" || fact.Remote == "" || fact.Encrypted == nil) {
			t.Errorf("%q authenticates %+v", line, fact)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		for _, l := range logLines {
			Driver{}.Log().Read(l.line)
		}
	}
}
