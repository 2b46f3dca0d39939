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
	// Own are the addresses that the name stands for. The first of IPv4 is what the box speaks from over IPv4; over IPv6 that is the
	// port's link-local address, in any case.
	Own []netip.Addr
	// Asking are the networks whose hosts are answered, besides the link-local addresses of IPv6.
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
	if len(c.Names) == 0 || len(c.Own) == 0 {
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

// hold probes for a name, announces it and answers for it. The error is errTaken when another machine has it.
func (r *Responder) hold(ctx context.Context, c Config, name string) error {
	all, err := listen(ctx, c)
	if err != nil {
		return err
	}
	defer all.close()
	incoming, failed, over := make(chan heard), make(chan error, len(all)), make(chan struct{})
	defer close(over)
	for _, w := range all {
		go func() { failed <- w.listenTo(c.Asking, incoming, over) }()
	}
	s := &session{wires: all, name: name + ".", own: c.Own}
	for {
		if err := s.claim(ctx, incoming, failed); err != nil {
			return err
		}
		r.take(name)
		r.Log.Info("the box has a name on the link", "name", name, "port", c.Interface)
		err := s.serve(ctx, incoming, failed)
		if ctx.Err() != nil {
			return s.say(announcement(s.name, s.own, 0))
		}
		if !errors.Is(err, errTaken) {
			return err
		}
		r.take("") // until nobody objects (RFC 6762 section 9)
	}
}

// session is one name on one port.
type session struct {
	wires wires
	name  string // with a dot at the end
	own   []netip.Addr
}

// say tells everybody something, by each wire.
func (s *session) say(m *dns.Msg) error {
	text, err := m.Pack()
	if err != nil {
		return err
	}
	for _, w := range s.wires {
		if err := w.send(text, nil); err != nil {
			return err
		}
	}
	return nil
}

// claim asks three times whether somebody has the name, and announces it when nobody has.
func (s *session) claim(ctx context.Context, incoming <-chan heard, failed <-chan error) error {
	for range probes {
		if err := s.say(question(s.name, s.own)); err != nil {
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
	return s.say(announcement(s.name, s.own, lifetime))
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
			if err := s.say(announcement(s.name, s.own, lifetime)); err != nil {
				return err
			}
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reply answers by the wire on which it was asked.
func (s *session) reply(h heard) error {
	m, direct := answer(h.message, s.name, s.own, h.from.addr.Port() != port)
	if m == nil {
		return nil
	}
	text, err := m.Pack()
	if err != nil {
		return err
	}
	if direct {
		return h.by.send(text, &h.from)
	}
	return h.by.send(text, nil)
}
