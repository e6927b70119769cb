package suites

import (
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites/stage"
)

// Attack names what an attacker does on the path between the two servers of a
// cell, in both directions. Package fixtures/attack has them.
type Attack string

const (
	StripStartTLS  Attack = "strip-starttls"   // deletes <starttls/> from the features
	StripRequired  Attack = "strip-required"   // deletes only <required/>
	ForgeFailure   Attack = "forge-failure"    // answers <starttls/> with <failure/>
	HideTLS13      Attack = "hide-tls13"       // edits the ClientHello, so that it offers TLS 1.2 at most
	LowerToTLS10   Attack = "lower-to-tls10"   // edits the ClientHello, so that it offers TLS 1.0 at most
	DropModernTLS  Attack = "drop-modern-tls"  // resets whoever offers TLS 1.2 or newer
	PoseSelfSigned Attack = "pose-self-signed" // terminates TLS with certificates of its own making
	PoseMisIssued  Attack = "pose-mis-issued"  // terminates TLS with certificates that the authority should not have issued
	// SpliceDirectTLS leads direct TLS to the port for STARTTLS, behind a stream header
	// in clear of the attacker's own (Opossum, 2025).
	SpliceDirectTLS Attack = "splice-direct-tls"
	// RedirectToWeb leads TLS to a web server with a certificate for the same name
	// (ALPACA, 2021).
	RedirectToWeb Attack = "redirect-to-web"
)

// Shown is the kind of certificate that the attacker shows in both sides' names,
// or "" when it does not terminate TLS.
func (a Attack) Shown() servers.Certificate {
	switch a {
	case PoseSelfSigned:
		return servers.Self
	case PoseMisIssued, RedirectToWeb:
		return servers.Good
	}
	return ""
}

// attacked makes a world with an attacker between two servers of one policy with
// good certificates.
func attacked(name string, policy servers.Policy, a Attack) World {
	s := setting(policy, servers.Good)
	return World{Name: name, Initiator: s, Receiver: s, Attack: a}
}

// directly makes both domains of a world known for direct TLS alone.
func directly(w World) World {
	w.DirectTLS = true
	return w
}

