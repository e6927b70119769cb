package terminal

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/tally"
	"github.com/xmpp-testday/testday/results/text"
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
	count := tally.Of(m)
	b.WriteString(t.table(count))
	b.WriteString(t.totals(m, count.Total))
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

// part is a piece of text of one style.
type part struct {
	style style
	text  string
}

// parts is "✗3(1)", "✓40": marks and numbers, the worst first. A square whose cells
// are all counted apart is "–".
func parts(c tally.Counts) []part {
	var out []part
	for _, v := range tally.Verdicts() {
		n, known := c.Cells(v), c.Known(v)
		if n == 0 || tally.Apart(v) {
			continue
		}
		p := part{marks[v].style, fmt.Sprintf("%s%d", marks[v].sign, n)}
		if known > 0 {
			p.text += fmt.Sprintf("(%d)", known)
			if known == n {
				p.style = dim
			}
		}
		out = append(out, p)
	}
	if len(out) == 0 && c.Sum() > 0 {
		return []part{{dim, "–"}}
	}
	return out
}

// grid is a table whose squares are lists of parts.
type grid struct {
	rows, columns []string
	squares       [][][]part
}

// table lays the matrix out for the width that there is: with the names of the
// subjects as headings, else with numbers for them, else with the parts of a
// square below each other.
func (t *Terminal) table(count tally.Tally) string {
	if count.Total.Sum() == 0 {
		return "No cells.\n"
	}
	var named, numbered grid
	for n, from := range count.Names {
		name := text.Line(text.Cut(from, maxName))
		named.rows, named.columns = append(named.rows, name), append(named.columns, name)
		numbered.rows = append(numbered.rows, fmt.Sprintf("%2d %s", n+1, name))
		numbered.columns = append(numbered.columns, fmt.Sprint(n+1))
		var row [][]part
		for _, to := range count.Names {
			row = append(row, parts(count.Pairs[tally.Pair{Initiator: from, Receiver: to}]))
		}
		named.squares = append(named.squares, row)
	}
	numbered.squares = named.squares
	width := t.width()
	for _, g := range []grid{named, numbered} {
		if laid, w := t.lay(g, false); w <= width {
			return laid
		}
	}
	laid, _ := t.lay(numbered, true)
	return laid
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
func (t *Terminal) totals(m *results.Matrix, total tally.Counts) string {
	var b, beside strings.Builder
	anyKnown := false
	for _, v := range tally.Verdicts() {
		n, known := total.Cells(v), total.Known(v)
		if n == 0 {
			continue
		}
		k := marks[v]
		name, meaning := k.sign+" "+string(v), k.meaning
		if known > 0 {
			anyKnown = true
			meaning += fmt.Sprintf("; %d known", known)
		}
		line := fmt.Sprintf("%5d %s%s  %s\n", n, t.paint(k.style, name),
			strings.Repeat(" ", max(0, maxMark-utf8.RuneCountInString(name))), t.paint(dim, meaning))
		if tally.Apart(v) {
			beside.WriteString(line)
		} else {
			b.WriteString(line)
		}
	}
	head := fmt.Sprintf("\n%s of %s, profile %s", plural(len(m.Cells), "cell"), plural(len(m.Scenarios), "scenario"), clean(m.Run.Profile))
	if anyKnown {
		head += "; (n) of them known"
	}
	head += "\n" + b.String()
	if beside.Len() > 0 {
		head += "Counted apart, not in the table:\n" + beside.String()
	}
	return head + "\n"
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
	slices.SortStableFunc(cells, func(a, b *results.Cell) int { return tally.Rank(a.Verdict) - tally.Rank(b.Verdict) })
	var b strings.Builder
	b.WriteString("\nReproduce:\n")
	for _, c := range cells[:min(len(cells), maxCommands)] {
		m := marks[c.Verdict]
		b.WriteString("  " + t.paint(m.style, m.sign) + " " + clean(c.Reproduce) + "\n")
	}
	if more := len(cells) - maxCommands; more > 0 {
		fmt.Fprintf(&b, "    and %d more, on the page\n", more)
	}
	return b.String()
}
