// Package page writes a test day as one web page that needs nothing beside it: no
// network, no server, no other file.
//
//	f, err := os.Create(filepath.Join(run, "index.html"))
//	...
//	err = page.Write(f, matrix)
//
// The page shows initiators by receivers, and from a square of that table its
// cells, and from a cell its evidence, with links to the artefacts that lie
// beside the page in the folder of the run. What is selected and filtered stands in
// the fragment of its address, so that a cell can be linked to:
//
//	index.html#cell=s2s/starttls/required-both:prosody@13:ejabberd@26.07
//	index.html#v=exposed,fail&f=s2s-pkix&s=prosody@13&q=alert&core=1&red=1
//	index.html#pair=prosody@13,ejabberd@26.07
//
// Without JavaScript it still is a summary: subjects, counts, the table, the red
// cells.
//
// What servers said is hostile. html/template escapes what the page is written
// from, its script makes text nodes only, and a Content Security Policy lets
// nothing run but that script, by its hash, and lets nothing be loaded.
package page
