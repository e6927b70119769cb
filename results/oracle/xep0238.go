package oracle

// Side is one side of a flow, by lab policy and kind of certificate.
type Side struct {
	Policy      string // off, P0, P1 or P2
	Certificate string // good or self
}

// Flow is one of the 36 attempts of XEP-0238 section 3.
type Flow struct {
	// I and R are the types of the initiating and the receiving service, 1 to 6
	// (XEP-0238 section 2).
	I, R int
	// Published is the table's result: V, verified by dialback in clear; E,
	// encrypted, with dialback; T, trusted, by certificate; U, unsuccessful.
	Published string
	// Initiator and Receiver are the types as the lab sets them.
	Initiator, Receiver Side
}

// xep0238Types are the service types in order. Type 1 knows no TLS between
// servers; its certificate is for its clients.
var xep0238Types = []Side{
	{"off", "good"}, // 1, verified only
	{"P0", "self"},  // 2, verified acceptable, self-signed
	{"P0", "good"},  // 3, verified acceptable, CA-issued
	{"P1", "self"},  // 4, encrypted required, self-signed
	{"P1", "good"},  // 5, encrypted required, CA-issued
	{"P2", "good"},  // 6, trusted required, CA-issued, no dialback
}

// xep0238Table is XEP-0238 section 3, "Connection Success"; rows initiate.
var xep0238Table = []string{
	"VVVUUU",
	"VVEEUU",
	"VVEEET",
	"UEEEEU",
	"UETETT",
	"UUTUTT",
}

// XEP0238 returns the 36 flows of XEP-0238, rows first. What the lab expects of
// them is for [Ask] to say: the XEP is from 2008, and the tests list where it
// differs and why.
func XEP0238() []Flow {
	flows := make([]Flow, 0, 36)
	for i, row := range xep0238Table {
		for r, published := range row {
			flows = append(flows, Flow{
				I: i + 1, R: r + 1, Published: string(published),
				Initiator: xep0238Types[i], Receiver: xep0238Types[r],
			})
		}
	}
	return flows
}
