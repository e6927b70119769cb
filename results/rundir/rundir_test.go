package rundir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/rundir"
)

func TestRoundTrip(t *testing.T) {
	base := t.TempDir()
	link := filepath.Join(base, "latest")
	d, err := rundir.Create(filepath.Join(base, "one"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Link(link); err != nil {
		t.Fatal(err)
	}
	meta := rundir.Meta{Run: results.Run{ID: "one", Seed: 7}, Planned: []string{"a:b:c"}}
	if err := d.WriteMeta(meta); err != nil {
		t.Fatal(err)
	}
	obs := &results.Observation{Cell: "a:b:c", Ended: "reply delivered"}
	names, err := d.Cell("cells/a/b_c", obs, map[string][]byte{"transcript.txt": []byte("hello")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"cells/a/b_c/observation.json", "cells/a/b_c/transcript.txt"}
	if !slices.Equal(names, want) {
		t.Errorf("artefacts %q, want %q", names, want)
	}

	again, err := rundir.Open(link)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := again.Meta(); err != nil || m.Run.Seed != 7 || !slices.Equal(m.Planned, meta.Planned) {
		t.Errorf("meta %+v, %v", m, err)
	}
	if o, err := again.Observation("cells/a/b_c"); err != nil || o.Ended != obs.Ended {
		t.Errorf("observation %+v, %v", o, err)
	}
	if _, err := again.Observation("cells/a/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a cell that did not finish: %v, want fs.ErrNotExist", err)
	}

	two, err := rundir.Create(filepath.Join(base, "two"))
	if err != nil {
		t.Fatal(err)
	}
	if err := two.Link(link); err != nil {
		t.Fatal(err)
	}
	if target, _ := os.Readlink(link); target != "two" {
		t.Errorf("latest points at %q, want two", target)
	}
}

func TestRefuses(t *testing.T) {
	base := t.TempDir()
	if err := os.WriteFile(filepath.Join(base, "notes"), []byte("keep"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := rundir.Create(base); err == nil || !strings.Contains(err.Error(), "OUT=") {
		t.Errorf("a folder in use: %v", err)
	}
	if _, err := rundir.Open(base); err == nil || !strings.Contains(err.Error(), "run.json") {
		t.Errorf("not a run: %v", err)
	}
	if _, err := rundir.Open(filepath.Join(base, "nowhere")); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("no folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(base, "run.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := rundir.Open(base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Meta(); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("damaged run.json: %v", err)
	}
}
