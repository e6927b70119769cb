package results

import _ "embed"

// SchemaVersion is the value of [Matrix.Schema] that this package reads and
// writes.
const SchemaVersion = 1

// Schema is the JSON Schema (draft 2020-12) of a Matrix, the public interface
// of matrix.json. A reader must accept fields that it does not know.
//
//go:embed schema.json
var Schema []byte
