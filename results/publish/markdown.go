package publish

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/tally"
)

// marks are how verdicts stand in a table.
var marks = map[results.Verdict]struct{ mark, meaning string }{
	results.Exposed:      {"‼", "a security failure: plaintext, a leak, or an identity accepted that was not verified"},
	results.Fail:         {"✗", "contradicts a MUST or the profile"},
	results.HarnessError: {"H", "the world was not as declared, or the harness failed; says nothing of the subjects"},
	results.NoInterop:    {"∅", "nobody broke a rule, and what should arrive did not"},
	results.Inconclusive: {"?", "neither proven"},
	results.Weaker:       {"≈", "works, below what the pair could do or against a SHOULD"},
	results.Pass:         {"✓", "every expected fact was seen"},
	results.NotSupported: {"–", "cannot be configured so, or lacks an optional feature and failed safe"},
	results.Skipped:      {"·", "not run by choice"},
}

// counted is "‼2 ✗1(1 known) ✓38".
func counted(c tally.Counts) string {
	var parts []string
	for _, v := range tally.Verdicts() {
		n, known := c.Cells(v), c.Known(v)
		switch {
		case n == 0:
		case known > 0:
			parts = append(parts, fmt.Sprintf("%s%d(%d known)", marks[v].mark, n, known))
		default:
			parts = append(parts, fmt.Sprintf("%s%d", marks[v].mark, n))
		}
	}
	return strings.Join(parts, " ")
}

// WriteMarkdown writes matrix.md, for a pull request or a job's summary.
func WriteMarkdown(out io.Writer, m *results.Matrix) error {
	m = stable(m)
	w := bufio.NewWriter(out)
	t := tally.Of(m)
	markdownHead(w, m, t.Total)
	if len(m.Cells) > 0 {
		markdownTable(w, t)
	}
	markdownCells(w, m, "Red cells", func(c *results.Cell) bool { return c.Verdict.Red() && c.Known == nil })
	markdownCells(w, m, "Red cells, known", func(c *results.Cell) bool { return c.Verdict.Red() && c.Known != nil })
	markdownCells(w, m, "Cells in which the harness failed", func(c *results.Cell) bool { return c.Verdict == results.HarnessError })
	fmt.Fprintf(w, "## Legend\n\nRows initiate, columns receive. A number is a count of cells; known cells match an entry of the known-failures file.\n\n")
	fmt.Fprintf(w, "| mark | verdict | meaning |\n|---|---|---|\n")
	for _, v := range tally.Verdicts() {
		fmt.Fprintf(w, "| %s | %s | %s |\n", marks[v].mark, v, marks[v].meaning)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write matrix as Markdown: %w", err)
	}
	return nil
}

func markdownHead(w io.Writer, m *results.Matrix, total tally.Counts) {
	run := m.Run
	fmt.Fprintf(w, "# Test day %s\n\n", markdown(run.ID))
	fmt.Fprintf(w, "%d cells of %d scenarios: %s\n\n", len(m.Cells), len(m.Scenarios), counted(total))
	finished := "cut short"
	if !run.Finished.IsZero() {
		finished = run.Finished.UTC().Format(time.RFC3339)
	}
	fmt.Fprintf(w, "Started %s, finished %s. Profile %s, seed %d, %d cores, %d containers, %.1f s.\n\n", run.Started.UTC().Format(time.RFC3339),
		finished, markdown(run.Profile), run.Seed, run.Cores, m.Timing.Containers, m.Timing.Wall)
	fmt.Fprintf(w, "| subject | version | image |\n|---|---|---|\n")
	for _, s := range m.Subjects {
		fmt.Fprintf(w, "| %s | %s | %s |\n", code(s.Name), markdown(s.Version), code(s.Image))
	}
	fmt.Fprintln(w)
}

func markdownTable(w io.Writer, t tally.Tally) {
	fmt.Fprintf(w, "## Matrix\n\n| initiator \\ receiver |")
	for _, r := range t.Names {
		fmt.Fprintf(w, " %s |", code(r))
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(t.Names)))
	for _, i := range t.Names {
		fmt.Fprintf(w, "| %s |", code(i))
		for _, r := range t.Names {
			fmt.Fprintf(w, " %s |", counted(t.Pairs[tally.Pair{Initiator: i, Receiver: r}]))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
}

func markdownCells(w io.Writer, m *results.Matrix, title string, want func(*results.Cell) bool) {
	var cells []*results.Cell
	for n := range m.Cells {
		if want(&m.Cells[n]) {
			cells = append(cells, &m.Cells[n])
		}
	}
	if len(cells) == 0 {
		return
	}
	slices.SortStableFunc(cells, func(a, b *results.Cell) int { return tally.Rank(a.Verdict) - tally.Rank(b.Verdict) })
	scenarios := scenarioIndex(m)
	fmt.Fprintf(w, "## %s\n\n", title)
	for _, c := range cells {
		blame := ""
		if c.Blame != results.NoBlame {
			blame = ", " + markdown(string(c.Blame))
		}
		fmt.Fprintf(w, "- **%s%s** %s: %s\n", markdown(string(c.Verdict)), blame, code(c.ID), markdown(c.Why))
		if c.Policy != "" || c.Expected != "" {
			fmt.Fprintf(w, "  - policy %s; expected: %s\n", code(c.Policy), markdown(c.Expected))
		}
		if cites := citations(c, scenarios); cites != "" {
			fmt.Fprintf(w, "  - rule: %s\n", markdown(cites))
		}
		if c.Known != nil {
			fmt.Fprintf(w, "  - known since %s: %s (%s)\n", markdown(c.Known.Since), markdown(c.Known.Reason), link(c.Known.Link))
		}
		if c.Reproduce != "" {
			fmt.Fprintf(w, "  - reproduce: %s\n", code(c.Reproduce))
		}
	}
	fmt.Fprintln(w)
}

// link makes a link of a bug report's address, if it is one that can stand in
// angle brackets.
func link(s string) string {
	web := strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
	if !web || s != clean(s) || strings.ContainsAny(s, " <>|\\") {
		return markdown(s)
	}
	return "<" + s + ">"
}

func scenarioIndex(m *results.Matrix) map[string]*results.ScenarioInfo {
	index := map[string]*results.ScenarioInfo{}
	for n := range m.Scenarios {
		index[m.Scenarios[n].ID] = &m.Scenarios[n]
	}
	return index
}

// citations names what decided a cell: "RFC 6120 section 5.3.1 (MUST)".
func citations(c *results.Cell, scenarios map[string]*results.ScenarioInfo) string {
	cites := c.Cites
	if s := scenarios[c.Scenario]; len(cites) == 0 && s != nil {
		cites = s.Cites
	}
	var parts []string
	for _, cite := range cites {
		text := cite.Document
		if cite.Section != "" {
			text += " section " + cite.Section
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", text, cite.Level))
	}
	return strings.Join(parts, ", ")
}
