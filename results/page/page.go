package page

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/xmpp-testday/testday/results"
)

var (
	//go:embed page.html
	source string
	//go:embed page.css
	style string
	//go:embed page.js
	script string

	page = template.Must(template.New("page").Funcs(template.FuncMap{"clean": clean, "seconds": seconds}).Parse(source))
)

// policy is the Content Security Policy of the page: its own style and script, and
// nothing from anywhere.
var policy = fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", hash(script), hash(style))

// hash is a source expression for an inline element (CSP level 3 section 2.3.1).
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// verdict is a verdict as the page shows it.
type verdict struct {
	Name    results.Verdict `json:"name"`
	Mark    string          `json:"mark"`
	Meaning string          `json:"meaning"`
	// Apart: not counted among the cells that were judged.
	Apart bool `json:"apart,omitempty"`
	// Attention: somebody should look at it.
	Attention bool `json:"attention,omitempty"`
	// Red: a rule was broken, see [results.Verdict.Red].
	Red bool `json:"red,omitempty"`
}

// verdicts are the verdicts, the worst first.
var verdicts = []verdict{
	{Name: results.Exposed, Mark: "‼\ufe0e", Attention: true, Red: true,
		Meaning: "A security failure: plaintext, a leaked secret, or an identity accepted that was not verified."},
	{Name: results.Fail, Mark: "✗", Attention: true, Red: true,
		Meaning: "Contradicts a MUST or the profile; the side to blame is named."},
	{Name: results.HarnessError, Mark: "H", Attention: true,
		Meaning: "The world was not as declared, or the harness broke. Says nothing of the subjects."},
	{Name: results.NoInterop, Mark: "∅", Attention: true,
		Meaning: "Nobody broke a rule, but what should have arrived did not."},
	{Name: results.Inconclusive, Mark: "?", Attention: true,
		Meaning: "Neither proven."},
	{Name: results.Weaker, Mark: "≈",
		Meaning: "Works, below what this pair could do or against a SHOULD."},
	{Name: results.Pass, Mark: "✓",
		Meaning: "Every expected fact was seen, with its control, by two independent kinds of evidence."},
	{Name: results.NotSupported, Mark: "–", Apart: true,
		Meaning: "The subject cannot be configured so, or lacks an optional feature and failed safe. Counted apart."},
	{Name: results.Skipped, Mark: "·", Apart: true,
		Meaning: "Not run by choice. Counted apart."},
}

// rank is the place of a verdict among the verdicts. What is not a verdict proves
// nothing.
func rank(v results.Verdict) int {
	if n := slices.IndexFunc(verdicts, func(k verdict) bool { return k.Name == v }); n >= 0 {
		return n
	}
	return slices.IndexFunc(verdicts, func(k verdict) bool { return k.Name == results.Inconclusive })
}

// count is how many cells have a verdict, and how many of them are known. X and
// Width are its place in a bar that is 100 wide.
type count struct {
	verdict
	Cells, Known int
	X, Width     float64
}

// tally counts cells.
type tally struct {
	cells, known map[int]int
}

func (t *tally) add(c *results.Cell) {
	if t.cells == nil {
		t.cells, t.known = map[int]int{}, map[int]int{}
	}
	n := rank(c.Verdict)
	t.cells[n]++
	if c.Known != nil {
		t.known[n]++
	}
}

// counts lists the verdicts that there are, the worst first.
func (t *tally) counts(apart bool) []count {
	var out []count
	all := 0
	for n, v := range verdicts {
		if v.Apart == apart && t.cells[n] > 0 {
			out = append(out, count{verdict: v, Cells: t.cells[n], Known: t.known[n]})
			all += t.cells[n]
		}
	}
	x := 0.0
	for n := range out {
		out[n].X, out[n].Width = x, 100*float64(out[n].Cells)/float64(all)
		x += out[n].Width
	}
	return out
}

// square is the cells of an initiator and a receiver.
type square struct {
	Row, Column   int
	From, To      string
	Judged, Apart []count
}

// Worst is the verdict that the square is named by.
func (s square) Worst() verdict {
	if len(s.Judged) > 0 {
		return s.Judged[0].verdict
	}
	return s.Apart[0].verdict
}

// AllKnown reports whether there are red cells and each of them is known.
func (s square) AllKnown() bool {
	red, known := 0, 0
	for _, c := range s.Judged {
		if c.Name.Red() {
			red += c.Cells
			known += c.Known
		}
	}
	return red > 0 && red == known
}

// Empty reports whether the pair has no cells.
func (s square) Empty() bool { return len(s.Judged)+len(s.Apart) == 0 }

type row struct {
	Name    string
	Squares []square
}

// option is one box of a filter. The script knows its value by its index.
type option struct {
	Value string
	Index int
	Cells int
}

// view is what the template is given.
type view struct {
	Policy        string
	Style         template.CSS
	Script        template.JS
	Data          template.JS
	M             *results.Matrix
	When          string
	Judged, Apart []count
	JudgedCells   int
	Red, KnownRed int
	Broken        int
	Rate          float64
	Names         []string
	Rows          []row
	RedCells      []*results.Cell
	Verdicts      []verdict
	VerdictBoxes  []count
	Families      []option
	SubjectBoxes  []option
}

// data is what the script is given.
type data struct {
	Verdicts []verdict       `json:"verdicts"`
	Names    []string        `json:"names"`
	Families []string        `json:"families"`
	Matrix   *results.Matrix `json:"matrix"`
}

