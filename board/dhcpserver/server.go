package dhcpserver

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Times of the server.
const (
	asks       = 3               // questions whether another server is there
	askWait    = time.Second     // for an answer to each
	lookAgain  = time.Hour       // while the box lends
	lookSooner = 5 * time.Minute // while another server is there
	keepNews   = time.Minute     // before a new lease is kept, with those that came since
	keepTerms  = time.Hour       // before leases are kept that were only prolonged
	tryAgain   = 30 * time.Second
)

// State is what the server does at present.
type State struct {
	Interface string     // empty: it is to lend nothing
	Lends     bool       // false as well while it looks for another server
	Other     netip.Addr // the server for whose sake it lends nothing
	Problem   string     // why the port cannot be used; empty: it can
	Leases    []Lease    // those that run, by address
	Pool      Pool
	Aside     []Aside // what others have without being lent it, by address
}

// Server lends addresses on one port. The zero value, with Log and Keep, lends none yet.
type Server struct {
	Log *slog.Logger
	// Keep is told the leases on a network, from time to time and when the server ends.
	Keep func(network netip.Prefix, leases []Lease)
	// Probe asks on the link of a port whether a machine has an address, and which; nil: nobody does. It may take a second.
	Probe func(ctx context.Context, port string, a netip.Addr) (who net.HardwareAddr, taken bool)

	mu     sync.Mutex // guards everything below
	config Config
	stop   context.CancelFunc
	done   chan struct{}
	state  State
	table  *table
}

// Set has addresses lent as c wants it; the zero Config wants none. known gives the leases of before. Setting the same twice
// changes nothing.
func (s *Server) Set(c Config, known func() []Lease) {
	s.mu.Lock()
	if s.stop != nil && equal(s.config, c) {
		s.mu.Unlock()
		return
	}
	stop, done := s.stop, s.done
	s.stop = nil
	s.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
	if c.Interface == "" {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	s.mu.Lock()
	s.config, s.stop, s.done = c, cancel, ended
	s.table, s.state = newTable(c, known()), State{Interface: c.Interface}
	s.mu.Unlock()
	go func() {
		defer close(ended)
		s.run(ctx, c)
	}()
}

func equal(a, b Config) bool {
	return a.Interface == b.Interface && a.Own == b.Own && a.First == b.First && a.Last == b.Last && a.Length == b.Length && a.Router == b.Router &&
		slices.Equal(a.DNS, b.DNS) && slices.Equal(a.Time, b.Time) && a.Domain == b.Domain && slices.Equal(a.SIP, b.SIP) &&
		a.Provisioning == b.Provisioning && slices.Equal(a.ProvisioningAddresses, b.ProvisioningAddresses) && maps.Equal(a.Reserved, b.Reserved)
}

// State tells what the server does.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	shown := s.state
	if s.table != nil {
		now := time.Now()
		shown.Leases, shown.Pool, shown.Aside = s.table.leases(now, false), s.table.pool(now), s.table.setAside(now)
	}
	return shown
}

// fail notes why the port cannot be used, and says it once.
func (s *Server) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if problem := err.Error(); problem != s.state.Problem {
		s.Log.Warn("no addresses are lent for now", "port", s.state.Interface, "err", err)
		s.state.Problem = problem
	}
	s.state.Lends = false
}

// run lends until ctx ends, and begins again when the port could not be used.
func (s *Server) run(ctx context.Context, c Config) {
	for ctx.Err() == nil {
		w, err := listen(c.Interface)
		if err == nil {
			err = s.serve(ctx, w)
		}
		if ctx.Err() != nil {
			break
		}
		s.fail(err)
		select {
		case <-ctx.Done():
		case <-time.After(tryAgain):
		}
	}
	s.keep()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table, s.state = nil, State{}
}

// wire is where messages come from and go to.
type wire interface {
	read() (letter, error)
	send(letter) error
	hardware() net.HardwareAddr
	close() error
}

// session is the server while it has a wire.
type session struct {
	*Server
	wire  wire
	pace  pace
	xid   dhcpv4.TransactionID // of the question that is asked
	asked int                  // how often it was; 0: nothing is asked at present
	found netip.Addr           // who has answered
	// waiting are the last messages of clients for whom it is asked whether somebody has their address; probes says what was found.
	waiting map[string]*dhcpv4.DHCPv4
	probes  chan probed
}

