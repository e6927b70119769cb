package publish

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/xmpp-testday/testday/results"
)

// maxSize bounds a matrix that is read, in bytes. One of 3,000 cells has less than
// a tenth of it.
const maxSize = 128 << 20

// stable returns a copy of the matrix whose cells are ordered by id, with the
// version of the shape, and with empty lists where there are none.
func stable(m *results.Matrix) *results.Matrix {
	out := *m
	out.Schema = results.SchemaVersion
	out.Subjects = notNil(m.Subjects)
	out.Scenarios = slices.Clone(notNil(m.Scenarios))
	for n := range out.Scenarios {
		out.Scenarios[n].Cites = notNil(out.Scenarios[n].Cites)
	}
	out.Cells = slices.Clone(notNil(m.Cells))
	for n := range out.Cells {
		out.Cells[n].Subjects = notNil(out.Cells[n].Subjects)
		out.Cells[n].Artefacts = notNil(out.Cells[n].Artefacts)
	}
	slices.SortStableFunc(out.Cells, func(a, b results.Cell) int { return cmp.Compare(a.ID, b.ID) })
	return &out
}

func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// WriteJSON writes matrix.json. Equal matrices give equal bytes, whatever the
// order of their cells.
func WriteJSON(w io.Writer, m *results.Matrix) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(stable(m)); err != nil {
		return fmt.Errorf("write matrix as JSON: %w", err)
	}
	return nil
}

var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(results.Schema))
	if err != nil {
		return nil, fmt.Errorf("schema of the matrix: %w", err)
	}
	const id = "urn:testday:matrix:1"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(id, doc); err != nil {
		return nil, fmt.Errorf("schema of the matrix: %w", err)
	}
	s, err := c.Compile(id)
	if err != nil {
		return nil, fmt.Errorf("schema of the matrix: %w", err)
	}
	return s, nil
})

// Validate compares JSON with the schema of a matrix. The error is one line that
// says where the first few differences are: "/cells/3/verdict: value must be ...".
func Validate(data []byte) error {
	s, err := schema()
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	err = s.Validate(doc)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	const told = 3
	found := differences(invalid)
	text := strings.Join(found[:min(told, len(found))], "; ")
	if more := len(found) - told; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return errors.New(text)
}

// differences lists the leaves of a validation error.
func differences(e *jsonschema.ValidationError) []string {
	if len(e.Causes) > 0 {
		var all []string
		for _, c := range e.Causes {
			all = append(all, differences(c)...)
		}
		return all
	}
	var text string
	for _, part := range e.InstanceLocation {
		text += "/" + part
	}
	if text == "" {
		text = "/"
	}
	what := e.Error()
	if _, after, ok := strings.Cut(what, "': "); ok {
		what = after
	}
	return []string{clean(text + ": " + what)}
}

// Read reads a matrix.json, after holding it against the schema. Every error is
// one line that names the file.
func Read(path string) (*results.Matrix, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read matrix: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read matrix: %w", err)
	case len(data) > maxSize:
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxSize)
	}
	if err := Validate(data); err != nil {
		return nil, fmt.Errorf("%s is not a matrix: %w", path, err)
	}
	var m results.Matrix
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s is not a matrix: %w", path, err)
	}
	return &m, nil
}
