// Package publish writes a test day down for its readers, and reads it back.
//
// Every writer is a pure function of a [results.Matrix]:
//
//	matrix.json   everything, as schema.json describes it
//	matrix.md     summary, initiators by receivers, red cells
//	junit.xml     a test case a cell
//
// [All] writes them to the folder of a run, each whole or not at all, together with
// what other packages add:
//
//	err := publish.All(dir, matrix, publish.File{Name: "index.html", Write: page.Write})
//	...
//	earlier, err := publish.Read(filepath.Join(dir, "matrix.json"))
//
// Much of a matrix was said by the servers under test, and is hostile: nothing in it
// can leave the place that a writer gives it.
package publish
