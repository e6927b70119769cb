package publish

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/xmpp-testday/testday/results"
)

// File is a publication: its name in the folder of a run, and its writer.
type File struct {
	Name  string
	Write func(io.Writer, *results.Matrix) error
}

// All writes matrix.json, matrix.md and junit.xml to the folder, and more after
// them. Each file is whole or not replaced; one that cannot be written does not keep
// the others from being. A matrix that breaks its own schema is written all the
// same, so that nothing observed is lost, and is an error.
func All(dir string, m *results.Matrix, more ...File) error {
	files := append([]File{
		{"matrix.json", writeValid},
		{"matrix.md", WriteMarkdown},
		{"junit.xml", WriteJUnit},
	}, more...)
	var errs []error
	for _, f := range files {
		if err := replace(filepath.Join(dir, f.Name), m, f.Write); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// schemaError is what is wrong with a file that was written.
type schemaError struct{ err error }

func (e schemaError) Error() string { return e.err.Error() }
func (e schemaError) Unwrap() error { return e.err }

func writeValid(w io.Writer, m *results.Matrix) error {
	var b bytes.Buffer
	if err := WriteJSON(&b, m); err != nil {
		return err
	}
	invalid := Validate(b.Bytes())
	if _, err := b.WriteTo(w); err != nil {
		return err
	}
	if invalid != nil {
		return schemaError{fmt.Errorf("it breaks the schema: %w", invalid)}
	}
	return nil
}

// replace writes a file beside its place and moves it there.
func replace(path string, m *results.Matrix, write func(io.Writer, *results.Matrix) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".publish-*")
	if err != nil {
		return fmt.Errorf("publish %s: %w", path, err)
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	w := bufio.NewWriter(tmp)
	err = write(w, m)
	var invalid schemaError
	if err == nil || errors.As(err, &invalid) {
		err = errors.Join(w.Flush(), tmp.Chmod(0o644))
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	switch {
	case err != nil:
		return fmt.Errorf("publish %s: %w", path, err)
	case invalid.err != nil:
		return fmt.Errorf("publish %s: %w", path, invalid)
	default:
		return nil
	}
}