// Write writes the page of a test day. Equal matrices give equal bytes, whatever
// the order of their cells.
func Write(w io.Writer, m *results.Matrix) error {
	sorted := *m
	sorted.Cells = slices.Clone(m.Cells)
	slices.SortStableFunc(sorted.Cells, func(a, b results.Cell) int { return cmp.Compare(a.ID, b.ID) })
	v, err := newView(&sorted)
	if err != nil {
		return fmt.Errorf("write matrix as a page: %w", err)
	}
	if err := page.Execute(w, v); err != nil {
		return fmt.Errorf("write matrix as a page: %w", err)
	}
	return nil
}

func newView(m *results.Matrix) (*view, error) {
	v := &view{
		Policy: policy, Style: template.CSS(style), Script: template.JS(script), M: m,
		When: when(m.Run), Names: names(m), Verdicts: verdicts,
	}
	var all tally
	pairs := map[[2]string]*tally{}
	bySubject, byFamily := map[string]int{}, map[string]int{}
	families := familyIndex(m)
	for n := range m.Cells {
		c := &m.Cells[n]
		all.add(c)
		p := pair(c)
		if pairs[p] == nil {
			pairs[p] = &tally{}
		}
		pairs[p].add(c)
		bySubject[p[0]]++
		if p[1] != p[0] {
			bySubject[p[1]]++
		}
		byFamily[families[c.Scenario]]++
		switch {
		case c.Verdict == results.HarnessError:
			v.Broken++
		case c.Verdict.Red():
			v.Red++
			v.RedCells = append(v.RedCells, c)
			if c.Known != nil {
				v.KnownRed++
			}
		}
	}
	slices.SortStableFunc(v.RedCells, func(a, b *results.Cell) int { return rank(a.Verdict) - rank(b.Verdict) })
	v.Judged, v.Apart = all.counts(false), all.counts(true)
	for _, c := range v.Judged {
		v.JudgedCells += c.Cells
	}
	v.VerdictBoxes = slices.Concat(v.Judged, v.Apart)
	if m.Timing.Observe > 0 {
		v.Rate = float64(len(m.Cells)) / m.Timing.Observe
	}
	for i, from := range v.Names {
		r := row{Name: from}
		for k, to := range v.Names {
			s := square{Row: i, Column: k, From: from, To: to}
			if t := pairs[[2]string{from, to}]; t != nil {
				s.Judged, s.Apart = t.counts(false), t.counts(true)
			}
			r.Squares = append(r.Squares, s)
		}
		v.Rows = append(v.Rows, r)
		v.SubjectBoxes = append(v.SubjectBoxes, option{from, i, bySubject[from]})
	}
	var familyNames []string
	for f := range byFamily {
		familyNames = append(familyNames, f)
	}
	slices.Sort(familyNames)
	for n, f := range familyNames {
		v.Families = append(v.Families, option{f, n, byFamily[f]})
	}
	// The encoder escapes <, > and &, and the two separators that once ended a line of
	// JavaScript, so that no text can end the element.
	text, err := json.Marshal(data{verdicts, v.Names, familyNames, m})
	if err != nil {
		return nil, err
	}
	v.Data = template.JS(text)
	return v, nil
}

// familyIndex gives the family of each scenario of the matrix's cells. One that is
// not described is its own family.
func familyIndex(m *results.Matrix) map[string]string {
	index := map[string]string{}
	for _, c := range m.Cells {
		index[c.Scenario] = c.Scenario
	}
	for _, s := range m.Scenarios {
		index[s.ID] = s.Family
	}
	return index
}

// names lists the subjects in the matrix's order, and after them those that only
// cells name.
func names(m *results.Matrix) []string {
	out := []string{}
	seen := map[string]bool{}
	add := func(s string) {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	for _, s := range m.Subjects {
		add(s.Name)
	}
	listed := len(out)
	for n := range m.Cells {
		for _, s := range pair(&m.Cells[n]) {
			add(s)
		}
	}
	slices.Sort(out[listed:])
	return out
}

// pair returns the initiator and the receiver of a cell. A cell of one subject is in
// the row and the column of that.
func pair(c *results.Cell) [2]string {
	switch len(c.Subjects) {
	case 0:
		return [2]string{}
	case 1:
		return [2]string{c.Subjects[0], c.Subjects[0]}
	default:
		return [2]string{c.Subjects[0], c.Subjects[1]}
	}
}

// when is "1 March 2026, 10:00:00 to 10:00:42 UTC".
func when(r results.Run) string {
	start, end := r.Started.UTC(), r.Finished.UTC()
	text := start.Format("2 January 2006, 15:04:05")
	switch {
	case end.IsZero():
		return text + " UTC, cut short"
	case start.Format(time.DateOnly) == end.Format(time.DateOnly):
		return text + " to " + end.Format("15:04:05") + " UTC"
	default:
		return text + " to " + end.Format("2 January 2006, 15:04:05") + " UTC"
	}
}

// seconds is "0.4 s", "83 s".
func seconds(s float64) string {
	if s >= 60 {
		return fmt.Sprintf("%.0f s", s)
	}
	return fmt.Sprintf("%.1f s", s)
}

// clean makes what would reorder or hide a text visible: controls, marks of
// direction and characters without width become U+FFFD.
func clean(s any) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			return unicode.ReplacementChar
		default:
			return r
		}
	}, strings.ToValidUTF8(fmt.Sprint(s), string(unicode.ReplacementChar)))
}
