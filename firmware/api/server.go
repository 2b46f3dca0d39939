package api

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/danielgtaylor/huma/v2"
)

// Options are what a Server is made of.
type Options struct {
	Box         Box
	Bans        Bans
	Credentials Credentials
	Alarms      Alarms
	Fraud       Fraud
	Filter      Filter
	Sticks      Sticks
	Systems     Systems // nil: bundles are not brought by the page
	Boards      Boards  // nil: nothing is known of the machine
	Admission   Admission
	Accounts    Accounts
	Authority   Authority    // the box's own CA, offered for download; may be nil
	Pages       fs.FS        // the built page with index.html at its root; nil or empty: a plain message instead
	Log         *slog.Logger // default: slog.Default()
	Random      io.Reader    // default: crypto/rand.Reader
	// Claimable tells whether the first password counts at this moment; nil: always.
	Claimable func() bool

	cost cost // default: boardCost; tests take less
}

// Config is where the page is served. It comes as a whole; see Server.Set.
type Config struct {
	Addresses []netip.AddrPort // HTTPS, inside only
	Names     []string         // names the box is called by besides Addresses; others get status 421
	Sources   []netip.Prefix   // who may connect; connections from elsewhere are closed before TLS. Empty: nobody
	TLS       *tls.Config      // certificate of the page; protocols and the lowest version are set here
}

// Server serves the page, the API and the unix socket. Its methods may be called from any goroutine.
type Server struct {
	box           Box
	bans          Bans
	credentials   Credentials
	alarms        Alarms
	fraud         Fraud
	filter        Filter
	sticks        Sticks
	systems       Systems
	boards        Boards
	admission     Admission
	authority     Authority
	pages         fs.FS
	log           *slog.Logger
	keyring       *keyring
	sessions      *sessions
	backoff       *backoff
	snapshots     *snapshots
	mux           *http.ServeMux
	document      func() huma.API // registers the operations, the first time it is called
	firstPassword string
	claimable     func() bool

	streams   chan struct{} // one place for each event stream
	closing   chan struct{} // closed by Close
	reception atomic.Pointer[reception]
	tls       atomic.Pointer[tls.Config]

	mu     sync.Mutex // guards everything below
	closed bool
	doors  map[netip.AddrPort]*door
	socket *door
	leave  sync.WaitGroup // doors that are being closed
}

var (
	errClosing     = errors.New("the server stops")
	errSessionOver = errors.New("the session ended")
)

// New makes a server that listens nowhere yet. When Accounts has no administrator it makes one with a first password.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Claimable == nil {
		o.Claimable = func() bool { return true }
	}
	if o.cost == (cost{}) {
		o.cost = boardCost()
	}
	s := &Server{
		box: o.Box, bans: o.Bans, credentials: o.Credentials, alarms: o.Alarms, fraud: o.Fraud, filter: o.Filter, sticks: o.Sticks, systems: o.Systems, boards: o.Boards, admission: o.Admission, authority: o.Authority, pages: o.Pages, log: o.Log,
		keyring:   newKeyring(o.Accounts, o.Random, o.cost),
		sessions:  newSessions(o.Random),
		backoff:   newBackoff(),
		snapshots: &snapshots{box: o.Box},
		mux:       http.NewServeMux(),
		streams:   make(chan struct{}, maxStreams),
		closing:   make(chan struct{}),
		claimable: o.Claimable,
		doors:     map[netip.AddrPort]*door{},
	}
	s.document = sync.OnceValue(func() huma.API { return newAPI(s.mux, s) })
	first, err := s.keyring.ensure(ctx)
	if err != nil {
		return nil, fmt.Errorf("making the administrator's account: %w", err)
	}
	s.firstPassword = first
	return s, nil
}

// Prepare does what the first request would have to wait for: it describes the operations, which takes a slow board a part of a second that
// a start has better uses for.
func (s *Server) Prepare() { s.document() }

// FirstPassword returns the first password when New has just made it, else "". It is for the console, once; it stands
// nowhere else.
func (s *Server) FirstPassword() string { return s.firstPassword }

// Unclaimed tells whether nobody has replaced the first password yet.
func (s *Server) Unclaimed(context.Context) (bool, error) { return s.keyring.unclaimed() }

// NewFirstPassword replaces the administrator's password by a new first one.
func (s *Server) NewFirstPassword(ctx context.Context) (string, error) { return s.keyring.reset(ctx) }

// Set serves the page as c says and nowhere else. It may be called again, also with the same Config: doors that stay are
// not touched. When a new address cannot be listened on, everything stays as it was.
func (s *Server) Set(_ context.Context, c Config) error {
	if err := c.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("setting the page's addresses: %w", errClosing)
	}
	opened, err := s.openMissing(c.Addresses)
	if err != nil {
		return err
	}
	s.tls.Store(pageTLS(c.TLS))
	s.reception.Store(newReception(c))
	wanted := map[netip.AddrPort]bool{}
	for _, a := range c.Addresses {
		wanted[a] = true
	}
	for a, d := range s.doors {
		if !wanted[a] {
			delete(s.doors, a)
			s.shut(d)
		}
	}
	for a, d := range opened {
		s.doors[a] = d
		d.serveTLS()
	}
	return nil
}

func (c Config) check() error {
	if len(c.Addresses) > 0 && c.TLS == nil {
		return errors.New("setting the page's addresses: no certificate was given")
	}
	for _, a := range c.Addresses {
		if !a.IsValid() || a.Addr().IsUnspecified() || a.Port() == 0 {
			return fmt.Errorf("setting the page's addresses: %v is not one address and port; the page is never served everywhere", a)
		}
	}
	return nil
}

// openMissing listens on the addresses that have no door yet; all or none.
func (s *Server) openMissing(addresses []netip.AddrPort) (map[netip.AddrPort]*door, error) {
	opened := map[netip.AddrPort]*door{}
	for _, a := range addresses {
		if s.doors[a] != nil || opened[a] != nil {
			continue
		}
		d, err := s.openPage(a)
		if err != nil {
			for _, o := range opened {
				o.listener.Close()
			}
			return nil, fmt.Errorf("listening for the page on %v: %w", a, err)
		}
		opened[a] = d
	}
	return opened, nil
}

// Listen serves the command line on a unix socket at path, which only root and the user of this process may use. A
// socket left over from a run that ended hard is replaced; one that somebody answers on is an error.
func (s *Server) Listen(path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.socket != nil {
		return fmt.Errorf("listening on %s: the server stops or listens already", path)
	}
	d, err := s.openSocket(path)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", path, err)
	}
	s.socket = d
	d.serve()
	return nil
}

// Close ends every event stream, lets the other requests finish until ctx is over, and returns when nothing runs any
// more. A second Close does nothing.
func (s *Server) Close(ctx context.Context) error {
	if !s.shutAll() {
		return nil
	}
	done := make(chan struct{})
	go func() { s.leave.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing the page: %w", context.Cause(ctx))
	}
}

// shutAll shuts every door and tells whether it was the first to do so.
func (s *Server) shutAll() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	close(s.closing)
	for a, d := range s.doors {
		delete(s.doors, a)
		s.shut(d)
	}
	if s.socket != nil {
		s.shut(s.socket)
	}
	return true
}
