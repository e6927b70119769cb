package servers

import (
	"embed"
	"io/fs"
)

//go:embed keylog
var shim embed.FS

// KeyLogFiles is the build context of the key log shim's image, which the
// Dockerfile of every shipped server copies from. Its build argument is BASE.
func KeyLogFiles() fs.FS {
	files, err := fs.Sub(shim, "keylog")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return files
}