// attacker is section 1.8 of the catalogue: between two subjects there is somebody on
// the path, and a scripted peer says what such a somebody would have put in its mouth.
var attacker = []Scenario{
	{
		ID:    "s2s/attacker/strip-starttls",
		Asks:  "The pervasive-monitoring downgrade",
		Core:  true,
		Cites: cites(must("RFC 7590", "3.1"), policy("manifesto")),
		Worlds: []World{
			attacked("starttls", servers.P1, StripStartTLS),
			attacked("required", servers.P1, StripRequired),
		},
		Stimulus:  MessageAndReply,
		AnyAuth:   true,
		MayRefuse: true,
		Checks:    []judge.Check{judge.AttackerActed(), judge.OneHandshakePerConnection()},
	},
	{
		ID:        "s2s/attacker/forge-failure",
		Asks:      "M answers <failure/> to <starttls/>",
		Cites:     cites(may("RFC 6120", "5.4.2.2"), policy("manifesto")),
		Worlds:    []World{attacked("", servers.P1, ForgeFailure)},
		Stimulus:  MessageAndReply,
		AnyAuth:   true,
		MayRefuse: true,
		Checks:    []judge.Check{judge.AttackerActed(), judge.OneHandshakePerConnection()},
	},
	{
		ID:    "s2s/attacker/inject-into-receiver",
		Asks:  "CVE-2011-0411 class, client to server direction",
		Core:  true,
		Cites: cites(must("RFC 6120", "5.4.3.3"), must("RFC 6120", "5.4.3.1"), sec("CVE-2011-0411", "")),
		Worlds: []World{
			receiving("stanza", P1("good"), injectIntoReceiver("p", injectStanza), injectedIsNothing...).checked(noStrayHeader()),
			receiving("dialback", P1("good"), injectIntoReceiver(mallory, injectDialback), injectedIsNothing...).checked(noStrayHeader()),
		},
	},
	{
		ID:    "s2s/attacker/inject-into-initiator",
		Asks:  "Response injection (NO STARTTLS)",
		Core:  true,
		Cites: cites(must("RFC 6120", "5.4.3.3"), sec("NO STARTTLS 2021", "")),
		Worlds: []World{
			initiating("features", P1("good"), injectIntoInitiator(injectedOffer, dialbackAlone...), notTakenIn("delivered tls dialback")).checked(goesOnInside()),
			initiating("result", P1("good"), injectIntoInitiator(injectedValid, disbeliever...), notTakenIn()),
			initiating("error", P1("good"), injectIntoInitiator(injectedError, stage.Honest()...), notTakenIn("delivered tls *")).checked(goesOnInside()),
		},
	},
	{
		ID:    "s2s/attacker/version-downgrade",
		Asks:  "M edits the ClientHello",
		Cites: cites(must("RFC 8996", ""), must("RFC 8446", "4.1.3")),
		Worlds: []World{
			attacked("hide-1.3", servers.P1, HideTLS13),
			attacked("lower-to-1.0", servers.P1, LowerToTLS10),
			attacked("drop", servers.P1, DropModernTLS),
		},
		Stimulus:  MessageAndReply,
		AnyAuth:   true,
		MayRefuse: true,
		Checks:    []judge.Check{judge.AttackerActed(), judge.OneHandshakePerConnection(), judge.AgreesToTLS("TLS 1.2")},
	},
	{
		ID:    "s2s/attacker/mitm-self-signed",
		Asks:  "M terminates TLS with its own key",
		Cites: cites(must("RFC 6120", "13.7.2"), may("XEP-0344", "3")),
		Worlds: []World{
			attacked("P2", servers.P2, PoseSelfSigned),
			attacked("P1", servers.P1, PoseSelfSigned),
		},
		Stimulus: MessageAndReply,
		Checks:   []judge.Check{judge.AttackerActed(), judge.NotIntercepted()},
	},
	{
		ID:       "s2s/attacker/mitm-mis-issued",
		Asks:     "jabber.ru 2023: a valid certificate for the right name, wrong key",
		Core:     true,
		Cites:    cites(must("RFC 7673", "4.2"), must("RFC 7711", "3.3")),
		Worlds:   []World{attacked("", servers.P2, PoseMisIssued)},
		Stimulus: MessageAndReply,
		AnyAuth:  true,
		Checks:   []judge.Check{judge.AttackerActed(), judge.NotIntercepted()},
	},
	{
		ID:    "s2s/attacker/srv-spoof",
		Asks:  "Forged unsigned SRV to a host with its own valid certificate",
		Cites: cites(must("RFC 7673", "4.1")),
		Worlds: []World{initiating("", P2("good"), srvSpoof,
			judge.Note(toSpoofed, "error *").
				Or(results.Exposed, "the certificate names the host that an unsigned record names, and not the domain", "delivered *")).
			checked(wasAsked("_xmpp-server._tcp.victim"))},
	},
	{
		ID:    "s2s/attacker/dialback-dns-spoof",
		Asks:  "M owns DNS seen by the receiver",
		Cites: cites(sec("XEP-0220", "3"), sec("XEP-0344", "3.3")),
		// That the records of a domain are signed and these are not is found out by the
		// resolver which the subject asks. That a subject validates itself is asked where it
		// is given a trust anchor: in the families of DNSSEC.
		Worlds: []World{
			receiving("plain", P1("good"), dialbackDNSSpoof(false),
				judge.Note(spoofedAnswer, disbelieved...).
					Or(results.Weaker, "dialback believes the DNS, and nobody signed what the DNS says", peer.TypeValid),
				judge.Note(spoofedVouched, "the server that the DNS names").
					Or(results.Exposed, "a key is good when its authoritative server says so", "nobody").IfNoted(),
				judge.Note(spoofedMessage, undelivered...).
					Or(results.Weaker, "dialback believes the DNS, and nobody signed what the DNS says", stage.Delivered)).
				weakAtBest(),
			receiving("signed", P1("good"), dialbackDNSSpoof(true),
				judge.Note(spoofedAnswer, disbelieved...).
					Or(results.Exposed, "its resolver had refused to say where the domain is", peer.TypeValid),
				judge.Note(spoofedMessage, undelivered...).
					Or(results.Exposed, "its resolver had refused to say where the domain is", stage.Delivered)).
				checked(wasAskedAbout("victim")),
		},
	},
	{
		ID:        "s2s/attacker/opossum-splice",
		Asks:      "M leads direct TLS to a STARTTLS port, behind a preamble of its own",
		Cites:     cites(must("RFC 6120", "5.4.3.3"), sec("Opossum 2025", "")),
		Worlds:    []World{directly(attacked("", servers.P2, SpliceDirectTLS))},
		Stimulus:  MessageAndReply,
		MayRefuse: true,
		Checks:    []judge.Check{judge.AttackerActed(), judge.NothingOf("mallory." + TLD)},
	},
	{
		ID:    "s2s/attacker/cross-protocol",
		Asks:  "M redirects TLS to a web server that shares a wildcard certificate",
		Cites: cites(must("RFC 6120", "4.3"), sec("ALPACA 2021", "")),
		Worlds: []World{
			attacked("starttls", servers.P2, RedirectToWeb),
			directly(attacked("direct-tls", servers.P2, RedirectToWeb)),
		},
		Stimulus:  MessageAndReply,
		MayRefuse: true,
		Checks:    []judge.Check{judge.AttackerActed(), judge.NoStanza()},
	},
	{
		ID:    "s2s/attacker/compression-before-auth",
		Asks:  "xmppbomb",
		Cites: cites(sec("XEP-0170", "3.3"), sec("XSF notice 2014-04-04", ""), sec("CVE-2014-2741", "")),
		Worlds: []World{receiving("", P1("good"), compressionBeforeAuth,
			refusedCompression(compressInClear),
			refusedCompression(compressInside),
			judge.Note(compressAfter, "not offered", compressed, "refused*", "stream error *"),
			judge.Note(compressBomb, stage.Closed, stage.Reset).
				Or(results.Fail, "nobody needs a stanza that long", stage.Nothing).IfNoted(),
			judge.Note(nextStream, "opened"))},
	},
	{
		ID:     "s2s/attacker/dtd-and-entities",
		Asks:   "Restricted XML",
		Cites:  cites(must("RFC 6120", "11.1"), sec("CVE-2011-1753", "")),
		Worlds: []World{receiving("", P1("good"), dtdAndEntities, restrictedRefused()...)},
	},
	{
		ID:    "s2s/attacker/namespace-smuggling",
		Asks:  "Stanza look-alikes",
		Cites: cites(must("RFC 6120", "4.8.4"), must("RFC 6120", "4.8.5")),
		Worlds: []World{receiving("", P1("good"), namespaceSmuggling,
			judge.Note(foreignStanza, undelivered...).
				Or(results.Fail, "it is no stanza", stage.Delivered, unreadable),
			// It may be corrected on the way: then the client is given a stanza.
			judge.Note(prefixedStanza, append(undelivered, stage.Delivered)...).
				Or(results.Fail, "it was not corrected on the way", unreadable))},
	},
	{
		ID:    "s2s/attacker/leak-inventory",
		Asks:  "What a passive observer still learns",
		Core:  true,
		Cites: cites(should("RFC 7590", "4"), should("XEP-0368", "6")),
		Worlds: []World{
			{Name: "starttls", Initiator: P2("good"), Receiver: P2("good")},
			directly(World{Name: "direct-tls", Initiator: P2("good"), Receiver: P2("good")}),
		},
		Stimulus:  TenMessages,
		Checks:    []judge.Check{judge.NothingPrivateInClear()},
		Inventory: true,
	},
}
