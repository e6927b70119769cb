package ejabberd

import (
	"errors"
	"testing"

	"github.com/xmpp-testday/testday/servers"
)

func TestPlace(t *testing.T) {
	for _, policy := range servers.Policies() {
		for _, cert := range []servers.Certificate{servers.Good, servers.Self, servers.UnkCA, servers.Expired, servers.SrvOnly} {
			got, err := driver{}.Place(servers.Setting{Policy: policy, Certificate: cert, TLSMax: "1.2", Ciphers: "fs", Bidi: true})
			if err != nil || got != (servers.Place{}) {
				t.Errorf("Place(%s, %s) = %+v, %v, want anywhere", policy, cert, got, err)
			}
		}
	}
	_, err := driver{}.Place(servers.Setting{Policy: servers.P1, Certificate: servers.Other})
	var cannot *servers.Unsupported
	if !errors.As(err, &cannot) || cannot.Reason == "" {
		t.Errorf("Place of a certificate for another name: %v, want a reason", err)
	}
	for _, v := range (driver{}).Versions() {
		_, err := driver{}.At(v).Place(servers.Setting{Policy: servers.P1, Certificate: servers.Good, Bidi: true})
		if without := v.Name == "23.01"; errors.As(err, &cannot) != without {
			t.Errorf("Place of bidirectional streams at %s: %v", v.Name, err)
		}
		if _, err := (driver{}).At(v).Place(servers.Setting{Policy: servers.P1, Certificate: servers.Good}); err != nil {
			t.Errorf("Place at %s: %v", v.Name, err)
		}
	}
	if _, err := (driver{}).Place(servers.Setting{Policy: "P3"}); err == nil || errors.As(err, &cannot) {
		t.Errorf("Place of policy P3: %v, want a plain error", err)
	}
}

