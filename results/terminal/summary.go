package terminal

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xmpp-testday/testday/results"
)

const (
	// maxName is how much of a subject's name is shown, in columns.
	maxName = 20
	// maxMark is the width of the longest mark with its verdict, "H harness-error".
	maxMark = 15
	// maxCommands is how many red cells are told how to reproduce.
	maxCommands = 5
)

// Finish sums up a test day: initiators by receivers, totals, where the time
// went, the lines of the gate, where the page is, and how to reproduce the first red
// cells.
func (t *Terminal) Finish(m *results.Matrix, gateLines []string, pagePath string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest()
	var b strings.Builder
	b.WriteString("\n")
	b.WriteString(t.table(m))
	b.WriteString(t.totals(m))
	b.WriteString(timing(m) + "\n")
	if len(gateLines) > 0 {
		b.WriteString("\n")
		for _, line := range gateLines {
			b.WriteString(clean(line) + "\n")
		}
	}
	b.WriteString(t.commands(m))
	if pagePath != "" {
		b.WriteString("\nPage: " + t.paint(bold, clean(pagePath)) + "\n")
	}
	t.print(b.String())
}

// counts are the cells of a square by the place of their verdict among the marks.
type counts struct {
	cells, known [len(marks)]int
}

func (c *counts) add(cell *results.Cell) {
	n := rank(cell.Verdict)
	c.cells[n]++
	if cell.Known != nil {
		c.known[n]++
	}
}

// part is a piece of text of one style.
type part struct {
	style style
	text  string
}

// parts is "✗3(1)", "✓40": marks and numbers, the worst first.
func (c *counts) parts() []part {
	var out []part
	for n, m := range marks {
		if c.cells[n] == 0 || apart(m.verdict) {
			continue
		}
		p := part{m.style, fmt.Sprintf("%s%d", m.mark, c.cells[n])}
		if c.known[n] > 0 {
			p.text += fmt.Sprintf("(%d)", c.known[n])
			if c.known[n] == c.cells[n] {
				p.style = dim
			}
		}
		out = append(out, p)
	}
	return out
}

