package suites

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/peer"
	"github.com/xmpp-testday/testday/fixtures/xmpp"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/results/judge"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites/stage"
)

// underBoth makes a world of the policy that has the peer authenticated by its
// certificate, and of the one that has it authenticated at all.
func underBoth(s Script, expect ...judge.Expectation) []World {
	return []World{
		receiving(string(servers.P2), P2(servers.Good), s, expect...),
		receiving(string(servers.P1), P1(servers.Good), s, expect...),
	}
}

// The note of s2s/pkix/revoked, beside those about any certificate.
const whomAsked = "whom it asked about the certificate"

// revoked adds to worlds whether the subject asked if the certificate is revoked. All
// answers are as good: what counts is what it made of them.
func revoked(worlds []World) []World {
	for i := range worlds {
		scene := &worlds[i].Scene
		script := scene.Script
		scene.Script = func(ctx context.Context, st *stage.Stage) error {
			err := script(ctx, st)
			st.Note(whomAsked, st.Asked())
			return err
		}
		scene.Expect = append(scene.Expect, judge.Note(whomAsked, stage.AskedNobody, stage.AskedList+"*", stage.AskedResponder))
	}
	return worlds
}

// The notes of s2s/pkix/expires-while-connected, and its times.
const (
	whileValid   = "a message while the certificate is valid"
	whenExpired  = "the stream whose certificate expires"
	certLife     = time.Minute
	busyTime     = 2 * time.Minute
	busyInterval = 5 * time.Second
)

// expiresWhileConnected has a stream kept busy until its certificate has expired, and
// as long again.
func expiresWhileConnected(ctx context.Context, st *stage.Stage) error {
	cert, err := st.Issue("p", ca.Leaf{Names: []string{st.Name("p")}, NotAfter: st.Scale(certLife)})
	if err != nil {
		return err
	}
	p, err := st.Peer(ctx, "p", append(stage.Honest(), peer.WithCertificate(cert))...)
	if err != nil {
		return err
	}
	st.Note(whileValid, st.Message(ctx, "bob@"+p.Domain()))
	s := p.Outbound()
	if s == nil {
		return nil
	}
	busy, cancel := context.WithTimeout(ctx, st.Scale(busyTime))
	defer cancel()
	ended := make(chan string, 1)
	go func() { ended <- stage.HowClosed(busy, s) }()
	tick := time.NewTicker(st.Scale(busyInterval))
	defer tick.Stop()
	for {
		select {
		case how := <-ended:
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case how == stage.Nothing:
				how = stage.Open
			case time.Now().Before(cert.Leaf.NotAfter):
				return errors.New("the subject ended the stream while its certificate was valid: " + how)
			}
			st.Note(whenExpired, how)
			return nil
		case <-tick.C:
			// What comes of it is on record. That no other stream opens for it is no
			// question here.
			_ = st.Message(busy, "bob@"+p.Domain())
		case <-st.Exited:
			return errors.New("the subject ended")
		}
	}
}

// The notes of s2s/pkix/authzid-forms.
const (
	emptyAuthzid     = "EXTERNAL with an empty authorization identity"
	ownAuthzid       = "EXTERNAL with the peer's domain as authorization identity"
	emptyAuthzidThen = "a message of who gave no authorization identity"
	ownAuthzidThen   = "a message of who gave its domain"
)

func authzidForms(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	for _, form := range []struct{ note, then, authzid string }{
		{emptyAuthzid, emptyAuthzidThen, ""},
		{ownAuthzid, ownAuthzidThen, p.Domain()},
	} {
		s, err := p.External(ctx, form.authzid)
		st.Note(form.note, stage.End(err))
		if err == nil {
			st.Note(form.then, st.Pass(ctx, s, st.Stanza("x@"+p.Domain())))
		}
		if s != nil {
			_ = s.Close() // the next stream is to be the only one
		}
	}
	return nil
}

// authzidTaken expects that EXTERNAL succeeds in one of its forms, and lets stanzas in.
func authzidTaken(note, then, why string) []judge.Expectation {
	return []judge.Expectation{
		judge.Note(note, stage.Success).
			Or(results.Weaker, "dialback has to do, though the certificate would", "not offered").
			Or(results.NoInterop, why, notBelieved...),
		judge.Note(then, stage.Delivered).IfNoted(),
	}
}

// The notes of s2s/pkix/authzid-not-in-cert.
const (
	otherAuthzid   = "EXTERNAL as another domain"
	otherUnoffered = "EXTERNAL as another domain, which was not offered"
	asVictimThen   = "a message of that domain"
)

func authzidNotInCert(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Secure(ctx)
	if err != nil {
		return err
	}
	victim := st.Name("victim")
	if !slices.Contains(s.Features().Mechanisms, "EXTERNAL") {
		st.Note(otherUnoffered, stage.TryMechanism(ctx, s, "EXTERNAL", victim))
		return nil
	}
	err = s.External(ctx, victim)
	st.Note(otherAuthzid, stage.End(err))
	st.Note(asVictimThen, st.Deliver(ctx, s, "x@"+victim))
	return nil
}

// The notes of s2s/pkix/stanza-from-other-domain.
const (
	asItself = "a message of the domain that was authenticated"
	asOther  = "a message of another domain, on its stream"
)

