package known

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/text"
)

// maxSize bounds a file, in bytes; a thousand entries are a fifth of it.
const maxSize = 1 << 20

// maxDepth bounds the nesting that is handed to the YAML parser. An entry needs
// two levels.
const maxDepth = 64

// Entry is one known failure.
type Entry struct {
	// Cell is a pattern over cell ids.
	Cell string
	// Verdict is what the cells come to: exposed, fail, no-interop or weaker.
	Verdict results.Verdict
	// Why is a substring of what the cells say of it.
	Why string
	// Reason is what is wrong, in the words of who wrote the entry.
	Reason string
	// Link is the URL of a bug report, or "unreported".
	Link string
	// Since is the day of the entry, "2026-03-01".
	Since string
	// Flaky: the cells fail so in some runs and not in others, so that the entry is
	// never out of date. Say in Reason what decides.
	Flaky bool
	// Line is where the entry begins in its file, from 1.
	Line int
}

// matches reports whether a cell is what the entry says.
func (e *Entry) matches(c *results.Cell) bool {
	return c.Verdict == e.Verdict && strings.Contains(c.Why, e.Why) && match(e.Cell, c.ID)
}

// File is a file of known failures. The zero value knows none.
type File struct {
	// Name is the file's name, for messages.
	Name    string
	Entries []Entry
}

// Load reads the file at path. Every error is one line that names the file,
// and the line in it when its content is at fault.
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("known failures: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("known failures: %w", err)
	}
	return Parse(path, data)
}

// Parse reads a file's content: a YAML sequence of mappings, each with every
// field of [Entry] in lower case and no other. Name is used in errors, which are
// one line each: "known.yaml:12: verdict ...". Flaky may be left out. A file without
// entries is fine.
func Parse(name string, data []byte) (*File, error) {
	if len(data) > maxSize {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxSize)
	}
	if line := tooDeep(data); line > 0 {
		return nil, fmt.Errorf("%s:%d: nested deeper than %d levels", name, line, maxDepth)
	}
	doc, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	file := &File{Name: name}
	seen := map[[3]string]int{}
	for n, d := range doc.Docs {
		if d == nil || d.Body == nil {
			continue
		}
		if n > 0 {
			return nil, fmt.Errorf("%s:%d: a second YAML document", name, line(d.Body))
		}
		if _, ok := d.Body.(*ast.CommentGroupNode); ok {
			continue
		}
		list, ok := d.Body.(*ast.SequenceNode)
		if !ok {
			return nil, fmt.Errorf("%s:%d: want a list of entries, found a %s", name, line(d.Body), kind(d.Body))
		}
		for _, node := range list.Values {
			e, at, err := parseEntry(node)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, at, err)
			}
			key := [3]string{e.Cell, string(e.Verdict), e.Why}
			if first, ok := seen[key]; ok {
				return nil, fmt.Errorf("%s:%d: repeats the entry of line %d", name, at, first)
			}
			seen[key] = e.Line
			file.Entries = append(file.Entries, e)
		}
	}
	return file, nil
}

// tooDeep returns the first line at which brackets or block entries are opened
// beyond maxDepth, or 0. It counts without a look at quotes or comments, so it
// may refuse what is merely strange, and it keeps a recursive parser off deep
// input.
func tooDeep(data []byte) int {
	depth := 0
	for n, line := range strings.Split(string(data), "\n") {
		indent := len(line) - len(strings.TrimLeft(line, " -?:\t"))
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
		}
		if depth > maxDepth || indent > 2*maxDepth {
			return n + 1
		}
	}
	return 0
}

// syntaxError brings the parser's error, which quotes the source over several
// lines, down to one.
func syntaxError(name string, err error) error {
	var e yaml.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %s", name, text.Line(err.Error()))
	}
	at := 1
	if t := e.GetToken(); t != nil && t.Position != nil {
		at = t.Position.Line
	}
	return fmt.Errorf("%s:%d: %s", name, at, text.Line(e.GetMessage()))
}

