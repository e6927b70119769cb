package suites

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
	"github.com/xmpp-testday/testday/fixtures/zone"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/suites/stage"
)

// The notes of s2s/attacker/inject-into-receiver.
const (
	injectedHandshake = "the handshake, behind what was injected"
	injectedAnswer    = "a stream header or request that was injected, inside TLS"
	injectedMessage   = "a message that was injected"
	injectedThen      = "a message that was not, inside TLS"
)

// The two answers to injectedAnswer.
const (
	notAnswered = "not answered"
	answered    = "answered"
)

// mallory is the label of whom the attacker speaks for.
const mallory = "mallory"

// injectStanza pretends that the peer, whose certificate the subject is about to see,
// asks for EXTERNAL right away and sends a message.
func injectStanza(st *stage.Stage, p *stage.Peer, m stage.Stanza) string {
	header := clearHeader(p.Domain(), st.Domain)
	return header + "<auth xmlns='" + xmpp.NSSASL + "' mechanism='EXTERNAL'>=</auth>" + header + m.XML()
}

// injectDialback pretends that somebody else opens the stream, and asks for dialback.
func injectDialback(st *stage.Stage, _ *stage.Peer, m stage.Stanza) string {
	d := peer.Dialback{From: st.Name(mallory), To: st.Domain, Key: stage.Token()}
	return clearHeader(d.From, d.To) + d.Element().String() + m.XML()
}

// clearHeader is a stream header as an attacker writes it.
func clearHeader(from, to string) string {
	h := xmpp.Header{From: from, To: to, Version: "1.0", Content: xmpp.NSServer}
	return h.String()
}

// injectIntoReceiver has a peer send bytes right behind <starttls/>, in the same
// segment, as an attacker on the path could, and go on as if it had not. The message
// that is injected is from the domain of the label.
func injectIntoReceiver(label string, inject func(*stage.Stage, *stage.Peer, stage.Stanza) string) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		p, err := st.Peer(ctx, "p", stage.Honest()...)
		if err != nil {
			return err
		}
		// Who interprets what is injected asks this one.
		if _, err := st.Peer(ctx, mallory, append(stage.Honest(), peer.AnswerVerify(peer.Valid))...); err != nil {
			return err
		}
		s, err := p.Open(ctx)
		if err != nil {
			return err
		}
		m := st.Stanza("x@" + st.Name(label))
		st.Note(injectedMessage, st.Watch(ctx, m, func() { behindSTARTTLS(ctx, st, p, s, inject(st, p, m)) }))
		return nil
	}
}

// behindSTARTTLS negotiates STARTTLS with something behind it, and delivers a message.
func behindSTARTTLS(ctx context.Context, st *stage.Stage, p *stage.Peer, s *peer.Session, raw string) {
	err := s.RequestTLS(ctx, raw)
	if err == nil {
		err = s.Handshake(ctx)
	}
	st.Note(injectedHandshake, stage.End(err))
	if err != nil {
		return
	}
	answer := notAnswered
	err = s.OpenStream(ctx)
	if h := s.RemoteHeader(); h != nil && h.To == st.Name(mallory) {
		answer = answered
	}
	if err == nil {
		err = p.Authorise(ctx, s)
	}
	if err != nil {
		st.Note(injectedThen, stage.End(err))
	} else {
		st.Note(injectedThen, st.Deliver(ctx, s, "x@"+p.Domain()))
	}
	// The stream is over: what came is there already.
	over, end := context.WithCancel(ctx)
	end()
	if _, err := s.Expect(over, peer.AnswerTo(peer.Dialback{From: st.Name(mallory), To: st.Domain})); err == nil {
		answer = answered
	}
	st.Note(injectedAnswer, answer)
}

