package run

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xmpp-testday/testday/ca"
	"github.com/xmpp-testday/testday/fixtures/engine"
	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/results"
	"github.com/xmpp-testday/testday/servers"
	"github.com/xmpp-testday/testday/suites"
)

// readyTimeout bounds how long a server may take to answer for its last host.
const readyTimeout = 60 * time.Second

// process is what a server runs in: a container, or this process.
type process interface {
	// Exited is closed when the server is no more.
	Exited() <-chan struct{}
	// CPU is the processor time that it has used, as far as that is its own.
	CPU(context.Context) (time.Duration, error)
}

// server is a running container of the plan.
type server struct {
	plan *suites.Container
	addr netip.Addr
	book *logbook
	run  process

	mu      sync.Mutex
	version string
	broken  error
}

// host is a domain of the plan with what the lab made for it.
type host struct {
	suites.Host
	domain *lab.Domain
	cert   *ca.Certificate
	server *server

	// preflight looks once at the host as other servers will; see
	// [Run.preflight].
	preflight func() error
}

// images finds or builds the image of every subject, side by side.
func (r *Run) images(ctx context.Context) (map[string]engine.Image, error) {
	out := map[string]engine.Image{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range r.plan.Subjects {
		if _, ok := s.Driver.(local); ok {
			continue
		}
		g.Go(func() error {
			img, err := Image(ctx, r.engine, s)
			if err != nil {
				return fmt.Errorf("image of %s: %w", s.Name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			out[s.Name] = img
			return nil
		})
	}
	return out, g.Wait()
}

// Resolve completes the subjects that are given as images: what an image's server
// can be configured to do is said by its labels. It needs the engine only if there
// are any.
func Resolve(ctx context.Context, subjects []servers.Subject) ([]servers.Subject, error) {
	if !slices.ContainsFunc(subjects, func(s servers.Subject) bool { return s.Image != "" }) {
		return subjects, nil
	}
	eng, err := engine.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	out := slices.Clone(subjects)
	for k := range out {
		s := &out[k]
		if s.Image == "" {
			continue
		}
		img, err := eng.Image(ctx, s.Image)
		if err != nil {
			return nil, fmt.Errorf("subject %s: %w", s.Name, err)
		}
		if s.Driver, err = servers.FromLabels(img.Labels); err != nil {
			return nil, fmt.Errorf("subject %s (%s): %w", s.Name, s.Image, err)
		}
	}
	return out, nil
}

// Image finds or builds the image of a subject.
func Image(ctx context.Context, eng *engine.Engine, s servers.Subject) (engine.Image, error) {
	if s.Image != "" {
		return eng.Image(ctx, s.Image)
	}
	base, err := eng.Base(ctx, s.Version.Suite)
	if err != nil {
		return engine.Image{}, err
	}
	shim, err := eng.Build(ctx, engine.Build{Name: "keylog", Files: servers.KeyLogFiles(), From: map[string]engine.Image{"BASE": base}})
	if err != nil {
		return engine.Image{}, err
	}
	return eng.Build(ctx, engine.Build{
		Name:  s.Driver.Name(),
		Files: s.Driver.Files(),
		From:  map[string]engine.Image{"BASE": base, "KEYLOG": shim},
	})
}

// world makes the domains and certificates of the plan.
func (r *Run) world(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	var mu sync.Mutex
	for _, k := range r.plan.Containers {
		s := &server{plan: k, book: &logbook{reader: k.Subject.Driver.Log()}}
		r.servers[k.Name] = s
		for _, h := range k.Hosts {
			g.Go(func() error {
				add := r.lab.AddDomain
				if h.DirectTLS {
					add = r.lab.AddDirectDomain
				}
				d, err := add(ctx, h.Domain)
				if err != nil {
					return err
				}
				cert, err := r.lab.CA.Make(ca.Kind(h.Setting.Certificate), h.Domain)
				if err != nil {
					return fmt.Errorf("certificate of %s: %w", h.Domain, err)
				}
				host := &host{Host: h, domain: d, cert: cert, server: s}
				host.preflight = sync.OnceValue(func() error {
					// It is the host's, not that of the cell which asks first.
					return errors.Join(r.resolves(context.WithoutCancel(ctx), host), r.offers(host))
				})
				mu.Lock()
				defer mu.Unlock()
				r.hosts[h.Domain] = host
				return nil
			})
		}
	}
	return g.Wait()
}

// start runs every container of the plan at once, and returns when each has
// answered for its last host.
func (r *Run) start(ctx context.Context, images map[string]engine.Image) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, k := range r.plan.Containers {
		s := r.servers[k.Name]
		g.Go(func() error {
			if err := r.startOne(ctx, s, images[k.Subject.Name]); err != nil {
				return fmt.Errorf("start %s: %w", k.Name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func (r *Run) startOne(ctx context.Context, s *server, img engine.Image) error {
	dep := servers.Deployment{Subject: s.plan.Subject.Name, Place: s.plan.Place, TrustAnchors: r.lab.CA.RootPEM()}
	for _, ph := range s.plan.Hosts {
		h := r.hosts[ph.Domain]
		dep.Hosts = append(dep.Hosts, servers.Host{Domain: ph.Domain, Setting: ph.Setting,
			Chain: h.cert.PEM(), Key: h.cert.KeyPEM(), Accounts: ph.Accounts})
	}
	driver, isLocal := s.plan.Subject.Driver.(local)
	if isLocal {
		s.addr = r.lab.Address()
	} else {
		s.addr = r.lab.Network.ServerAddr()
	}
	for _, ph := range s.plan.Hosts {
		r.hosts[ph.Domain].domain.ServedBy(s.addr)
	}
	if isLocal {
		return r.startLocal(ctx, s, driver, dep)
	}
	files, err := input(dep)
	if err != nil {
		return err
	}
	store, err := systemStore(r.lab.CA.PublicRoot())
	if err != nil {
		return err
	}
	running, err := r.engine.Run(ctx, engine.Container{
		Name:    containerName(s.plan.Name),
		Image:   img,
		Env:     dep.Env(),
		Files:   append(files, store...),
		Network: r.lab.Network,
		IP:      s.addr,
		DNS:     []netip.Addr{r.lab.Resolver},
		OnLog:   func(_ string, at time.Time, line []byte) { r.onLine(s, at, string(line)) },
	})
	if err != nil {
		return err
	}
	s.run = running
	return r.ready(ctx, s)
}

// input is what the contract puts into a container before it starts.
func input(dep servers.Deployment) ([]engine.File, error) {
	var packed bytes.Buffer
	if err := dep.WriteTar(&packed); err != nil {
		return nil, err
	}
	var files []engine.File
	for t := tar.NewReader(&packed); ; {
		h, err := t.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		files = append(files, engine.File{Path: "/" + h.Name, Data: data})
	}
}

// containerName is a plan's name in the letters that an engine takes.
func containerName(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '@' {
			return '-'
		}
		return c
	}, name)
}

// onLine sorts a container's output: secrets, its version, and its log.
func (r *Run) onLine(s *server, at time.Time, text string) {
	line, err := servers.ParseLine(text)
	switch {
	case err != nil:
		s.mu.Lock()
		s.broken = errors.Join(s.broken, err)
		s.mu.Unlock()
	case line.Kind == servers.KeyLogLine:
		r.lab.Keys.AddFrom(s.plan.Name, line.Text)
		return
	case line.Kind == servers.VersionLine:
		s.mu.Lock()
		s.version = fmt.Sprintf("%s (%s)", line.Upstream, line.Package)
		s.mu.Unlock()
	case line.Kind == servers.BrokenLine:
		s.mu.Lock()
		s.broken = errors.Join(s.broken, line.Broken)
		s.mu.Unlock()
	}
	s.book.add(at, text)
}

// ready waits until the server answers for the last of its hosts on both
// ports: a stream header and features, never an open port.
func (r *Run) ready(ctx context.Context, s *server) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	go func() { // which no probe of it outlives
		select {
		case <-s.run.Exited():
			cancel()
		case <-ctx.Done():
		}
	}()
	last := s.plan.Hosts[len(s.plan.Hosts)-1]
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	var errClient, errServer error
	for {
		var features string
		features, errClient = r.probe(ctx, s, lab.PortClient, "jabber:client", last.Domain)
		if errClient == nil && !strings.Contains(features, nsTLS) {
			errClient = fmt.Errorf("port %d offers no STARTTLS", lab.PortClient)
		}
		if errClient == nil {
			if _, errServer = r.probe(ctx, s, lab.PortServer, "jabber:server", last.Domain); errServer == nil {
				break
			}
		}
		select {
		case <-s.run.Exited():
			return s.startFailed()
		case <-ctx.Done():
			select {
			case <-s.run.Exited():
				return s.startFailed()
			default:
			}
			return &servers.Violation{Clause: servers.ClauseReady,
				Reason: fmt.Sprintf("no answer for %s: %v; its log ends with: %s", last.Domain, errors.Join(errClient, errServer), s.book.tail(5))}
		case <-tick.C:
		}
	}
	if err := s.violation(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version == "" {
		return &servers.Violation{Clause: servers.ClauseVersion, Reason: "it did not print its version"}
	}
	return nil
}

// ended reports whether the server is no more.
func (s *server) ended() bool {
	select {
	case <-s.run.Exited():
		return true
	default:
		return false
	}
}

// lastWords is how the log of a server ends that ended.
func (s *server) lastWords(start time.Time) []byte {
	return append([]byte("\nthe server ended; its last lines, of all cells:\n"), logText(s.book.last(crashLines), start)...)
}

// startFailed is the error of a container that ended before it was ready: what it said
// itself, or else where its log ends.
func (s *server) startFailed() error {
	if err := s.violation(); err != nil {
		return err
	}
	return &servers.Violation{Clause: servers.ClauseReady,
		Reason: "it ended before it was ready; its log ends with: " + s.book.tail(5)}
}

func (s *server) violation() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// nsTLS is the namespace of STARTTLS (RFC 6120 section 5).
const nsTLS = "urn:ietf:params:xml:ns:xmpp-tls"

// offers holds what a host offers other servers against its policy: TLS, unless
// it is off.
func (r *Run) offers(h *host) error {
	features, err := r.probe(context.Background(), h.server, lab.PortServer, "jabber:server", h.Host.Domain)
	if err != nil {
		return fmt.Errorf("%s does not answer servers: %w", h.Host.Domain, err)
	}
	if offered, off := strings.Contains(features, nsTLS), h.Setting.Policy == servers.Off; offered == off {
		return fmt.Errorf("%s is set to %s, and offers TLS to servers: %v", h.Host.Domain, h.Setting.Policy, offered)
	}
	return nil
}

// probe opens a stream and returns what is said until its features.
func (r *Run) probe(ctx context.Context, s *server, port uint16, ns, domain string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := r.lab.Dial(ctx, netip.AddrPortFrom(s.addr, port))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	header := fmt.Sprintf("<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='http://etherx.jabber.org/streams' to='%s' version='1.0'>", ns, domain)
	if _, err := io.WriteString(conn, header); err != nil {
		return "", fmt.Errorf("port %d: %w", port, err)
	}
	answer, err := readUntil(conn, "</stream:features>", "<stream:features/>", "</stream:stream>")
	if err != nil {
		return "", fmt.Errorf("port %d: %w", port, err)
	}
	if strings.Contains(answer, "<stream:error") {
		return "", fmt.Errorf("port %d answers with a stream error", port)
	}
	// Take leave in order, and wait for the answer: a probe must not be what a
	// server stumbles over.
	if _, err := io.WriteString(conn, "</stream:stream>"); err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(conn, 64<<10))
	}
	return answer, nil
}

func readUntil(conn net.Conn, marks ...string) (string, error) {
	var got []byte
	buf := make([]byte, 4096)
	for len(got) < 64<<10 {
		n, err := conn.Read(buf)
		got = append(got, buf[:n]...)
		for _, m := range marks {
			if bytes.Contains(got, []byte(m)) {
				return string(got), nil
			}
		}
		if err != nil {
			return "", err
		}
	}
	return "", errors.New("no stream features in 64 KiB")
}

// subjects says exactly what was tested.
func (r *Run) subjects(images map[string]engine.Image) []results.Subject {
	var out []results.Subject
	for _, s := range r.plan.Subjects {
		img := images[s.Name]
		sub := results.Subject{Name: s.Name, Image: strings.TrimSpace(img.Ref + " " + img.ID)}
		if _, ok := s.Driver.(local); ok {
			sub.Image, sub.Version = "in the harness's own process", s.Version.Upstream
		}
		for _, k := range r.plan.Containers {
			if k.Subject.Name == s.Name {
				srv := r.servers[k.Name]
				srv.mu.Lock()
				sub.Version = cmp.Or(srv.version, sub.Version)
				srv.mu.Unlock()
			}
		}
		out = append(out, sub)
	}
	slices.SortFunc(out, func(a, b results.Subject) int { return strings.Compare(a.Name, b.Name) })
	return out
}
