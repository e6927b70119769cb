package suites

import (
	"slices"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites/stage"
)

// pkix is section 1.3 of the catalogue. Who must authenticate the other side must
// refuse a defective certificate, under P2; the same world under P1 goes on by
// dialback. Between two subjects the oracle derives that; what a scripted peer shows
// is in worlds of [refused] and [accepted] certificates.
var pkix = []Scenario{
	{
		ID:       "s2s/pkix/mutual-external",
		Asks:     "Full strength federation",
		Core:     true,
		Cites:    cites(must("RFC 6120", "13.8.4"), should("RFC 7590", "3.4"), must("RFC 7712", "4.2")),
		Worlds:   one(P2("good"), P2("good")),
		Stimulus: MessageAndReply,
		Checks:   []judge.Check{judge.External()},
	},
	{
		ID:     "s2s/pkix/certificate-exchange",
		Asks:   "Can mutual authentication happen, and is it offered first?",
		Cites:  cites(should("RFC 6120", "5.4.3.1"), should("RFC 6120", "6.3.4")),
		Worlds: certificateExchange(servers.P2, servers.P1),
	},
	{
		ID:    "s2s/pkix/external-needs-matching-name",
		Asks:  "Valid certificate, wrong domain, inbound",
		Core:  true,
		Cites: cites(must("RFC 6120", "13.7.2.1"), should("RFC 6120", "6.3.4"), should("XEP-0178", "3")),
		Worlds: inbound(refused(results.Exposed, "the certificate is somebody else's",
			shows(ca.OtherName).named("authzid"),
			shows(ca.OtherName).named("empty").withoutAuthzid())),
	},
	{
		ID:    "s2s/pkix/receiver-name-mismatch",
		Asks:  "Valid certificate, wrong domain, outbound",
		Core:  true,
		Cites: cites(must("RFC 6120", "13.7.2.1"), must("RFC 6120", "5.4.3.1")),
		Worlds: slices.Concat(defect(servers.Other),
			outbound(refused(results.Exposed, "the certificate is somebody else's", shows(ca.OtherName)))),
		Stimulus: MessageAndReply,
	},
	{
		ID:    "s2s/pkix/untrusted-issuer",
		Asks:  "Self-signed, and signed by an unknown CA",
		Core:  true,
		Cites: cites(must("RFC 6120", "13.7.2")),
		Worlds: slices.Concat(defect(servers.Self, servers.UnkCA),
			refused(results.Exposed, "nobody whom it trusts issued the certificate",
				shows(ca.SelfSigned).named("self"),
				shows(ca.UnknownCA).named("unkca"))),
		Stimulus: MessageAndReply,
	},
	{
		ID:    "s2s/pkix/outside-validity",
		Asks:  "Expired, not yet valid",
		Cites: cites(must("RFC 6120", "13.7.2"), must("RFC 5280", "6.1")),
		Worlds: slices.Concat(defect(servers.Expired),
			refused(results.Exposed, "the certificate is not valid today",
				shows(ca.Expired).named("expired"),
				shows(ca.Future).named("future"))),
		Stimulus: MessageAndReply,
	},
	{
		ID:    "s2s/pkix/missing-intermediate",
		Asks:  "Incomplete chain",
		Cites: cites(must("RFC 6120", "13.7.2")),
		Worlds: slices.Concat(defect(servers.NoChain),
			refused(results.Exposed, "the peer showed no path to an authority", shows(ca.NoChain))),
		Stimulus: MessageAndReply,
	},
	{
		ID:     "s2s/pkix/cross-sign-expired",
		Asks:   "A second, expired path in the chain",
		Cites:  cites(must("RFC 5280", "6.1")),
		Worlds: accepted(results.NoInterop, "the path to the authority that it trusts is valid", shows(ca.CrossSigned)),
	},
	{
		ID:    "s2s/pkix/server-only-eku-inbound",
		Asks:  "Today's public-CA certificates",
		Core:  true,
		Cites: cites(policy("community")),
		Worlds: slices.Concat(one(P2("srvonly"), P2("good")),
			inbound(accepted(results.NoInterop, "the certificate is for servers, as public authorities issue them", shows(ca.ServerAuth)))),
		Stimulus: MessageAndReply,
	},
	{
		ID:    "s2s/pkix/client-only-eku-outbound",
		Asks:  "Wrong purpose as a server",
		Cites: cites(must("RFC 5280", "4.2.1.12")),
		// The name is proven, the purpose is not: a rule is broken, and nobody deceived.
		Worlds: outbound(refused(results.Fail, "the certificate is for clients only", shows(ca.ClientAuth))),
	},
	{
		ID:     "s2s/pkix/srv-id-only",
		Asks:   "The XMPP identifier type that is REQUIRED",
		Core:   true,
		Cites:  cites(must("RFC 6120", "13.7.1.2.1")),
		Worlds: accepted(results.Fail, "the SRVName is that of the domain", shows(ca.SRVName)),
	},
	{
		ID:    "s2s/pkix/srv-id-wrong-service",
		Asks:  "SRVName for another service",
		Cites: cites(must("RFC 6120", "13.7.1.2.1"), must("RFC 6125", "6.5")),
		Worlds: slices.Concat(
			refused(results.Exposed, "the certificate is that of the domain's mail server", shows(ca.IMAPSRV).named("imap")),
			refused(results.Fail, "the certificate is that of the domain's service for clients", shows(ca.ClientSRV).named("client"))),
	},
	{
		ID:     "s2s/pkix/xmppaddr-only",
		Asks:   "Legacy identifier",
		Cites:  cites(may("RFC 6120", "13.7.1.2.1")),
		Worlds: accepted(results.NotSupported, "an XmppAddr alone does not name a server for it", shows(ca.XMPPAddr)),
	},
	{
		ID:    "s2s/pkix/wildcard",
		Asks:  "Left-most wildcard",
		Cites: cites(may("RFC 6120", "13.7.1.2.1"), should("RFC 6125", "6.4.3"), must("RFC 9525", "6.3")),
		Worlds: slices.Concat(
			accepted(results.NoInterop, "the wildcard stands for the left-most label", wildcard("*").named("child").at("conference.p")),
			refused(results.Exposed, "the wildcard stands for one label, and no other number",
				wildcard("*").named("parent"),
				wildcard("*").named("grandchild").at("a.b.p")),
			refused(results.Weaker, "RFC 6125 let a wildcard stand for a part of a label, RFC 9525 does not",
				wildcard("conf*").named("partial").at("conference.p"))),
	},
	{
		ID:     "s2s/pkix/cn-only",
		Asks:   "No SAN at all",
		Cites:  cites(must("RFC 9525", "2"), may("RFC 6125", "6.4.4")),
		Worlds: refused(results.Weaker, "RFC 6125 let the common name count where there is no other, RFC 9525 does not", shows(ca.CNOnly)),
	},
	{
		ID:     "s2s/pkix/cn-beside-other-san",
		Asks:   "CN says victim, SAN says evil",
		Core:   true,
		Cites:  cites(must("RFC 6125", "6.4.4"), must("RFC 9525", "2")),
		Worlds: refused(results.Fail, "the common name counts beside no other", shows(ca.CNOther)),
	},
	{
		ID:     "s2s/pkix/empty-subject",
		Asks:   "Modern CA style",
		Cites:  cites(must("RFC 5280", "4.1.2.6")),
		Worlds: accepted(results.NoInterop, "public authorities issue such certificates, though RFC 6120 forbids them", shows(ca.NoSubject)),
	},
	{
		ID:     "s2s/pkix/name-constraints",
		Asks:   "Constrained intermediate",
		Cites:  cites(must("RFC 5280", "6.1.4"), must("RFC 6120", "13.7.2")),
		Worlds: refused(results.Exposed, "the issuer may not vouch for the domain", shows(ca.Constrained)),
	},
	{
		ID:    "s2s/pkix/weak-signature-or-key",
		Asks:  "SHA-1 signature; RSA 1024",
		Cites: cites(must("RFC 9325", "4.5"), should("RFC 6120", "13.7.1.1")),
		Worlds: refused(results.Weaker, "the certificate can be forged by who has the means",
			shows(ca.SHA1).named("sha1"),
			shows(ca.RSA1024).named("rsa1024")),
	},
	{
		ID:    "s2s/pkix/revoked",
		Asks:  "Revocation",
		Cites: cites(must("RFC 6120", "13.7.2")),
		Worlds: revoked(refused(results.Weaker, "the certificate is revoked",
			shows(ca.Revoked).named("crl"),
			shows(ca.OCSPRevoked).named("ocsp"),
			shows(ca.OCSPStapled).named("stapled"))),
	},
	{
		ID:    "s2s/pkix/expires-while-connected",
		Asks:  "Long-lived streams",
		Cites: cites(should("RFC 6120", "13.7.2.3")),
		Worlds: []World{initiating("", P2(servers.Good), expiresWhileConnected,
			judge.Note(whileValid, "delivered tls *").Else(results.NoInterop),
			judge.Note(whenExpired, "stream error reset").
				Or(results.Weaker, "nothing vouches for the peer any more", stage.Open).
				Or(results.Weaker, "the peer is not told to come back with a new certificate", "stream error *", stage.Closed).IfNoted()).
			waiting(busyTime)},
	},
	{
		ID:     "s2s/pkix/nul-in-san",
		Asks:   "Parser confusion",
		Cites:  cites(results.Citation{Document: "RFC 6125", Section: "6.4.1", Level: results.SecLevel}),
		Worlds: refused(results.Exposed, "the name does not end at the NUL", shows(ca.NUL)),
	},
	{
		ID:     "s2s/pkix/idn",
		Asks:   "Internationalised domain",
		Cites:  cites(must("RFC 6125", "6.4.2"), must("RFC 7673", "8")),
		Worlds: international(),
	},
	{
		ID:    "s2s/pkix/authzid-forms",
		Asks:  "`=` versus authzid=from",
		Cites: cites(may("XEP-0178", "3"), should("XEP-0178", "3")),
		Worlds: []World{receiving("", P2(servers.Good), authzidForms, slices.Concat(
			authzidTaken(emptyAuthzid, emptyAuthzidThen, "the stream header has said who the peer is"),
			authzidTaken(ownAuthzid, ownAuthzidThen, "the certificate names the domain"))...)},
	},
	{
		ID:    "s2s/pkix/authzid-not-in-cert",
		Asks:  "Authorise as someone else",
		Cites: cites(must("RFC 6120", "6.3.8")),
		Worlds: underBoth(authzidNotInCert,
			judge.Note(otherAuthzid, "failure invalid-authzid", "failure not-authorized").
				Or(results.Fail, "the peer asked to act as a domain that its certificate does not name", stage.Success).
				Or(results.Weaker, "it refuses, and does not say why", "failure*", "stream error *", stage.Closed).IfNoted(),
			notDelivered(asVictimThen).IfNoted(),
			judge.Note(otherUnoffered, "failure*", "stream error *", stage.Closed).
				Or(results.Exposed, "the certificate names another domain", stage.Success).IfNoted()),
	},
	{
		ID:    "s2s/pkix/stanza-from-other-domain",
		Asks:  "Authenticated as a, speaks as b",
		Cites: cites(must("RFC 6120", "4.9.3.9"), must("RFC 6120", "8.1.2.2")),
		Worlds: underBoth(stanzaFromOther,
			judge.Note(asItself, stage.Delivered).Else(results.NoInterop),
			judge.Note(asOther, "stream error invalid-from").
				Or(results.Exposed, "nobody had vouched for its sender", stage.Delivered).
				Or(results.Weaker, "it is not delivered, and the peer is told something else, or nothing", undelivered...).IfNoted()),
	},
	{
		ID:    "s2s/pkix/external-offered-in-clear",
		Asks:  "EXTERNAL without TLS",
		Cites: cites(sec("RFC 6120", "13.8.4"), policy("manifesto")),
		Worlds: []World{initiating("", P1(servers.Good), messageTo(toClearExternal, clearExternalPeer...),
			judge.Note(toClearExternal, "error *").Or(results.Exposed, "it requires TLS", "delivered *")).
			checked(noAuthenticationInClear)},
	},
	{
		ID:    "s2s/pkix/other-mechanism",
		Asks:  "PLAIN/SCRAM on s2s",
		Cites: cites(must("RFC 6120", "6.5.7")),
		Worlds: []World{receiving("", P1(servers.Good), otherMechanism,
			mechanismRefused(plainAsVictim),
			mechanismRefused(scramAsVictim))},
	},
	{
		ID:    "s2s/pkix/certificate-by-to",
		Asks:  "Right certificate per hosted domain without SNI",
		Cites: cites(should("RFC 6120", "5.4.3.1"), should("RFC 7590", "3.5")),
		Worlds: []World{receiving("", P1(servers.Good), certificateByTo,
			shownByTo(certificateOfOne), shownByTo(certificateOfOther)).withOther()},
	},
	{
		ID:     "s2s/pkix/own-anchor-only",
		Asks:   "Private PKI",
		Cites:  cites(must("RFC 6120", "13.6")),
		Worlds: refused(results.Fail, "it was given one authority to trust, and this is another", shows(ca.PublicCA)),
	},
	{
		ID:    "s2s/pkix/from-missing",
		Asks:  "Inbound stream without `from`",
		Cites: cites(must("RFC 6120", "4.7.1")),
		Worlds: underBoth(fromMissing,
			judge.Note(namedByAuthzid, stage.Success).
				Or(results.Weaker, "the authorization identity is in the certificate, or would have been", notBelieved...),
			judge.Note(namedByAuthzidThen, stage.Delivered).IfNoted(),
			judge.Note(namedNowhere, "failure*", "stream error *", "alert *", stage.Closed).
				Or(results.Fail, "the peer has not said who it is", stage.Success),
			judge.Note(honestThen, stage.Delivered)),
	},
}

// defect makes the I->R worlds of a bad certificate on the receiver: refused by
// an initiator that authenticates its peers, dialback for one that does not.
func defect(kinds ...servers.Certificate) []World {
	var worlds []World
	for _, kind := range kinds {
		for _, strict := range []servers.Policy{servers.P2, servers.P1} {
			name := string(strict)
			if len(kinds) > 1 {
				name = string(kind) + "-" + name
			}
			worlds = append(worlds, World{Name: name, Initiator: setting(strict, servers.Good), Receiver: setting(servers.P1, kind)})
		}
	}
	return worlds
}