// injectedIsNothing is what RFC 6120 section 5.4.3.3 wants of what came before TLS. That
// the bytes are taken for the beginning of TLS, and break it, is as good.
var injectedIsNothing = []judge.Expectation{
	judge.Note(injectedHandshake, stage.Success, "alert *", stage.Closed, stage.Reset, "stream error *", stage.Nothing),
	judge.Note(injectedAnswer, notAnswered).
		Or(results.Exposed, "who said it was not authenticated by this TLS", answered).IfNoted(),
	judge.Note(injectedMessage, stage.Undelivered, stage.Nothing).
		Or(results.Exposed, "who said it was not authenticated by this TLS", stage.Delivered),
	judge.Note(injectedThen, stage.Delivered, stage.Closed).
		Or(results.Weaker, "it takes offence inside TLS at what was said before", "stream error *").
		Else(results.NoInterop).IfNoted(),
}

// noStrayHeader asks that the subject, who receives, sends no more stream headers inside
// TLS than were sent to it there.
func noStrayHeader() judge.Check {
	return judge.Check{Name: "every header inside TLS answers one", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		for _, s := range obs.Streams {
			count := map[results.Direction]int{}
			for _, h := range s.Headers {
				if h.Inside {
					count[h.Direction]++
				}
			}
			if s.ReceivingParty == string(results.BlameReceiver) && count[results.Receiving] > count[results.Initiating] {
				return []judge.Finding{{Verdict: results.Exposed, Blame: results.BlameReceiver, Cites: cites(must("RFC 6120", "5.4.3.3")),
					Why: fmt.Sprintf("the receiver was sent %d stream headers inside TLS and answered %d", count[results.Initiating], count[results.Receiving])}}
			}
		}
		return nil
	}}
}

// behindProceed is the note of s2s/attacker/inject-into-initiator.
const behindProceed = "a message to a peer whose <proceed/> has something behind it"

// injectIntoInitiator has a message sent to a peer behind whose <proceed/>, in the same
// segment, comes a stream header with something after it.
func injectIntoInitiator(injected *xmpp.Element, opts ...peer.Option) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		h := xmpp.Header{From: st.Name("p"), To: st.Domain, ID: "forged", Version: "1.0", Content: xmpp.NSServer}
		raw := h.String()
		if d, ok := peer.ParseDialback(injected); ok {
			d.From, d.To = h.From, h.To
			raw += "<stream:features/>" + d.Element().String()
		} else {
			raw += string(injected.AppendXML(nil, &h))
		}
		return messageTo(behindProceed, append(slices.Clone(opts), peer.BehindProceed(raw))...)(ctx, st)
	}
}

// What is injected into an initiator: that EXTERNAL is offered, that the pair is valid,
// that the stream is over.
var (
	injectedOffer = stream("features").Append(peer.Mechanisms("EXTERNAL"))
	injectedValid = peer.Dialback{Type: peer.TypeValid}.Element()
	injectedError = stream("error").Append(xmpp.New(xmpp.NSStreamErrors, "policy-violation"))
)

func stream(local string) *xmpp.Element {
	e := xmpp.New(xmpp.NSStream, local)
	e.Prefix = "stream"
	return e
}

// Inside TLS the first of these offers dialback alone, though it would believe EXTERNAL;
// the second believes nobody.
var (
	dialbackAlone = append(stage.OnlyDialback(), peer.AnswerDialback(peer.Valid), peer.AnswerExternal(peer.Success))
	disbeliever   = append(stage.OnlyDialback(), peer.AnswerDialback(peer.DialbackError("not-authorized")))
)

// notTakenIn expects that what was injected counts for nothing: the message takes the
// way that the peer offers inside TLS, or the bytes break TLS.
func notTakenIn(pass ...string) judge.Expectation {
	return judge.Note(behindProceed, append(pass, "error *")...).
		Or(results.Exposed, "it did what an attacker had said in clear", "delivered *")
}

// goesOnInside asks that a stream which the subject opened inside TLS, with a peer that
// then does nothing wrong, carries the message. Who dies of the bytes before, in the
// handshake or with an error of its own, did not take them for what the peer says in it.
func goesOnInside() judge.Check {
	return judge.Check{Name: "what was injected does not end a stream inside TLS", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		if slices.ContainsFunc(obs.Messages, func(m results.Message) bool { return m.Delivered > 0 }) {
			return nil
		}
		opened := func(h results.Header) bool { return h.Inside && h.Direction == results.Initiating }
		noticed := func(e results.StreamError) bool { return e.Direction == results.Initiating }
		if slices.ContainsFunc(obs.Streams, func(s results.Stream) bool {
			return slices.ContainsFunc(s.Headers, opened) && !slices.ContainsFunc(s.Errors, noticed)
		}) {
			return []judge.Finding{{Verdict: results.Fail, Blame: results.BlameInitiator, Cites: cites(must("RFC 6120", "5.4.3.3")),
				Why: "the initiator opened a stream inside TLS, in which the bytes behind <proceed/> have no place, and gave it up"}}
		}
		return nil
	}}
}