func stanzaFromOther(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Authorised(ctx)
	if err != nil {
		return err
	}
	own := st.Pass(ctx, s, st.Stanza("x@"+p.Domain()))
	st.Note(asItself, own)
	if own == stage.Delivered {
		st.Note(asOther, st.Deliver(ctx, s, "x@"+st.Name("b")))
	}
	return nil
}

// The note of s2s/pkix/external-offered-in-clear, and who offers it: a peer that has
// no TLS, and believes everybody.
const toClearExternal = "a message to a peer that has EXTERNAL and no TLS"

var clearExternalPeer = []peer.Option{peer.FailStartTLS(), peer.AnswerExternal(peer.Success),
	peer.EditFeatures(func(_ *peer.Session, f *xmpp.Element) { f.Append(peer.Mechanisms("EXTERNAL")) })}

// noAuthenticationInClear asks that the subject does not authenticate outside TLS.
var noAuthenticationInClear = judge.Check{Name: "nobody authenticates in clear", Find: func(obs *results.Observation, _ results.Outcome) []judge.Finding {
	for _, s := range obs.Streams {
		for _, a := range s.SASL {
			if !a.Inside {
				return []judge.Finding{{Verdict: results.Fail, Blame: results.BlameInitiator,
					Why: "the initiator requires TLS, and authenticated by " + a.Mechanism + " in clear"}}
			}
		}
	}
	return nil
}}

// The notes of s2s/pkix/other-mechanism.
const (
	plainAsVictim = "PLAIN as another domain"
	scramAsVictim = "SCRAM as another domain"
)

func otherMechanism(ctx context.Context, st *stage.Stage) error {
	victim := st.Name("victim")
	for _, m := range []struct{ note, name, initial string }{
		{plainAsVictim, "PLAIN", "\x00" + victim + "\x00secret"},
		{scramAsVictim, "SCRAM-SHA-1", "n,,n=" + victim + ",r=" + stage.Token()},
	} {
		s, err := asVictim(ctx, st, victim)
		if err != nil {
			return err
		}
		st.Note(m.note, stage.TryMechanism(ctx, s, m.name, m.initial))
	}
	return nil
}

// mechanismRefused expects that a mechanism for users is refused between servers.
func mechanismRefused(note string) judge.Expectation {
	return judge.Note(note, "failure invalid-mechanism", "failure not-authorized").
		Or(results.Exposed, "it has no password of another server", stage.Success).
		Or(results.Weaker, "it does not let the peer in, and does not say that it is for the mechanism", "failure*", "stream error *", stage.Closed)
}

// The notes of s2s/pkix/certificate-by-to.
const (
	certificateOfOne   = "the certificate shown for its domain"
	certificateOfOther = "the certificate shown for its other domain"
	itsOwn             = "that of the domain"
)

// certificateByTo looks at what the subject shows who names one of its domains in the
// stream header only.
func certificateByTo(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	for _, d := range []struct{ note, domain string }{{certificateOfOne, st.Domain}, {certificateOfOther, st.Other}} {
		s, err := p.Open(ctx, peer.To(d.domain))
		if err != nil {
			return err
		}
		err = s.StartTLS(ctx, peer.ServerName(""))
		switch cs := s.ConnectionState(); {
		case cs == nil:
			st.Note(d.note, stage.End(err))
		case peer.VerifyName(st.Lab.CA.Pool(), d.domain)(*cs) == nil:
			st.Note(d.note, itsOwn)
		default:
			st.Note(d.note, "another")
		}
	}
	return nil
}

func shownByTo(note string) judge.Expectation {
	return judge.Note(note, itsOwn).Or(results.Weaker, "the stream header says for which domain it is", "another")
}

// The notes of s2s/pkix/from-missing.
const (
	namedByAuthzid     = "EXTERNAL of a peer that names itself by the authorization identity alone"
	namedByAuthzidThen = "a message of it"
	namedNowhere       = "EXTERNAL of a peer that names itself nowhere"
	honestThen         = "a message of a peer that does nothing wrong, after that"
)

func fromMissing(ctx context.Context, st *stage.Stage) error {
	p, err := st.Peer(ctx, "p", stage.Honest()...)
	if err != nil {
		return err
	}
	s, err := p.Secure(ctx, peer.From(""))
	switch {
	case s == nil:
		return err
	case err == nil && slices.Contains(s.Features().Mechanisms, "EXTERNAL"):
		err = s.External(ctx, p.Domain(), peer.From(p.Domain()))
	case err == nil:
		err = stage.ErrNotOffered
	}
	st.Note(namedByAuthzid, stage.End(err))
	if err == nil {
		st.Note(namedByAuthzidThen, st.Pass(ctx, s, st.Stanza("x@"+p.Domain())))
	}
	_ = s.Close() // the next stream is to be the only one
	if s, err = p.Secure(ctx, peer.From("")); s == nil {
		return err
	}
	end := stage.End(err)
	if err == nil {
		end = stage.TryMechanism(ctx, s, "EXTERNAL", "")
	}
	st.Note(namedNowhere, end)
	if s, err = p.Authorised(ctx); err != nil {
		st.Note(honestThen, stage.End(err))
		return nil
	}
	st.Note(honestThen, st.Pass(ctx, s, st.Stanza("x@"+p.Domain())))
	return nil
}
