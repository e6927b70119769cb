package oracle

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// This file holds the two published tables in full, each written down without a
// look at the oracle, and every difference between them and the oracle. A
// difference that is not listed fails, and so does a listed one that is gone.

// openfireRules are the expected outcomes of the Openfire project (class
// ExpectedOutcome of its tests), in order: the first match wins. db is whether
// both sides do dialback.
var openfireRules = []struct {
	number int
	match  func(i, r Setting, db bool) bool
	want   Class
}{
	{1, func(i, r Setting, _ bool) bool { return oneDisabled(i, r) && (i.TLS == Required || r.TLS == Required) }, NO},
	{2, func(i, r Setting, db bool) bool { return oneDisabled(i, r) && db }, PD},
	{3, func(i, r Setting, _ bool) bool { return oneDisabled(i, r) }, NO},
	{4, func(i, r Setting, db bool) bool {
		return r.Certificate == Missing && i.TLS == Optional && r.TLS == Optional && db
	}, PD},
	{5, func(i, r Setting, _ bool) bool {
		return r.Certificate == Missing && i.TLS == Optional && r.TLS == Optional
	}, NO},
	{6, func(_, r Setting, _ bool) bool { return r.Certificate == Missing }, NO},
	{7, func(i, r Setting, _ bool) bool { return r.Certificate == Invalid && i.Strict }, NO},
	{8, func(_, r Setting, db bool) bool { return r.Certificate == Invalid && db }, TD},
	{9, func(_, r Setting, _ bool) bool { return r.Certificate == Invalid }, NO},
	{10, func(i, _ Setting, db bool) bool { return i.Certificate == Missing && db }, TD},
	{11, func(i, _ Setting, _ bool) bool { return i.Certificate == Missing }, NO},
	{12, func(i, r Setting, _ bool) bool { return i.Certificate == Invalid && r.Strict }, NO},
	{13, func(i, _ Setting, db bool) bool { return i.Certificate == Invalid && db }, TD},
	{14, func(i, _ Setting, _ bool) bool { return i.Certificate == Invalid }, NO},
	{15, func(i, r Setting, _ bool) bool { return i.Certificate == Valid && r.Certificate == Valid }, SE},
}

func oneDisabled(i, r Setting) bool { return i.TLS == Disabled || r.TLS == Disabled }

// openfire returns the outcome and the number of the rule that gave it.
func openfire(i, r Setting) (Class, int) {
	for _, rule := range openfireRules {
		if rule.match(i, r, i.Dialback && r.Dialback) {
			return rule.want, rule.number
		}
	}
	return Unknown, 0
}

// openfireCells calls f for the 324 cells of one combination of strictness.
func openfireCells(iStrict, rStrict bool, f func(i, r Setting)) {
	var sides []Setting
	for _, tls := range []Encryption{Disabled, Optional, Required} {
		for _, certificate := range []State{Missing, Invalid, Valid} {
			for _, dialback := range []bool{true, false} {
				sides = append(sides, Setting{TLS: tls, Certificate: certificate, Dialback: dialback})
			}
		}
	}
	for _, i := range sides {
		for _, r := range sides {
			i.Strict, r.Strict = iStrict, rStrict
			f(i, r)
		}
	}
}

var strictness = []struct {
	name             string
	iStrict, rStrict bool
	published        map[Class]int // of the table
	ours             map[Class]int
}{
	{"both strict", true, true,
		map[Class]int{NO: 274, PD: 30, TD: 4, SE: 16}, map[Class]int{NO: 274, PD: 30, TD: 4, SE: 16}},
	{"both lax", false, false,
		map[Class]int{NO: 258, PD: 30, TD: 20, SE: 16}, map[Class]int{NO: 246, PD: 30, TD: 16, SE: 32}},
	{"initiator strict", true, false,
		map[Class]int{NO: 270, PD: 30, TD: 8, SE: 16}, map[Class]int{NO: 270, PD: 30, TD: 8, SE: 16}},
	{"receiver strict", false, true,
		map[Class]int{NO: 262, PD: 30, TD: 16, SE: 16}, map[Class]int{NO: 254, PD: 30, TD: 8, SE: 32}},
}

// openfireDifferences are where the oracle departs from Openfire's table, by
// rule, the initiator's certificate, and both answers; with how many of the
// 4 x 324 cells it is, and the sentence that decides.
var openfireDifferences = map[string]struct {
	cells  int
	decide string
}{
	"rule 8, initiator's certificate Valid: TD, ours SE": {8,
		"XEP-0178 section 3: whether the receiver offers EXTERNAL depends on the certificate that the initiator presented, " +
			"and the initiator SHOULD then prefer it; that an initiator which is not strict could not validate the receiver's is no reason " +
			"to have itself authenticated by less."},
	"rule 9, initiator's certificate Valid: NO, ours SE": {24,
		"XEP-0178 section 3 again: EXTERNAL needs no dialback. RFC 7590 section 3.4 lets an initiator that is not strict use TLS with a " +
			"receiver that it could not authenticate, and that receiver has its proof of the initiator."},
	"rule 8, initiator's certificate Invalid: TD, ours NO": {4,
		"RFC 6120 section 13.7.2: a strict receiver terminates when the initiator's certificate does not validate. Rule 12 says so where the " +
			"receiver's own certificate is valid; that it is not makes the initiator's no better."},
}

