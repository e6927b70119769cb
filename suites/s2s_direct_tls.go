package suites

// directTLS is section 1.7 of the catalogue.
var directTLS = []Scenario{}
