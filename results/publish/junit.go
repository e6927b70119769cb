package publish

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xmpp-testday/testday/results"
)

type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	junitCounts
	Suites []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	junitCounts
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCounts struct {
	Name     string `xml:"name,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Time     string `xml:"time,attr"`

	seconds float64
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
	Skipped *junitProblem `xml:"skipped"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes junit.xml: a suite for each family, a test case for each
// cell. A red cell is a failure unless it is known, a harness error is an error,
// and a cell without a verdict on its subjects (not-supported, skipped,
// inconclusive) is skipped.
func WriteJUnit(w io.Writer, m *results.Matrix) error {
	m = stable(m)
	scenarios := scenarioIndex(m)
	doc := junitSuites{junitCounts: junitCounts{Name: "testday " + clean(m.Run.ID), Time: seconds(0)}}
	suites := map[string]*junitSuite{}
	for n := range m.Cells {
		c := &m.Cells[n]
		family := c.Scenario
		if s := scenarios[c.Scenario]; s != nil {
			family = s.Family
		}
		suite := suites[family]
		if suite == nil {
			suite = &junitSuite{junitCounts: junitCounts{Name: clean(family)}, Timestamp: m.Run.Started.UTC().Format("2006-01-02T15:04:05")}
			suites[family] = suite
			doc.Suites = append(doc.Suites, suite)
		}
		tc := newJUnitCase(c, suite.Name, citations(c, scenarios))
		suite.Cases = append(suite.Cases, tc)
		suite.add(c, &tc)
		doc.add(c, &tc)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write matrix as JUnit: %w", err)
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(doc); err != nil {
		return fmt.Errorf("write matrix as JUnit: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("write matrix as JUnit: %w", err)
	}
	return nil
}

func newJUnitCase(c *results.Cell, family, cites string) junitCase {
	tc := junitCase{Class: family, Name: clean(c.ID), Time: seconds(c.Seconds)}
	lines := []string{string(c.Verdict) + ": " + clean(c.Why)}
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, name+": "+clean(value))
		}
	}
	add("blame", string(c.Blame))
	if c.Known != nil {
		add("known since "+clean(c.Known.Since), c.Known.Reason+" ("+c.Known.Link+")")
	}
	add("policy", c.Policy)
	add("expected", c.Expected)
	add("possible", c.Possible)
	add("rule", cites)
	add("reproduce", c.Reproduce)
	text := strings.Join(lines, "\n")
	tc.Out = text
	problem := &junitProblem{Message: clean(c.Why), Type: string(c.Verdict)}
	switch {
	case c.Verdict == results.HarnessError:
		problem.Text = text
		tc.Error = problem
	case c.Verdict.Red() && c.Known == nil:
		problem.Text = text
		tc.Failure = problem
	case c.Verdict == results.NotSupported || c.Verdict == results.Skipped || c.Verdict == results.Inconclusive:
		problem.Type = ""
		problem.Message = string(c.Verdict) + ": " + problem.Message
		tc.Skipped = problem
	}
	return tc
}

func (s *junitCounts) add(c *results.Cell, tc *junitCase) {
	s.Tests++
	switch {
	case tc.Failure != nil:
		s.Failures++
	case tc.Error != nil:
		s.Errors++
	case tc.Skipped != nil:
		s.Skipped++
	}
	s.seconds += c.Seconds
	s.Time = seconds(s.seconds)
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 3, 64) }
