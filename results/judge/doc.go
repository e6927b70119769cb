// Package judge reaches verdicts. A verdict is a pure function of a question
// (what a scenario asks), the observation of one cell and the verdicts of the
// cell's controls; nothing else is read, so an old run can be judged again.
//
//	j := judge.Judge(judge.Question{Checks: []judge.Check{judge.PrefersTLS("TLS 1.3")}}, obs, controls)
//	fmt.Println(j.Verdict, j.Blame, j.Why)
//
// Every question is first put to the oracle (package oracle), which derives
// from both policies and certificates what must, may and must not happen.
// Checks add what a scenario asks besides. A check that finds nothing wrong
// says nothing; the judge, not the check, decides that a cell passes, and only
// with two independent kinds of evidence for every fact.
package judge
