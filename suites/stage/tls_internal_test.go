package stage

import (
	"testing"

	"github.com/xmpp-testday/testday/fixtures/tlswire"
)

// An entity whose handshake failed may say what TLS has for that, and nothing of its stream.
func TestSaysInClear(t *testing.T) {
	const (
		features = "<stream:stream id='1'><stream:features/><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
		alert    = "\x15\x03\x03\x00\x02\x02\x28"
	)
	for name, c := range map[string]struct {
		sent []string
		want bool
	}{
		"nothing":                         {nil, false},
		"a negotiation, and the end":      {[]string{features}, false},
		"an alert":                        {[]string{features, alert}, false},
		"a closing tag":                   {[]string{features, "</stream:stream>"}, true},
		"a closing tag behind an alert":   {[]string{features, alert + "</stream:stream>"}, true},
		"a closing tag after two records": {[]string{alert + alert[:3], alert[3:], "</stream", ":stream>"}, true},
		"a stream error":                  {[]string{features, alert, "<stream:error><not-authorized/></stream:error>"}, true},
		"a closing tag inside a record":   {[]string{features, "\x17\x03\x03\x00\x10</stream:stream>"}, false},
		"half a record":                   {[]string{features, "\x17\x03\x03\x00\x20</stream:stream>"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var chunks []tlswire.Chunk
			for _, s := range c.sent {
				chunks = append(chunks, tlswire.Chunk{Data: []byte(s)})
			}
			if got := saysInClear(chunks); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
