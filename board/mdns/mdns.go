package mdns

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Config is where the box has a name.
type Config struct {
	Interface string
	// Own are the addresses that the name stands for. One of IPv4 must be among them: it is what the box speaks from.
	Own []netip.Addr
	// Asking are the networks whose hosts are answered.
	Asking []netip.Prefix
	// Names are tried in this order, without a dot at the end. When all are taken, the box has none.
	Names []string
}

// Times of RFC 6762: sections 8.1, 8.3 and 9.
const (
	probes        = 3
	probeWait     = 250 * time.Millisecond
	announceWait  = time.Second
	announcements = 2
	tryAgain      = time.Minute // after all names were taken, or the port could not be used
)

// Responder has a name for the box on one link. The zero value, with a Log, has none yet.
type Responder struct {
	Log *slog.Logger

	mu     sync.Mutex // guards everything below
	config Config
	name   string
	stop   context.CancelFunc
	done   chan struct{}
}

// Set has the box answer to a name as c wants it; the zero Config wants none. Setting the same twice changes nothing. The name
// that was in use is said goodbye to.
func (r *Responder) Set(c Config) {
	r.mu.Lock()
	if r.stop != nil && equal(r.config, c) {
		r.mu.Unlock()
		return
	}
	stop, done := r.stop, r.done
	r.stop = nil
	r.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
	if len(c.Names) == 0 || !slices.ContainsFunc(c.Own, netip.Addr.Is4) {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	r.mu.Lock()
	r.config, r.stop, r.done = c, cancel, ended
	r.mu.Unlock()
	go func() {
		defer close(ended)
		r.run(ctx, c)
	}()
}

func equal(a, b Config) bool {
	return a.Interface == b.Interface && slices.Equal(a.Own, b.Own) && slices.Equal(a.Asking, b.Asking) && slices.Equal(a.Names, b.Names)
}

// Name is the name that the box has at present, without a dot at the end; empty: none.
func (r *Responder) Name() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.name
}

func (r *Responder) take(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.name = name
}

// run has a name until ctx ends, and finds another one when somebody else turns out to have it.
func (r *Responder) run(ctx context.Context, c Config) {
	for ctx.Err() == nil {
		for _, name := range c.Names {
			err := r.hold(ctx, c, name)
			r.take("")
			if ctx.Err() != nil {
				return
			}
			if !errors.Is(err, errTaken) {
				r.Log.Debug("no name on the link", "port", c.Interface, "err", err)
				break
			}
			r.Log.Warn("another machine on the link has the box's name", "name", name)
		}
		select {
		case <-ctx.Done():
		case <-time.After(tryAgain):
		}
	}
}

var errTaken = errors.New("another machine has the name")

// heard is a message from the link.
type heard struct {
	message *dns.Msg
	from    sender
}

// hold probes for a name, announces it and answers for it. The error is errTaken when another machine has it.
func (r *Responder) hold(ctx context.Context, c Config, name string) error {
	own := c.Own[slices.IndexFunc(c.Own, netip.Addr.Is4)]
	w, err := listen(c.Interface, own)
	if err != nil {
		return err
	}
	defer w.conn.Close()
	incoming, failed := make(chan heard), make(chan error, 1)
	over := make(chan struct{})
	defer close(over)
	go func() { failed <- w.listenTo(c.Asking, incoming, over) }()
	s := &session{wire: w, name: name + ".", own: c.Own}
	for {
		if err := s.claim(ctx, incoming, failed); err != nil {
			return err
		}
		r.take(name)
		r.Log.Info("the box has a name on the link", "name", name, "port", c.Interface)
		err := s.serve(ctx, incoming, failed)
		if ctx.Err() != nil {
			return s.say(announcement(s.name, s.own, 0), nil)
		}
		if !errors.Is(err, errTaken) {
			return err
		}
		r.take("") // until nobody objects (RFC 6762 section 9)
	}
}

// listenTo hands on what hosts of some networks say, until the wire is closed or over is.
func (w *wire) listenTo(asking []netip.Prefix, to chan<- heard, over <-chan struct{}) error {
	b := make([]byte, 9000)
	for {
		text, from, err := w.read(b)
		if err != nil {
			return err
		}
		inside := func(p netip.Prefix) bool { return p.Contains(from.addr.Addr()) }
		m := &dns.Msg{}
		if !slices.ContainsFunc(asking, inside) || m.Unpack(text) != nil {
			continue
		}
		select {
		case to <- heard{m, from}:
		case <-over:
			return nil
		}
	}
}

// session is one name on one wire.
type session struct {
	wire *wire
	name string // with a dot at the end
	own  []netip.Addr
}

func (s *session) say(m *dns.Msg, to *sender) error {
	text, err := m.Pack()
	if err != nil {
		return err
	}
	return s.wire.send(text, to)
}

// claim asks three times whether somebody has the name, and announces it when nobody has.
func (s *session) claim(ctx context.Context, incoming <-chan heard, failed <-chan error) error {
	for range probes {
		if err := s.say(question(s.name, s.own), nil); err != nil {
			return err
		}
		for wait := time.After(probeWait); wait != nil; {
			select {
			case h := <-incoming:
				if conflict(h.message, s.name, s.own, true) {
					return errTaken
				}
			case <-wait:
				wait = nil
			case err := <-failed:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return s.say(announcement(s.name, s.own, lifetime), nil)
}

// serve answers until ctx ends or somebody else turns out to have the name.
func (s *session) serve(ctx context.Context, incoming <-chan heard, failed <-chan error) error {
	again := time.NewTimer(announceWait)
	defer again.Stop()
	for announced := 1; ; {
		select {
		case h := <-incoming:
			if conflict(h.message, s.name, s.own, false) {
				return errTaken
			}
			if err := s.reply(h); err != nil {
				return err
			}
		case <-again.C:
			if announced++; announced < announcements {
				again.Reset(announceWait)
			}
			if err := s.say(announcement(s.name, s.own, lifetime), nil); err != nil {
				return err
			}
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *session) reply(h heard) error {
	m, direct := answer(h.message, s.name, s.own, h.from.addr.Port() != port)
	if m == nil {
		return nil
	}
	if direct {
		return s.say(m, &h.from)
	}
	return s.say(m, nil)
}
