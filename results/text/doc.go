// Package text makes what servers said fit to be shown. All of it is hostile: it
// may hold line breaks that forge a line, escapes that steer a terminal, marks of
// direction that reorder what stands beside them, characters without width, bytes
// that are not UTF-8, and more of everything than anybody wants to read.
//
//	text.Line("bad\x1b[2J\ncertificate")            // "bad�[2J certificate"
//	text.Line(text.Cut(why, 1000))                  // no longer than 1000 runes
//	text.Visible("error:\tno \u202esuch\u202c host") // "error:\tno �such� host"
//
// What remains is plain text. To place it in Markdown, XML or HTML it must still
// be escaped as those ask.
package text
