package ca_test

import (
	"fmt"
	"log"
	"time"

	"github.com/xmpp-testday/testday/ca"
)

func ExampleAuthority_Make() {
	a, err := ca.New()
	if err != nil {
		log.Fatal(err)
	}
	for _, kind := range []ca.Kind{ca.Good, ca.SelfSigned, ca.OtherName} {
		cert, err := a.Make(kind, "k7.lab")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %v by %q\n", kind, cert.Leaf().DNSNames, cert.Leaf().Issuer.CommonName)
	}
	// Output:
	// good: [k7.lab] by "Testday lab CA"
	// self: [k7.lab] by "k7.lab"
	// other: [stranger.example] by "Testday lab CA"
}

func ExampleAuthority_Issue() {
	now := time.Date(2014, 5, 19, 0, 0, 0, 0, time.UTC)
	a, err := ca.New(ca.WithClock(func() time.Time { return now }))
	if err != nil {
		log.Fatal(err)
	}
	cert, err := a.Issue(ca.Leaf{
		Names:    []string{"k7.lab", "conference.k7.lab"},
		NotAfter: time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cert)
	// Output: CN=k7.lab,O=Testday lab, issued by CN=Testday lab CA,O=Testday lab, valid 2014-05-18 00:00:00 to 2014-05-19 01:00:00
}
