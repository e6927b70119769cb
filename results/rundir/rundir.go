package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/results"
)

const (
	metaFile        = "run.json"
	observationFile = "observation.json"
)

// Meta is run.json: what the run is, known before its first cell ends.
type Meta struct {
	Run      results.Run       `json:"run"`
	Subjects []results.Subject `json:"subjects"`
	// Planned lists the ids of all cells of the plan, in order.
	Planned []string       `json:"planned"`
	Timing  results.Timing `json:"timing"`
}

// Dir is the folder of one run.
type Dir struct {
	Path string
}

// Create makes the folder of a new run. An existing folder must be empty.
func Create(path string) (*Dir, error) {
	entries, err := os.ReadDir(path)
	if err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("run folder %s is not empty: choose another with OUT=", path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(path, "cells"), 0o755); err != nil {
		return nil, fmt.Errorf("make run folder: %w", err)
	}
	return &Dir{Path: path}, nil
}

// Link makes link a symbolic link to the folder, in place of what it was.
func (d *Dir) Link(link string) error {
	target, err := filepath.Rel(filepath.Dir(link), d.Path)
	if err != nil {
		return fmt.Errorf("link %s to %s: %w", link, d.Path, err)
	}
	tmp := link + ".new"
	_ = os.Remove(tmp) // what a killed run left
	if err = os.Symlink(target, tmp); err == nil {
		err = os.Rename(tmp, link)
	}
	if err != nil {
		return fmt.Errorf("link %s to %s: %w", link, d.Path, err)
	}
	return nil
}

// Open finds the folder of an earlier run.
func Open(path string) (*Dir, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("no run at %s: %w", path, err)
	}
	if _, err := os.Stat(filepath.Join(real, metaFile)); err != nil {
		return nil, fmt.Errorf("%s is not the folder of a run: it has no %s", path, metaFile)
	}
	return &Dir{Path: real}, nil
}

// WriteMeta writes run.json.
func (d *Dir) WriteMeta(m Meta) error {
	return d.writeJSON(metaFile, m)
}

// Meta reads run.json.
func (d *Dir) Meta() (Meta, error) {
	var m Meta
	return m, d.readJSON(metaFile, &m)
}

// Cell writes the files of one cell to its folder below the run folder, the
// observation last, and returns their paths relative to the run folder.
func (d *Dir) Cell(folder string, obs *results.Observation, files map[string][]byte) ([]string, error) {
	if err := os.MkdirAll(filepath.Join(d.Path, filepath.FromSlash(folder)), 0o755); err != nil {
		return nil, fmt.Errorf("make folder of cell %s: %w", obs.Cell, err)
	}
	for name, data := range files {
		if err := d.write(filepath.Join(filepath.FromSlash(folder), name), data); err != nil {
			return nil, fmt.Errorf("write artefact of cell %s: %w", obs.Cell, err)
		}
	}
	if err := d.writeJSON(filepath.Join(filepath.FromSlash(folder), observationFile), obs); err != nil {
		return nil, fmt.Errorf("write observation of cell %s: %w", obs.Cell, err)
	}
	return d.Artefacts(folder)
}

// Artefacts lists the files of a cell, relative to the run folder, sorted.
func (d *Dir) Artefacts(folder string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(d.Path, filepath.FromSlash(folder)))
	if err != nil {
		return nil, fmt.Errorf("list artefacts: %w", err)
	}
	names := []string{}
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, folder+"/"+e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Observation reads the observation of the cell in the folder. The error wraps
// [fs.ErrNotExist] when the cell did not finish.
func (d *Dir) Observation(folder string) (*results.Observation, error) {
	o := new(results.Observation)
	if err := d.readJSON(filepath.Join(filepath.FromSlash(folder), observationFile), o); err != nil {
		return nil, err
	}
	return o, nil
}

func (d *Dir) readJSON(name string, v any) error {
	data, err := os.ReadFile(filepath.Join(d.Path, name))
	if err != nil {
		return fmt.Errorf("read run folder: %w", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s is damaged: %w", filepath.Join(d.Path, name), err)
	}
	return nil
}

func (d *Dir) writeJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return d.write(name, append(data, '\n'))
}

// write puts a file in place whole or not at all.
func (d *Dir) write(name string, data []byte) error {
	path := filepath.Join(d.Path, name)
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".part")
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	return os.Rename(tmp, path)
}
