// Package tally counts the cells of a test day: by verdict, and by initiator and
// receiver. Every publication that shows a matrix shows these numbers.
//
//	t := tally.Of(matrix)
//	for _, from := range t.Names {
//		for _, to := range t.Names {
//			c := t.Pairs[tally.Pair{Initiator: from, Receiver: to}]
//			for _, v := range tally.Verdicts() {
//				fmt.Println(from, to, v, c.Cells(v), c.Known(v))
//			}
//		}
//	}
package tally
