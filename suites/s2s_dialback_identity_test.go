package suites

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
	"testing"
)

func TestDescribeIDs(t *testing.T) {
	// A known seed: what is measured is entropy, and must not depend on luck.
	r := mathrand.New(mathrand.NewPCG(1, 2))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for _, c := range []struct {
		name string
		id   func(n int) string
		want string
	}{
		{"16 random bytes in hexadecimal", func(int) string { return hex.EncodeToString(random(16)) }, idsFine},
		{"12 random bytes in base64", func(int) string { return base64.StdEncoding.EncodeToString(random(12)) }, idsFine},
		{"8 random bytes in hexadecimal", func(int) string { return hex.EncodeToString(random(8)) }, idsFine},
		{"a random number below 2^64", func(int) string { return fmt.Sprint(r.Uint64()) }, idsFine},
		{"a random number behind a prefix", func(int) string { return fmt.Sprint("s2s:", r.Uint64()) }, idsFine},
		{"a clock before 16 random bytes", func(n int) string { return fmt.Sprintf("%x", 1700000000+n) + hex.EncodeToString(random(16)) }, idsFine},
		{"7 random bytes in hexadecimal", func(int) string { return hex.EncodeToString(random(7)) }, idsShort},
		{"a random number below 2^32", func(int) string { return fmt.Sprint(r.Uint32()) }, idsShort},
		{"a counter", func(n int) string { return fmt.Sprint(n) }, idsCounted},
		{"a counter in hexadecimal behind a name", func(n int) string { return fmt.Sprintf("s2s-%08x", 0xff00+n) }, idsCounted},
		{"one that counts down", func(n int) string { return fmt.Sprint(5000 - n) }, idsCounted},
		{"a clock before 3 random bytes", func(n int) string { return fmt.Sprintf("%x", 1700000000+n) + hex.EncodeToString(random(3)) }, idsCounted},
		{"some that repeat", func(n int) string { return fmt.Sprint("id", n%199) }, idsRepeated},
	} {
		var ids []string
		for n := range idStreams {
			ids = append(ids, c.id(n))
		}
		if got := describeIDs(ids); got != c.want {
			t.Errorf("%s: %s, want %s (%.1f bits)", c.name, got, c.want, apparentBits(ids))
		}
	}
	if got := describeIDs([]string{rand.Text()}); got != idsShort {
		t.Errorf("one id is %s", got)
	}
}
