package prosody

import (
	"testing"

	"github.com/xmpp-testday/testday/servers"
)

func TestPlace(t *testing.T) {
	for _, tt := range []struct {
		setting servers.Setting
		want    servers.Place
	}{
		{servers.Setting{Policy: servers.Off, Certificate: servers.Good}, servers.Place{Policy: servers.P0}},
		{servers.Setting{Policy: servers.P0, Certificate: servers.Self}, servers.Place{Policy: servers.P0}},
		{servers.Setting{Policy: servers.P1, Certificate: servers.Other, Ciphers: "fs"}, servers.Place{Policy: servers.P1}},
		{servers.Setting{Policy: servers.P2, Certificate: servers.SrvOnly, TLSMax: "1.2", Bidi: true}, servers.Place{Policy: servers.P2}},
	} {
		got, err := driver{}.Place(tt.setting)
		if err != nil || got != tt.want {
			t.Errorf("Place(%+v) = %+v, %v, want %+v", tt.setting, got, err, tt.want)
		}
	}
	if _, err := (driver{}).Place(servers.Setting{Policy: "P3"}); err == nil {
		t.Error("Place accepts policy P3")
	}
}

// The lines were written by 0.12.3 and 13.0.7.
func TestLog(t *testing.T) {
	yes := true
	for _, tt := range []struct {
		line string
		want servers.LogFact // without Text; a zero value: no fact
	}{
		{"2026-11-23T05:23:52 a.one.lab:saslauth                info\tAccepting SASL EXTERNAL identity from srv.three.lab",
			servers.LogFact{Local: "a.one.lab", Remote: "srv.three.lab", Direction: "in", Kind: "authenticated", Auth: "pkix"}},
		{"2026-11-23T05:23:52 srv.three.lab:saslauth               debug\tSASL EXTERNAL with a.one.lab succeeded",
			servers.LogFact{Local: "srv.three.lab", Remote: "a.one.lab", Direction: "out", Kind: "authenticated", Auth: "pkix"}},
		{"2026-11-23T05:23:52 srv.three.lab:saslauth               debug\tInitiating SASL EXTERNAL with a.one.lab", servers.LogFact{}},
		{"2026-11-23T05:23:47 s2sout55f36bfe2c20                debug\tReceived[s2sout_unauthed]: <result xmlns='jabber:server:dialback' xml:lang='en' type='valid' from='a.two.lab' id='0214b62d-dc17-47c2-ad36-c6290de7a7b5' to='self.one.lab'>",
			servers.LogFact{Session: "s2sout55f36bfe2c20", Local: "self.one.lab", Remote: "a.two.lab", Direction: "out", Kind: "authenticated", Auth: "dialback"}},
		{"2026-11-23T05:23:47 s2sout5637fbe8b210             debug\tReceived[s2sout]: <verify id='0214b62d-dc17-47c2-ad36-c6290de7a7b5' type='valid' xmlns='jabber:server:dialback' from='self.one.lab' to='a.two.lab' xml:lang='en'>",
			servers.LogFact{Local: "a.two.lab", Remote: "self.one.lab", Direction: "in", Kind: "authenticated", Auth: "dialback"}},
		{"2026-11-23T05:23:47 s2sin55f36c015780                 debug\tReceived[s2sin]: <verify xmlns='jabber:server:dialback' xml:lang='en' from='a.two.lab' id='0214b62d-dc17-47c2-ad36-c6290de7a7b5' to='self.one.lab'>", servers.LogFact{}},
		{"2026-11-23T05:23:47 s2sin5637fbe9e450              debug\tReceived[s2sin_unauthed]: <result xmlns='jabber:server:dialback' from='self.one.lab' to='a.two.lab' xml:lang='en'>", servers.LogFact{}},
		{"2026-11-23T05:23:48 s2sin5637fc0edbf0              info\tIncoming s2s connection a.three.lab->a.two.lab complete",
			servers.LogFact{Session: "s2sin5637fc0edbf0", Local: "a.two.lab", Remote: "a.three.lab", Direction: "in", Kind: "authenticated"}},
		{"2026-11-23T05:23:52 s2sout5632cc7e7d70                   info\tOutgoing s2s connection srv.three.lab->a.one.lab complete",
			servers.LogFact{Session: "s2sout5632cc7e7d70", Local: "srv.three.lab", Remote: "a.one.lab", Direction: "out", Kind: "authenticated"}},
		{"2026-11-23T05:16:04 s2sout561c96965540                info\tStream encrypted (TLSv1.2 with ECDHE-ECDSA-AES128-GCM-SHA256)",
			servers.LogFact{Session: "s2sout561c96965540", Direction: "out", Kind: "encrypted", Encrypted: &yes}},
		{"2026-11-23T05:23:46 c2s55f36bd736d0     info\tStream encrypted (TLSv1.3 with TLS_AES_128_GCM_SHA256)", servers.LogFact{}},
		{"2026-11-23T05:23:50 s2sin5632cc7eb070                warn\tForbidding insecure connection to/from self.two.lab because its certificate is not trusted",
			servers.LogFact{Session: "s2sin5632cc7eb070", Remote: "self.two.lab", Direction: "in", Kind: "refused"}},
		{"2026-11-23T05:23:50 s2sout5637fc0d44f0                info\tOutgoing s2s stream self.two.lab->a.three.lab closed: not-authorized (Your server's certificate is not trusted)",
			servers.LogFact{Session: "s2sout5637fc0d44f0", Local: "self.two.lab", Remote: "a.three.lab", Direction: "out", Kind: "error"}},
		{"2026-11-23T05:16:03 s2sin55e0f19db880                 info\tIncoming s2s stream a.two.lab->off.one.lab closed: stream closed", servers.LogFact{}},
		{"testday: version 13.0.7 package 13.0.7-1", servers.LogFact{}},
		{"", servers.LogFact{}},
	} {
		got, ok := logReader{}.Read(tt.line)
		if want := tt.want.Kind != ""; ok != want {
			t.Errorf("Read(%q): fact %v, want %v", tt.line, ok, want)
			continue
		}
		if (got.Encrypted != nil) != (tt.want.Encrypted != nil) {
			t.Errorf("Read(%q): encrypted %v", tt.line, got.Encrypted)
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
	f.Add("2026-11-23T05:23:47 s2sout55f36bfe2c20 debug\tReceived[s2sout_unauthed]: <result xmlns='jabber:server:dialback' type='valid' from='a' to='b'>")
	f.Fuzz(func(t *testing.T, line string) {
		if got, ok := (logReader{}).Read(line); !ok && got != (servers.LogFact{}) {
			t.Errorf("Read(%q) = %+v without a fact", line, got)
		}
	})
}