// The lines were written by 23.01, 24.12 and 26.07.
func TestLog(t *testing.T) {
	tls, tcp := true, false
	for _, tt := range []struct {
		line string
		want servers.LogFact // without Text; a zero value: no fact
	}{
		{"2026-11-23 05:28:39.765952+00:00 \x1b[1;49;95m\x1b[1;49;92m[info] \x1b[0;49;95m\x1b[0m(tls|<0.431.0>) Accepted outbound s2s EXTERNAL authentication a.one.lab -> a.two.lab (172.29.77.12)\x1b[0m",
			servers.LogFact{Session: "<0.431.0>", Local: "a.one.lab", Remote: "a.two.lab", Direction: "out", Kind: "authenticated", Auth: "pkix", Encrypted: &tls}},
		{"2026-11-23 05:28:39.799679+00:00 [info] (tls|<0.432.0>) Accepted inbound s2s EXTERNAL authentication a.two.lab -> a.one.lab (172.29.77.12)",
			servers.LogFact{Session: "<0.432.0>", Local: "a.one.lab", Remote: "a.two.lab", Direction: "in", Kind: "authenticated", Auth: "pkix", Encrypted: &tls}},
		{"2026-11-23 05:28:40.303213+00:00 [info] (tcp|<0.435.0>) Accepted inbound s2s dialback authentication self.four.lab -> off.one.lab (172.29.77.14)",
			servers.LogFact{Session: "<0.435.0>", Local: "off.one.lab", Remote: "self.four.lab", Direction: "in", Kind: "authenticated", Auth: "dialback", Encrypted: &tcp}},
		{"2026-11-23 05:28:41.528658+00:00 [info] (tls|<0.442.0>) Accepted outbound s2s dialback authentication self.one.lab -> a.two.lab (172.29.77.12)",
			servers.LogFact{Session: "<0.442.0>", Local: "self.one.lab", Remote: "a.two.lab", Direction: "out", Kind: "authenticated", Auth: "dialback", Encrypted: &tls}},
		{"2026-11-23 05:28:45.121359+00:00 [warning] (tls|<0.455.0>) Failed inbound s2s EXTERNAL authentication self.two.lab -> p2.one.lab (172.29.77.12): self signed certificate",
			servers.LogFact{Session: "<0.455.0>", Local: "p2.one.lab", Remote: "self.two.lab", Direction: "in", Kind: "refused", Auth: "pkix", Encrypted: &tls}},
		{"2026-11-23 05:34:36.592090+00:00 [warning] Failed to establish outbound s2s connection p2.two.lab -> self.four.lab: Peer certificate rejected: self signed certificate; bouncing for 0 seconds",
			servers.LogFact{Local: "p2.two.lab", Remote: "self.four.lab", Direction: "out", Kind: "error"}},
		{"2026-11-23 05:28:43.719351+00:00 [info] Closing inbound s2s connection off.four.lab -> p2.one.lab: Stream closed by local host: Use of STARTTLS required (policy-violation)",
			servers.LogFact{Local: "p2.one.lab", Remote: "off.four.lab", Direction: "in", Kind: "error"}},
		{"2026-11-23 05:34:30.069371+00:00 [info] Closing inbound s2s connection off.one.lab -> p1.two.lab: Stream closed by peer: STARTTLS is disabled in local configuration (unsupported-feature)",
			servers.LogFact{Local: "p1.two.lab", Remote: "off.one.lab", Direction: "in", Kind: "error"}},
		// Direct TLS: the stream is one like any other, and what failed before its header names neither domain.
		{"2026-11-26 07:35:03.154670+00:00 \x1b[1;49;95m\x1b[1;49;92m[info] \x1b[0;49;95m\x1b[0m(tls|<0.440.0>) Accepted inbound s2s EXTERNAL authentication p11.lab -> s1.lab (10.115.128.2)\x1b[0m",
			servers.LogFact{Session: "<0.440.0>", Local: "s1.lab", Remote: "p11.lab", Direction: "in", Kind: "authenticated", Auth: "pkix", Encrypted: &tls}},
		{"2026-11-26 07:08:04.732797+00:00 [info] Closing inbound s2s connection 10.67.128.2 -> s5.lab: TLS failed: SSL_do_handshake failed: error:0A000102:SSL routines::unsupported protocol",
			servers.LogFact{Direction: "in", Kind: "error"}},
		{"2026-11-26 07:08:07.464681+00:00 [warning] Failed to establish outbound s2s connection s5.lab -> q8.lab: Connection failed: non-existing domain; bouncing for 0 seconds",
			servers.LogFact{Local: "s5.lab", Remote: "q8.lab", Direction: "out", Kind: "error"}},
		{"2026-11-26 07:08:03.962719+00:00 [info] Closing inbound s2s connection 10.67.128.2 -> s5.lab: Connection failed: connection closed", servers.LogFact{}},
		{"2026-11-23 05:28:44.768308+00:00 [info] Closing outbound s2s connection a.one.lab -> a.two.lab: Stream closed by local host: Idle connection (connection-timeout)", servers.LogFact{}},
		{"2026-11-23 05:29:02.798199+00:00 [info] Closing inbound s2s connection other.three.lab -> p1.one.lab: Stream reset by peer", servers.LogFact{}},
		{"2026-11-23 05:28:41.427669+00:00 [info] (tls|<0.442.0>) Retrying with s2s dialback authentication: self.one.lab -> a.two.lab (172.29.77.12)", servers.LogFact{}},
		{"2026-11-23 05:34:28.887477+00:00 [info] (tls|<0.456.0>) Accepted c2s SCRAM-SHA-1 authentication for alice@p1.one.lab by mnesia backend from 172.29.77.1", servers.LogFact{}},
		{"testday: version 26.07 package 26.07-1", servers.LogFact{}},
		{"", servers.LogFact{}},
	} {
		got, ok := logReader{}.Read(tt.line)
		if want := tt.want.Kind != ""; ok != want {
			t.Errorf("Read(%q): fact %v, want %v", tt.line, ok, want)
			continue
		}
		switch {
		case (got.Encrypted != nil) != (tt.want.Encrypted != nil):
			t.Errorf("Read(%q): encryption known %v, want %v", tt.line, got.Encrypted != nil, tt.want.Encrypted != nil)
		case got.Encrypted != nil && *got.Encrypted != *tt.want.Encrypted:
			t.Errorf("Read(%q): encrypted %v, want %v", tt.line, *got.Encrypted, *tt.want.Encrypted)
		}
		if ok && got.Text == "" {
			t.Errorf("Read(%q): no text", tt.line)
		}
		got.Text, got.Encrypted, tt.want.Encrypted = "", nil, nil
		if got != tt.want {
			t.Errorf("Read(%q)\n got %+v\nwant %+v", tt.line, got, tt.want)
		}
	}
}

func FuzzLog(f *testing.F) {
	f.Add("2026-11-23 05:28:39.765952+00:00 [info] (tls|<0.431.0>) Accepted outbound s2s EXTERNAL authentication a -> b (172.29.77.12)")
	f.Fuzz(func(t *testing.T, line string) {
		if got, ok := (logReader{}).Read(line); !ok && got != (servers.LogFact{}) {
			t.Errorf("Read(%q) = %+v without a fact", line, got)
		}
	})
}
