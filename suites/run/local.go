package run

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/xmpp-testday/testday/fixtures/lab"
	"github.com/xmpp-testday/testday/fixtures/reference"
	"github.com/xmpp-testday/testday/servers"
)

// local is a driver whose servers run in this process: they need neither an image
// nor an engine.
type local interface {
	New(servers.Deployment, reference.Network, ...reference.Option) (*reference.Server, error)
}

// localServer is a server in this process.
type localServer struct {
	server  *reference.Server
	cancel  context.CancelFunc
	serving sync.WaitGroup
	exited  chan struct{}

	mu   sync.Mutex
	errs []error
}

func (s *localServer) Exited() <-chan struct{} { return s.exited }

// CPU is nothing of its own: what it uses is counted as the harness's.
func (s *localServer) CPU(context.Context) (time.Duration, error) { return 0, nil }

func (s *localServer) stop() error {
	s.cancel()
	s.server.Close()
	s.serving.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.errs...)
}

// startLocal runs a server of the plan in this process, at an address of its own.
// It serves when this returns.
func (r *Run) startLocal(ctx context.Context, s *server, driver local, dep servers.Deployment) error {
	dial := func(ctx context.Context, to netip.AddrPort) (net.Conn, error) { return r.lab.Net.Dial(ctx, s.addr, to) }
	public := x509.NewCertPool()
	public.AddCert(r.lab.CA.PublicRoot())
	ref, err := driver.New(dep, reference.Network{Dial: dial, Exchange: reference.Resolver(dial, netip.AddrPortFrom(r.lab.Resolver, 53))},
		reference.WithKeyLog(r.lab.Keys), reference.WithPatience(r.config.Patience), reference.WithPublicAuthorities(public),
		reference.WithLog(func(line string) { s.book.add(time.Now(), line) }))
	if err != nil {
		return err
	}
	l := &localServer{server: ref, exited: make(chan struct{})}
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.cancel, s.run = cancel, l
	died := sync.OnceFunc(func() { close(l.exited) })
	for port, serve := range map[uint16]func(context.Context, net.Listener) error{
		lab.PortClient: ref.ServeClients, lab.PortServer: ref.ServeServers, lab.PortServerTLS: ref.ServeServersTLS,
	} {
		listener, err := r.lab.Net.Listen(ctx, netip.AddrPortFrom(s.addr, port))
		if err != nil {
			return errors.Join(err, l.stop())
		}
		l.serving.Go(func() {
			if err := serve(serving, listener); err != nil {
				l.mu.Lock()
				l.errs = append(l.errs, err)
				l.mu.Unlock()
			}
			if serving.Err() == nil {
				died()
			}
		})
	}
	return nil
}

// bootLoopback boots a run whose subjects all live in this process.
func (r *Run) bootLoopback(ctx context.Context) error {
	began := time.Now()
	var err error
	if r.lab, err = lab.Loopback(ctx); err != nil {
		return err
	}
	r.meta.Run.Engine = "none: all subjects run in the harness's own process"
	return r.boot(ctx, began, nil)
}