// serve lends until ctx ends or the wire does not work any more. It closes the wire.
func (s *Server) serve(ctx context.Context, w wire) error {
	defer w.close()
	incoming, failed, over := make(chan letter), make(chan error, 1), make(chan struct{})
	defer close(over)
	go func() { failed <- listenTo(w, incoming, over) }()
	n := &session{Server: s, wire: w, waiting: map[string]*dhcpv4.DHCPv4{}, probes: make(chan probed)}
	ctx, end := context.WithCancel(ctx)
	defer end()
	look, keep, kept := time.NewTimer(0), time.NewTicker(keepNews), time.Now()
	defer look.Stop()
	defer keep.Stop()
	for {
		select {
		case l := <-incoming:
			if err := n.take(ctx, l); err != nil {
				return err
			}
		case p := <-n.probes:
			if err := n.proved(ctx, p); err != nil {
				return err
			}
		case <-look.C:
			wait, err := n.look()
			if err != nil {
				return err
			}
			look.Reset(wait)
		case <-keep.C:
			if s.due(time.Since(kept)) {
				s.keep()
				kept = time.Now()
			}
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listenTo hands on what comes, until the wire is closed or over is.
func listenTo(w wire, to chan<- letter, over <-chan struct{}) error {
	for {
		l, err := w.read()
		if err != nil {
			return err
		}
		select {
		case to <- l:
		case <-over:
			return nil
		}
	}
}

// look asks once more whether another server is there, or judges by what has come. It returns when to look again.
func (n *session) look() (time.Duration, error) {
	if n.asked == asks {
		return n.judge(), nil
	}
	m, err := dhcpv4.NewDiscovery(n.wire.hardware(), dhcpv4.WithBroadcast(true))
	if err != nil {
		return 0, err
	}
	if n.asked == 0 {
		n.xid, n.found = m.TransactionID, netip.Addr{}
	}
	m.TransactionID = n.xid
	n.asked++
	from, to := netip.AddrPortFrom(netip.IPv4Unspecified(), dhcpv4.ClientPort), netip.AddrPortFrom(everybody, dhcpv4.ServerPort)
	return askWait, n.wire.send(letter{m, from, to, everybodyFrame})
}

// judge begins to lend when nobody else does, and ends it when somebody else does.
func (n *session) judge() time.Duration {
	n.asked = 0
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.state
	n.state.Lends, n.state.Other, n.state.Problem = !n.found.IsValid(), n.found, ""
	switch {
	case n.found.IsValid() && n.found != before.Other:
		n.Log.Warn("another DHCP server answers on the port: the box lends no addresses", "port", before.Interface, "server", n.found)
	case n.state.Lends && !before.Lends:
		n.Log.Info("addresses are lent", "port", before.Interface, "from", n.config.First, "to", n.config.Last)
	}
	if n.state.Lends {
		return lookAgain
	}
	return lookSooner
}

// take answers a message, or notes that it is another server's.
func (n *session) take(ctx context.Context, l letter) error {
	m, own := l.message, n.config.Own.Addr()
	if l.to.Port() == dhcpv4.ClientPort {
		if other := address(m.ServerIdentifier()); n.asked > 0 && m.OpCode == dhcpv4.OpcodeBootReply && m.TransactionID == n.xid && other.IsValid() && other != own {
			n.found = other
		}
		return nil
	}
	if to := l.to.Addr(); to != own && to != everybody && to != last(n.config.Own) || !n.lends() {
		return nil
	}
	now := time.Now()
	if !n.pace.allow(m.ClientHWAddr.String(), now) {
		return nil
	}
	return n.respond(ctx, m, now)
}

// respond answers a client, at once or when it is known that its address is free.
func (n *session) respond(ctx context.Context, m *dhcpv4.DHCPv4, now time.Time) error {
	if !n.lends() {
		return nil
	}
	n.mu.Lock()
	r := n.table.answer(m, now)
	n.tellStrange()
	n.mu.Unlock()
	if r == nil {
		return nil
	}
	n.Log.Debug("DHCP", "client", m.ClientHWAddr, "asked", m.MessageType(), "answer", r.MessageType(), "address", r.YourIPAddr)
	if r.MessageType() == dhcpv4.MessageTypeOffer {
		return n.offer(ctx, m, r, now)
	}
	return n.wire.send(addressed(r, n.config.Own.Addr()))
}

func (n *session) lends() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.Lends
}

// last is the address of a network by which all its hosts are meant.
func last(p netip.Prefix) netip.Addr {
	b, mask := p.Addr().As4(), net.CIDRMask(p.Bits(), 32)
	for i := range b {
		b[i] |= ^mask[i]
	}
	return netip.AddrFrom4(b)
}

// addressed says where an answer goes (RFC 2131 section 4.1): to the address that the client uses; to everybody when the client
// wants that, or must not use its address; else to the one that it gets, which only its hardware address knows.
func addressed(r *dhcpv4.DHCPv4, own netip.Addr) letter {
	to, frame := everybody, everybodyFrame
	uses, gets := address(r.ClientIPAddr), address(r.YourIPAddr)
	switch {
	case r.MessageType() == dhcpv4.MessageTypeNak:
	case uses.IsValid():
		to, frame = uses, r.ClientHWAddr
	case !r.IsBroadcast() && gets.IsValid():
		to, frame = gets, r.ClientHWAddr
	}
	return letter{r, netip.AddrPortFrom(own, dhcpv4.ServerPort), netip.AddrPortFrom(to, dhcpv4.ClientPort), frame}
}

// due tells whether leases should be kept now, so that a card is seldom written to.
func (s *Server) due(since time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.news || s.table.renewed && since >= keepTerms
}

// keep hands the leases out, if they are not what was kept last.
func (s *Server) keep() {
	s.mu.Lock()
	if !s.table.news && !s.table.renewed {
		s.mu.Unlock()
		return
	}
	s.table.news, s.table.renewed = false, false
	list, network := s.table.leases(time.Now(), true), s.table.c.Own.Masked()
	s.mu.Unlock()
	s.Keep(network, list)
}