// The note of s2s/attacker/srv-spoof.
const toSpoofed = "a message to a domain whose SRV record names another's server"

// srvSpoof forges the SRV record of a domain: it leads to a host that has a certificate
// for its own name, and for no other.
func srvSpoof(ctx context.Context, st *stage.Stage) error {
	const host = "host." + mallory
	cert, err := st.Certificate(ca.Good, host)
	if err != nil {
		return err
	}
	p, err := st.Hidden(ctx, "victim", append(stage.Honest(), peer.WithCertificate(cert))...)
	if err != nil {
		return err
	}
	if err := st.Publish(zone.SRV("_xmpp-server._tcp.victim", 10, 0, p.At.Port(), host), zone.Address(host, p.At.Addr())); err != nil {
		return err
	}
	st.Note(toSpoofed, st.Message(ctx, "bob@"+p.Domain()))
	return nil
}

// wasAsked asks that the subject asked the DNS for a service of a domain of the stage's:
// without that the answer, which is what the row is about, was not seen.
func wasAsked(service string) judge.Check {
	return inquired(service, func(name string) bool { return strings.HasPrefix(name, service+".") })
}

// wasAskedAbout asks that the subject asked the DNS for whatever service of the domain
// of a label.
func wasAskedAbout(label string) judge.Check {
	return inquired("services of "+label, func(name string) bool { return strings.Contains(name, "._tcp."+label+".") })
}

func inquired(what string, is func(name string) bool) judge.Check {
	return judge.Check{Name: "the DNS was asked for " + what, Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
		if slices.ContainsFunc(obs.Queries, func(q results.Query) bool { return is(q.Name) }) {
			return nil
		}
		return []judge.Finding{{Verdict: results.Inconclusive, Why: "it never asked the DNS for " + what}}
	}}
}

// The notes of s2s/attacker/dialback-dns-spoof.
const (
	spoofedAnswer  = "the answer to who is where the DNS says that the victim is"
	spoofedVouched = "who vouched for it"
	spoofedMessage = "a message from the victim's domain, then"
)

// dialbackDNSSpoof forges the records of a domain, so that the attacker is the server
// that vouches for the attacker's key. Where the domain is signed, the subject's
// resolver finds out.
func dialbackDNSSpoof(signed bool) Script {
	return func(ctx context.Context, st *stage.Stage) error {
		cert, err := st.Certificate(ca.Good, mallory)
		if err != nil {
			return err
		}
		asked := make(chan struct{}, 1)
		p, err := st.Peer(ctx, "victim", append(stage.Honest(), peer.WithCertificate(cert),
			peer.AnswerVerify(func(ctx context.Context, s *peer.Session, d peer.Dialback) peer.Answer {
				select {
				case asked <- struct{}{}:
				default:
				}
				return peer.CheckKey(ctx, s, d)
			}))...)
		if err != nil {
			return err
		}
		if signed {
			if err := st.Forge(); err != nil {
				return err
			}
		}
		s, err := p.Secure(ctx)
		if err != nil {
			return err
		}
		answer, err := s.DialbackResult(ctx, peer.Dialback{})
		st.Note(spoofedAnswer, stage.Told(answer, err))
		if answer.Type == peer.TypeValid {
			select {
			case <-asked:
				st.Note(spoofedVouched, "the server that the DNS names")
			default:
				st.Note(spoofedVouched, "nobody")
			}
		}
		st.Note(spoofedMessage, st.Deliver(ctx, s, "x@"+p.Domain()))
		return nil
	}
}

// nsCompress is XEP-0138.
const nsCompress = "http://jabber.org/protocol/compress"