func TestOpenfire(t *testing.T) {
	type difference struct {
		rule        int
		certificate State
		theirs      Class
		ours        Class
	}
	differences := map[difference]int{}
	used := map[int]bool{}
	for _, s := range strictness {
		theirs, ours := map[Class]int{}, map[Class]int{}
		openfireCells(s.iStrict, s.rStrict, func(i, r Setting) {
			want, rule := openfire(i, r)
			got := Ask(i, r).Best
			used[rule] = true
			theirs[want]++
			ours[got]++
			if got != want {
				differences[difference{rule, i.Certificate, want, got}]++
			}
		})
		if !maps.Equal(theirs, s.published) {
			t.Errorf("%s: the table counts %v, published are %v", s.name, theirs, s.published)
		}
		if !maps.Equal(ours, s.ours) {
			t.Errorf("%s: the oracle counts %v, want %v", s.name, ours, s.ours)
		}
	}
	if len(used) != len(openfireRules) || used[0] {
		t.Errorf("the rules that decided a cell are %v, want each of 1 to 15", slices.Sorted(maps.Keys(used)))
	}

	states := map[State]string{Missing: "Missing", Invalid: "Invalid", Valid: "Valid"}
	codes := map[Class]string{NO: "NO", PD: "PD", TD: "TD", SE: "SE"}
	found := map[string]bool{}
	for d, n := range differences {
		name := fmt.Sprintf("rule %d, initiator's certificate %s: %s, ours %s", d.rule, states[d.certificate], codes[d.theirs], codes[d.ours])
		found[name] = true
		if listed := openfireDifferences[name]; listed.cells != n {
			t.Errorf("%s: %d cells differ, %d are argued for", name, n, listed.cells)
		}
	}
	for name, d := range openfireDifferences {
		if !found[name] {
			t.Errorf("%s: listed as a difference, and is none", name)
		}
		if d.decide == "" {
			t.Errorf("%s: nothing decides", name)
		}
	}
}

// xep0238Outcomes are XEP-0238's results as classes.
var xep0238Outcomes = map[string]Class{"V": PD, "E": TD, "T": SE, "U": NO}

// xep0238Differences are where the oracle departs from XEP-0238, by flow.
var xep0238Differences = map[string]struct {
	ours   Class
	decide string
}{
	"2-2": {TD, tlsWhereOffered},
	"3-2": {SE, tlsWhereOffered + " " + initiatorsCertificate},
	"2-5": {TD, "The XEP lets types 4 and 2 have TLS with dialback the other way and 4-5 this way: a self-signed initiator that does not " +
		"require TLS is no worse to a type 5 receiver than one that does. RFC 7590 section 3.4: encryption without authentication of the " +
		"certificate, with dialback, can be reasonable."},
	"3-3": {SE, "RFC 7590 section 3.4: authenticated TLS is to be preferred, and both certificates are valid; nothing is gained by requiring TLS first."},
	"3-4": {SE, initiatorsCertificate},
	"3-5": {SE, "As 5-5, which the XEP has trusted: TLS was negotiated and both certificates are valid (XEP-0178 section 3)."},
	"5-2": {SE, initiatorsCertificate},
	"5-4": {SE, initiatorsCertificate},
}

const (
	tlsWhereOffered = "RFC 7590 section 3.1: an initiator attempts TLS even where it might do without; the XEP predates it and reads " +
		"\"verified acceptable\" as a reason not to try."
	initiatorsCertificate = "XEP-0178 section 3: EXTERNAL depends on the initiator's certificate, which is valid; the XEP falls to dialback " +
		"because the receiver's is not, though it is not the receiver that is authenticated on this stream."
)

func TestXEP0238(t *testing.T) {
	flows := XEP0238()
	if len(flows) != 36 {
		t.Fatalf("%d flows, want 36", len(flows))
	}
	counts := map[string]int{}
	differ := map[string]bool{}
	for n, f := range flows {
		if f.I != n/6+1 || f.R != n%6+1 {
			t.Errorf("flow %d is %d-%d, want %d-%d", n, f.I, f.R, n/6+1, n%6+1)
		}
		counts[f.Published]++
		i := at(t, f.Initiator.Policy+"/"+f.Initiator.Certificate)
		r := at(t, f.Receiver.Policy+"/"+f.Receiver.Certificate)
		name := fmt.Sprintf("%d-%d", f.I, f.R)
		want, got := xep0238Outcomes[f.Published], Ask(i, r).Best
		d, listed := xep0238Differences[name]
		differ[name] = true
		switch {
		case listed && got == want:
			t.Errorf("flow %s: listed as a difference, and is none", name)
		case listed && (got != d.ours || d.decide == ""):
			t.Errorf("flow %s: got %v, argued is %v because %q", name, got, d.ours, d.decide)
		case !listed && got != want:
			t.Errorf("flow %s: published %v, got %v, and nothing argues why", name, want, got)
		}
	}
	if want := map[string]int{"U": 11, "V": 7, "E": 11, "T": 7}; !maps.Equal(counts, want) {
		t.Errorf("the published table counts %v, want %v", counts, want)
	}
	for name := range xep0238Differences {
		if !differ[name] {
			t.Errorf("flow %s: listed as a difference, and there is no such flow", name)
		}
	}
}

// TestTablesAgree checks the claim that the two tables, mapped onto each
// other, agree in 31 of 36 flows, and which five they do not.
func TestTablesAgree(t *testing.T) {
	types := []Setting{
		{Disabled, Missing, false, true},
		{Optional, Invalid, false, true},
		{Optional, Valid, false, true},
		{Required, Invalid, false, true},
		{Required, Valid, false, true},
		{Required, Valid, true, false},
	}
	var differ []string
	for _, f := range XEP0238() {
		if got, _ := openfire(types[f.I-1], types[f.R-1]); got != xep0238Outcomes[f.Published] {
			differ = append(differ, fmt.Sprintf("%d-%d", f.I, f.R))
		}
	}
	if want := []string{"2-2", "2-5", "3-2", "3-3", "3-5"}; !slices.Equal(differ, want) {
		t.Errorf("the tables differ in %v, want %v", differ, want)
	}
}