// names lists the subjects in the matrix's order, and after them those that only
// cells name.
func names(m *results.Matrix) []string {
	var out []string
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
	for _, c := range m.Cells {
		for _, s := range c.Subjects {
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

// grid is a table whose squares are lists of parts.
type grid struct {
	rows, columns []string
	squares       [][][]part
}

// table lays the matrix out for the width that there is: with the names of the
// subjects as headings, else with numbers for them, else with the parts of a
// square below each other.
func (t *Terminal) table(m *results.Matrix) string {
	all := names(m)
	if len(all) == 0 || len(m.Cells) == 0 {
		return "No cells.\n"
	}
	pairs := map[[2]string]*counts{}
	for n := range m.Cells {
		p := pair(&m.Cells[n])
		if pairs[p] == nil {
			pairs[p] = &counts{}
		}
		pairs[p].add(&m.Cells[n])
	}
	var named, numbered grid
	for n, i := range all {
		name := cut(clean(i), maxName)
		named.rows, named.columns = append(named.rows, name), append(named.columns, name)
		numbered.rows = append(numbered.rows, fmt.Sprintf("%2d %s", n+1, name))
		numbered.columns = append(numbered.columns, fmt.Sprint(n+1))
		var row [][]part
		for _, r := range all {
			var square []part
			if c := pairs[[2]string{i, r}]; c != nil {
				if square = c.parts(); len(square) == 0 {
					square = []part{{dim, "–"}}
				}
			}
			row = append(row, square)
		}
		named.squares = append(named.squares, row)
	}
	numbered.squares = named.squares
	width := t.width()
	for _, g := range []grid{named, numbered} {
		if text, w := t.lay(g, false); w <= width {
			return text
		}
	}
	text, _ := t.lay(numbered, true)
	return text
}

// lay formats a grid, and returns the width that it needs.
func (t *Terminal) lay(g grid, stacked bool) (string, int) {
	const corner = "from \\ to"
	label := len(corner)
	for _, r := range g.rows {
		label = max(label, utf8.RuneCountInString(r))
	}
	widths := make([]int, len(g.columns))
	lines := make([][][][]part, len(g.rows)) // row, column, line, part
	for n := range g.rows {
		lines[n] = make([][][]part, len(g.columns))
		for k := range g.columns {
			if square := g.squares[n][k]; stacked {
				for _, p := range square {
					lines[n][k] = append(lines[n][k], []part{p})
				}
			} else {
				lines[n][k] = [][]part{square}
			}
			widths[k] = max(widths[k], utf8.RuneCountInString(g.columns[k]))
			for _, l := range lines[n][k] {
				widths[k] = max(widths[k], length(l))
			}
		}
	}
	total := label
	for _, w := range widths {
		total += 2 + w
	}
	var b strings.Builder
	row := func(label string, columns []string) {
		b.WriteString(strings.TrimRight(label+strings.Join(columns, ""), " ") + "\n")
	}
	head := make([]string, len(g.columns))
	for k, c := range g.columns {
		head[k] = "  " + t.paint(bold, c) + strings.Repeat(" ", widths[k]-utf8.RuneCountInString(c))
	}
	row(t.paint(dim, corner)+strings.Repeat(" ", label-len(corner)), head)
	for n, r := range g.rows {
		height := 1
		for k := range g.columns {
			height = max(height, len(lines[n][k]))
		}
		for l := range height {
			text := strings.Repeat(" ", label)
			if l == 0 {
				text = t.paint(bold, r) + strings.Repeat(" ", label-utf8.RuneCountInString(r))
			}
			columns := make([]string, len(g.columns))
			for k := range g.columns {
				var line []part
				if l < len(lines[n][k]) {
					line = lines[n][k][l]
				}
				columns[k] = "  " + t.join(line) + strings.Repeat(" ", widths[k]-length(line))
			}
			row(text, columns)
		}
	}
	return b.String(), total
}

// length is the width of a line of parts, in columns.
func length(line []part) int {
	n := max(len(line)-1, 0)
	for _, p := range line {
		n += utf8.RuneCountInString(p.text)
	}
	return n
}

func (t *Terminal) join(line []part) string {
	var texts []string
	for _, p := range line {
		texts = append(texts, t.paint(p.style, p.text))
	}
	return strings.Join(texts, " ")
}

// totals explains each mark that was used, with its number of cells.
func (t *Terminal) totals(m *results.Matrix) string {
	var total counts
	known := 0
	for n := range m.Cells {
		total.add(&m.Cells[n])
		if m.Cells[n].Known != nil {
			known++
		}
	}
	var b, beside strings.Builder
	for n, k := range marks {
		if total.cells[n] == 0 {
			continue
		}
		name := k.mark + " " + string(k.verdict)
		meaning := k.meaning
		if total.known[n] > 0 {
			meaning += fmt.Sprintf("; %d known", total.known[n])
		}
		line := fmt.Sprintf("%5d %s%s  %s\n", total.cells[n], t.paint(k.style, name),
			strings.Repeat(" ", max(0, maxMark-utf8.RuneCountInString(name))), t.paint(dim, meaning))
		if apart(k.verdict) {
			beside.WriteString(line)
		} else {
			b.WriteString(line)
		}
	}
	text := fmt.Sprintf("\n%s of %s, profile %s", plural(len(m.Cells), "cell"), plural(len(m.Scenarios), "scenario"), clean(m.Run.Profile))
	if known > 0 {
		text += "; (n) of them known"
	}
	text += "\n" + b.String()
	if beside.Len() > 0 {
		text += "Counted apart, not in the table:\n" + beside.String()
	}
	return text + "\n"
}

func timing(m *results.Matrix) string {
	s := m.Timing
	text := fmt.Sprintf("Images %s, boot %s, observe %s, wall %s;\nCPU %s on %s; %s",
		seconds(s.Images), seconds(s.Boot), seconds(s.Observe), seconds(s.Wall), seconds(s.CPU),
		plural(m.Run.Cores, "core"), plural(s.Containers, "container"))
	if m.Run.Finished.IsZero() {
		text += "; cut short"
	}
	return text
}

// commands tells how to reproduce the first red cells that are not known.
func (t *Terminal) commands(m *results.Matrix) string {
	var cells []*results.Cell
	for n := range m.Cells {
		if c := &m.Cells[n]; c.Verdict.Red() && c.Known == nil && c.Reproduce != "" {
			cells = append(cells, c)
		}
	}
	if len(cells) == 0 {
		return ""
	}
	slices.SortStableFunc(cells, func(a, b *results.Cell) int { return rank(a.Verdict) - rank(b.Verdict) })
	var b strings.Builder
	b.WriteString("\nReproduce:\n")
	for _, c := range cells[:min(len(cells), maxCommands)] {
		m := marks[rank(c.Verdict)]
		b.WriteString("  " + t.paint(m.style, m.mark) + " " + clean(c.Reproduce) + "\n")
	}
	if more := len(cells) - maxCommands; more > 0 {
		fmt.Fprintf(&b, "    and %d more, on the page\n", more)
	}
	return b.String()
}