// The notes of s2s/attacker/compression-before-auth.
const (
	compressInClear = "compression, asked for in clear"
	compressInside  = "compression, asked for before authentication"
	compressAfter   = "compression, asked for after authentication"
	compressBomb    = "a stanza without an end, of which a thousand bytes come in one"
)

const compress = "<compress xmlns='" + nsCompress + "'><method>zlib</method></compress>"

// bombSize is what has to be inflated of a stanza, many times what anybody allows one.
const bombSize = 64 << 20

func compressionBeforeAuth(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	for _, when := range []struct {
		note    string
		open    func(context.Context, ...peer.StreamOption) (*peer.Session, error)
		offered bool // asked for where it is offered, and nowhere else
	}{{compressInClear, p.Open, false}, {compressInside, p.Secure, false}, {compressAfter, p.Authorised, true}} {
		s, err := when.open(ctx)
		if err != nil {
			return err
		}
		if when.offered && len(s.Features().Compression) == 0 {
			st.Note(when.note, "not offered")
			continue
		}
		said := askCompression(ctx, s)
		st.Note(when.note, said)
		if said != compressed {
			continue
		}
		if s, err = when.open(ctx); err != nil {
			return err
		}
		st.Note(compressBomb, bomb(ctx, st, s))
	}
	noteAlive(ctx, st, p)
	return nil
}

// compressed is the answer of a subject that inflates what it reads from then on.
const compressed = "compressed"

// askCompression asks for compression, ends the stream behind that, and says in words
// what the answer is.
func askCompression(ctx context.Context, s *peer.Session) string {
	if err := s.Raw(ctx, compress); err == nil {
		_ = s.CloseStream(ctx) // the subject may have ended it already
	}
	yes, no := peer.Element(nsCompress, "compressed"), peer.Element(nsCompress, "failure")
	ev, err := s.Expect(ctx, peer.AnyOf(yes, no, peer.StreamErrorWith(""), peer.Closed))
	switch {
	case err != nil:
		return stage.End(err)
	case yes.Match(ev):
		return compressed
	case no.Match(ev):
		for c := range ev.Element.Children() {
			return "refused, " + c.Name.Local
		}
		return "refused"
	}
	if se, ok := xmpp.ParseStreamError(ev.Element); ok {
		return stage.End(se)
	}
	return stage.Closed
}

// bomb asks for compression and sends a stanza that inflates beyond all bounds. It says
// how the subject ends that.
func bomb(ctx context.Context, st *stage.Stage, s *peer.Session) string {
	if err := s.Raw(ctx, compress); err != nil {
		return stage.End(err)
	}
	if _, err := s.Expect(ctx, peer.Element(nsCompress, "compressed")); err != nil {
		return stage.End(err)
	}
	var raw bytes.Buffer
	z := zlib.NewWriter(&raw)
	_, err := fmt.Fprintf(z, "<message from='x@%s' to='%s'><body>", s.Header().From, st.Domain)
	block := bytes.Repeat([]byte("a"), 1<<20)
	for n := 0; n < bombSize && err == nil; n += len(block) {
		_, err = z.Write(block)
	}
	if err = errors.Join(err, z.Flush()); err != nil {
		return stage.End(err)
	}
	_ = s.Raw(ctx, raw.String()) // who hangs up in its middle has seen enough
	return stage.HowEnded(ctx, s)
}

// noteAlive notes whether the subject still opens a stream.
func noteAlive(ctx context.Context, st *stage.Stage, p *stage.Peer) {
	s, err := p.Open(ctx)
	if err != nil {
		st.Note(nextStream, stage.End(err))
		return
	}
	st.Note(nextStream, "opened")
	_ = s.CloseStream(ctx) // that it was opened is all
}

func refusedCompression(note string) judge.Expectation {
	return judge.Note(note, "refused*", "stream error *", stage.Closed, stage.Nothing).
		Or(results.Fail, "anybody may have it inflate what he likes", compressed)
}

// restricted is a way to say what RFC 6120 section 11.1 forbids: before the stream header,
// or on a stream before authentication.
type restricted struct {
	note   string
	prolog string
	inside string
}

