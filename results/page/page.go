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
	"time"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/tally"
	"github.com/xmpp-testday/testday/results/text"
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

// verdicts are the verdicts, in the order of [tally.Verdicts].
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

// count is how many cells have a verdict, and how many of them are known. X and
// Width are its place in a bar that is 100 wide.
type count struct {
	verdict
	Cells, Known int
	X, Width     float64
}

// counts lists the verdicts that there are, the worst first: those that are judged,
// or those that are counted apart.
func counts(c tally.Counts, apart bool) []count {
	var out []count
	all := 0
	for _, v := range verdicts {
		if n := c.Cells(v.Name); n > 0 && tally.Apart(v.Name) == apart {
			out = append(out, count{verdict: v, Cells: n, Known: c.Known(v.Name)})
			all += n
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
	t := tally.Of(m)
	v := &view{
		Policy: policy, Style: template.CSS(style), Script: template.JS(script), M: m,
		When: when(m.Run), Names: t.Names, Verdicts: verdicts,
		Judged: counts(t.Total, false), Apart: counts(t.Total, true),
	}
	bySubject, byFamily := map[string]int{}, map[string]int{}
	families := familyIndex(m)
	for n := range m.Cells {
		c := &m.Cells[n]
		p := tally.PairOf(c)
		bySubject[p.Initiator]++
		if p.Receiver != p.Initiator {
			bySubject[p.Receiver]++
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
	slices.SortStableFunc(v.RedCells, func(a, b *results.Cell) int { return tally.Rank(a.Verdict) - tally.Rank(b.Verdict) })
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
			c := t.Pairs[tally.Pair{Initiator: from, Receiver: to}]
			r.Squares = append(r.Squares, square{Row: i, Column: k, From: from, To: to, Judged: counts(c, false), Apart: counts(c, true)})
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
	all, err := json.Marshal(data{verdicts, v.Names, familyNames, m})
	if err != nil {
		return nil, err
	}
	v.Data = template.JS(all)
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

// when is "1 March 2026, 10:00:00 to 10:00:42 UTC".
func when(r results.Run) string {
	start, end := r.Started.UTC(), r.Finished.UTC()
	begin := start.Format("2 January 2006, 15:04:05")
	switch {
	case end.IsZero():
		return begin + " UTC, cut short"
	case start.Format(time.DateOnly) == end.Format(time.DateOnly):
		return begin + " to " + end.Format("15:04:05") + " UTC"
	default:
		return begin + " to " + end.Format("2 January 2006, 15:04:05") + " UTC"
	}
}

// seconds is "0.4 s", "83 s".
func seconds(s float64) string {
	if s >= 60 {
		return fmt.Sprintf("%.0f s", s)
	}
	return fmt.Sprintf("%.1f s", s)
}

// clean makes one line of a text from outside.
func clean(s any) string { return text.Line(fmt.Sprint(s)) }
