//go:build !linux

package interop

import "testing"

func tinyDisk(t *testing.T, _ string) string {
	t.Skip("a small disk is only mounted on Linux")
	return ""
}