var restrictedXML = []restricted{
	{note: "a document type", prolog: "<!DOCTYPE stream [<!ELEMENT stream ANY>]>"},
	{note: "entities of entities", prolog: entities(), inside: "<starttls xmlns='" + xmpp.NSTLS + "'>&e9;</starttls>"},
	{note: "a processing instruction", inside: "<?testday hello?>"},
	{note: "a comment", inside: "<!-- hello -->"},
}

// entities declares ten entities, each but the first of which stands for ten of the one
// before: the last is a thousand million characters long.
func entities() string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE stream [<!ENTITY e0 'a'>")
	for n := 1; n < 10; n++ {
		fmt.Fprintf(&b, "<!ENTITY e%d '%s'>", n, strings.Repeat(fmt.Sprintf("&e%d;", n-1), 10))
	}
	b.WriteString("]>")
	return b.String()
}

// wentOn is that the subject went on as if what is forbidden were not there.
const wentOn = "went on"

func dtdAndEntities(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	for _, r := range restrictedXML {
		how, err := sayRestricted(ctx, st, p, r)
		if err != nil {
			return err
		}
		st.Note(r.note, how)
		noteAlive(ctx, st, p)
	}
	return nil
}

// sayRestricted says it on a connection of its own, with something behind it that has
// an answer, and says what comes of it.
func sayRestricted(ctx context.Context, st *stage.Stage, p *stage.Peer, r restricted) (string, error) {
	s, err := p.Initiate(ctx)
	if err != nil {
		return "", err
	}
	defer s.Close()
	goesOn := peer.Features
	if r.prolog != "" {
		raw := strings.Replace(clearHeader(p.Domain(), st.Domain), "?>", "?>"+r.prolog, 1)
		err = s.Raw(ctx, raw+r.inside+xmpp.Close)
	} else {
		if err := s.OpenStream(ctx); err != nil {
			return "", err
		}
		goesOn = peer.AnyOf(peer.Proceed, failed)
		err = s.Raw(ctx, r.inside+plainSTARTTLS)
	}
	if err != nil {
		return stage.HowClosed(ctx, s), nil
	}
	ev, err := s.Expect(ctx, peer.AnyOf(goesOn, peer.StreamErrorWith(""), peer.Closed))
	if err != nil {
		return stage.End(err), nil
	}
	if se, ok := xmpp.ParseStreamError(ev.Element); ok {
		return stage.End(se), nil
	}
	if goesOn.Match(ev) {
		return wentOn, nil
	}
	return stage.Closed, nil
}

func restrictedRefused() []judge.Expectation {
	var e []judge.Expectation
	for _, r := range restrictedXML {
		e = append(e, judge.Note(r.note, "stream error restricted-xml", "stream error not-well-formed").
			Or(results.Weaker, "restricted-xml is what the standard recommends", "stream error *").
			Or(results.Weaker, "it does not say why", stage.Closed).
			Or(results.Fail, "the stream has to be closed", wentOn))
	}
	return append(e, judge.Note(nextStream, "opened"))
}

// The notes of s2s/attacker/namespace-smuggling.
const (
	foreignStanza  = "a message in a namespace that is none of stanzas"
	prefixedStanza = "a message in the namespace of stanzas, with a prefix"
)

// unreadable is that the subject gave its client the words in an element that is no
// message with a body.
const unreadable = "delivered, unreadable"

func namespaceSmuggling(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	for _, look := range []struct{ note, prefix, space string }{
		{foreignStanza, "x", "http://example.org/ns2"},
		{prefixedStanza, "foo", xmpp.NSServer},
	} {
		s, err := p.Authorised(ctx)
		if err != nil {
			return err
		}
		m := st.Stanza("x@" + p.Domain())
		raw := fmt.Sprintf("<%[1]s:message xmlns:%[1]s='%[2]s' from='%[3]s' to='%[4]s' id='%[5]s'><body>%[5]s</body></%[1]s:message>",
			look.prefix, look.space, m.From, m.To, m.Body)
		how := st.DeliverRaw(ctx, s, m, raw)
		if how != stage.Delivered && st.Shown(ctx, m) {
			how = unreadable
		}
		st.Note(look.note, how)
	}
	return nil
}