// field is one field of an entry in the file. Its check, where there is one,
// says what is wrong with a value.
type field struct {
	name     string
	set      func(*Entry, string)
	check    func(string) error
	optional bool
}

// fields are an entry's, in the order they are asked for.
var fields = []field{
	{name: "cell", set: func(e *Entry, v string) { e.Cell = v }, check: checkPattern},
	{name: "verdict", set: func(e *Entry, v string) { e.Verdict = results.Verdict(v) }, check: checkVerdict},
	{name: "why", set: func(e *Entry, v string) { e.Why = v }},
	{name: "reason", set: func(e *Entry, v string) { e.Reason = v }},
	{name: "link", set: func(e *Entry, v string) { e.Link = v }, check: checkLink},
	{name: "since", set: func(e *Entry, v string) { e.Since = v }, check: checkSince},
	{name: "flaky", set: func(e *Entry, v string) { e.Flaky = v == "true" }, check: checkBool, optional: true},
}

// parseEntry reads one entry. The line goes with the error.
func parseEntry(node ast.Node) (e Entry, at int, err error) {
	e.Line = line(node)
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		return e, e.Line, fmt.Errorf("want an entry, found a %s", kind(node))
	}
	if len(values) > 0 {
		e.Line = line(values[0].Key)
	}
	given := map[string]bool{}
	for _, v := range values {
		at := line(v.Key)
		key, _ := scalar(v.Key)
		n := slices.IndexFunc(fields, func(f field) bool { return f.name == key })
		if n < 0 {
			return e, at, fmt.Errorf("unknown field %q", key)
		}
		f := fields[n]
		if given[key] {
			return e, at, fmt.Errorf("%s is given twice", key)
		}
		given[key] = true
		value, ok := scalar(v.Value)
		if !ok {
			return e, at, fmt.Errorf("%s: want text, found a %s", key, kind(v.Value))
		}
		value = strings.TrimSpace(value)
		if value == "" {
			return e, at, fmt.Errorf("%s is empty", key)
		}
		if f.check != nil {
			if err := f.check(value); err != nil {
				return e, at, fmt.Errorf("%s %q: %w", key, value, err)
			}
		}
		f.set(&e, value)
	}
	for _, f := range fields {
		if !given[f.name] && !f.optional {
			return e, e.Line, fmt.Errorf("the entry has no %s", f.name)
		}
	}
	return e, e.Line, nil
}

// knowable are the verdicts that an entry may name: those that say that
// something should be otherwise.
var knowable = []results.Verdict{results.Exposed, results.Fail, results.NoInterop, results.Weaker}

func checkBool(v string) error {
	if v != "true" && v != "false" {
		return errors.New("want true or false")
	}
	return nil
}

func checkVerdict(v string) error {
	if !slices.Contains(knowable, results.Verdict(v)) {
		return fmt.Errorf("want one of %s, %s, %s, %s", knowable[0], knowable[1], knowable[2], knowable[3])
	}
	return nil
}

func checkLink(v string) error {
	if v == "unreported" {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New(`want an http or https URL, or "unreported"`)
	}
	return nil
}

func checkSince(v string) error {
	if _, err := time.Parse(time.DateOnly, v); err != nil {
		return errors.New("want a date like 2026-03-01")
	}
	return nil
}

// scalar returns what a scalar says as it is written, so that a date or a number
// needs no quotes. Anchors, aliases, tags and collections are not text.
func scalar(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return node.GetToken().Value, true
	case *ast.NullNode:
		return "", true
	}
	return "", false
}

func kind(node ast.Node) string {
	if node == nil {
		return "nothing"
	}
	return strings.ToLower(strings.TrimSuffix(node.Type().String(), "Node"))
}

// line returns the line of a node, from 1.
func line(node ast.Node) int {
	if node == nil {
		return 1
	}
	if t := node.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}
