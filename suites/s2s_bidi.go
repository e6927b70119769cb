package suites

// bidi is section 1.9 of the catalogue.
var bidi = []Scenario{}
