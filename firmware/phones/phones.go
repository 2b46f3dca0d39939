// Package phones passes the registrations of telephones through to a PBX elsewhere (RFC 3261 §10.2, RFC 5853 §3.4), and
// knows where each of them is reached.
//
//	phone --REGISTER--> known and fresh? -- yes --> 200 from here
//	                         | no
//	                         v
//	      Contact: <sip:token@box> --REGISTER--> remote PBX --+-- 401, 407: the challenge goes back to the phone
//	                                                          +-- 200: bound; the phone is told its own Contact
//	                                                          +-- no answer: a phone that was bound before stays so
//
// The phone's password is between it and its PBX: the challenge and its answer pass as they are, and the box never has
// either's secret. What the PBX learns of a phone is a token, which stands for the user and the device (RFC 5626
// +sip.instance and reg-id, else the Contact and the address it came from) and outlives restarts.
//
// # Refreshes answered here
//
// A phone behind a router must speak up every minute, or the router forgets it; the PBX need not hear all of that. The
// box answers a refresh itself when it comes by the same flow (transport, source address and port, and connection), changes
// nothing of the binding, names the same digest user, and half of the time that the PBX granted has not passed. So
// whatever a forger who knows all that could achieve is to keep a binding that its owner made, for as long as the PBX had
// granted it anyway; every change, every removal and every second half is proved to the PBX again.
//
// # While the PBX is away
//
// Away means that two requests in a row had no answer, the last of them OPTIONS, which a first failure sends at once. A
// phone that was bound before from the same address, with the same device and digest user, is bound on from here for a
// minute at a time, so that it is handed back soon after the PBX has answered twice. Phones that were never bound, or not
// for three days, are not.
//
// It leaves to others: who may send a REGISTER and how many (access), calls (call), the PBX's names and servers (trunk).
package phones

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// Server is one server of the remote PBX.
type Server interface {
	ua.Path
	// Avoid has the server tried last for a while, because of why.
	Avoid(why string, d time.Duration)
}

// PBX is the remote PBX as it is reached now.
type PBX struct {
	Servers []Server // in the order in which to try them
	Local   ua.Local // how the box calls itself towards it
}

// Upstream leads to the remote PBX; false: there is none.
type Upstream interface{ RemotePBX() (PBX, bool) }

// Records keeps the bindings over a restart; *store.Store satisfies it.
type Records interface {
	Put(kind, key string, value []byte) error
	Get(kind, key string) (value []byte, found bool, err error)
}

// Options are what New needs.
type Options struct {
	Core     *ua.Core
	Dialer   ua.Dialer
	Upstream Upstream
	Records  Records
	Conduct  Conduct // nil: nobody takes note
	Sink     event.Sink
	Log      *slog.Logger
}

// Config is what the operator wants of the phones, and how the box calls itself towards them.
type Config struct {
	Policy policy.Phones
	Local  func(policy.Transport) ua.Local
}

// Phones holds the bindings of all phones. It is safe for concurrent use.
type Phones struct {
	o    Options
	seal []byte // makes tokens and Call-IDs; kept with the bindings
	kick chan struct{}

	mu         sync.Mutex // guards everything below
	config     Config
	bindings   map[string]*binding // by token
	least      time.Duration       // the PBX wants to be asked for no less (423)
	presence   presence
	challenged challenged
	stop       func() // what runs while phones are used; nil: nothing does
	saving     *time.Timer
	saveAt     time.Time // when saving fires
}

// New makes Phones of what was kept; nobody may register before Set.
func New(o Options) (*Phones, error) {
	p := &Phones{o: o, bindings: map[string]*binding{}, kick: make(chan struct{}, 1)}
	return p, p.load()
}

// Set puts c into force. The bindings outlive it unless they are with another PBX or may not be any more.
func (p *Phones) Set(c Config) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.config.Policy; old.Used() && old.Domain != c.Policy.Domain {
		p.presence, p.least = presence{}, 0
	}
	p.config = c
	p.review()
	switch {
	case c.Policy.Used() && p.stop == nil:
		p.stop = p.start()
	case !c.Policy.Used() && p.stop != nil:
		p.stop()
		p.stop = nil
	}
}

// Close keeps the bindings and ends what runs.
func (p *Phones) Close() {
	p.mu.Lock()
	if p.stop != nil {
		p.stop()
		p.stop = nil
	}
	due := p.saving != nil && p.saving.Stop()
	p.mu.Unlock()
	if due {
		p.save()
	}
}

// review drops the bindings that the policy has no place for any more. p.mu is held.
func (p *Phones) review() {
	for token, b := range p.bindings {
		if b.Domain != p.config.Policy.Domain || !p.admits(b.Transport, b.Source.Addr()) {
			delete(p.bindings, token)
			p.changed()
		}
	}
}

// admits tells whether a phone may be there. p.mu is held.
func (p *Phones) admits(t policy.Transport, a netip.Addr) bool {
	ok := false
	for _, allowed := range p.config.Policy.PhoneTransports {
		ok = ok || allowed == t
	}
	for _, prefix := range p.config.Policy.Sources {
		if prefix.Contains(a) {
			return ok
		}
	}
	return false
}
