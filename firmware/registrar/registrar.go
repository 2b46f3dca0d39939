// Package registrar takes the registration of a PBX that treats the box as its carrier (RFC 3261 §10.3), and knows where
// the PBX is reached until it lapses.
//
//	REGISTER -> right user? -> Contact and lifetime -> in order? -> the one binding is replaced -> 200 with what is left
//	                                                                   |
//	            lapse, loss of its connection, change of policy  ------+--> event.PBXChanged
//	            OPTIONS, now and then: no answer ----------------------+
//
// There is one binding: a branch has one PBX, and its last word counts. What a Contact says of host and port is believed
// as far as the packets bear it out. On a stream the PBX is reached on the very connection it registered by, and the end
// of that connection is the end of the binding (RFC 5626 §4.3 in spirit). Over UDP it is reached at the port of its
// Contact when that is the host the REGISTER came from, and else, behind a NAT, where the REGISTER came from (RFC 3581).
//
// The binding outlives the process (keep.go), but not the power: then the PBX is away until it registers again, which the
// longest lifetime granted bounds. One over TLS ends with its connection.
//
// It leaves to others: the digest (access), which call goes there (route, call), phones that register with the PBX.
package registrar

import (
	"crypto/sha256"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// Shortest and Longest bound the lifetime of a registration. Below the one the PBX is told to ask for more (423); what is
// above the other is granted as that, so that a PBX that was switched off is soon known to be.
const (
	Shortest = time.Minute
	Longest  = 10 * time.Minute
)

// Options are what New needs.
type Options struct {
	Core   *ua.Core
	Dialer ua.Dialer
	Sink   event.Sink
	Log    *slog.Logger

	Records Records // nil: the binding ends with the process
	Kept    []byte  // what an earlier process has kept; nil: nothing
}

// Registrar holds the PBX's binding. It is safe for concurrent use.
type Registrar struct {
	o Options

	mu     sync.Mutex // guards everything below
	line   line
	local  func(policy.Transport) ua.Local // how the box calls itself inside
	bound  *binding                        // nil: the PBX is away
	reason string                          // why it is away
}

// line is who may register, by the policy: everything that a binding hangs on. The secret is not kept in the clear.
type line struct {
	user      string // "": nobody
	transport policy.Transport
	sources   []netip.Prefix
	secret    [sha256.Size]byte
}

func (l line) equal(o line) bool {
	return l.user == o.user && l.transport == o.transport && l.secret == o.secret && slices.Equal(l.sources, o.sources)
}

// New makes a Registrar with which nobody may register before Set.
func New(o Options) *Registrar { return &Registrar{o: o} }

// Set puts the PBX of a policy into force; local is how the box calls itself towards it. A binding outlives it when nothing
// that it hangs on has changed.
func (r *Registrar) Set(pbx policy.PBX, local func(policy.Transport) ua.Local) {
	next := line{}
	if pbx.ReachedBy.Registers() {
		next = line{user: pbx.User, transport: pbx.Transport, sources: pbx.Sources, secret: sha256.Sum256([]byte(pbx.Secret.Reveal()))}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.local = local
	if next.equal(r.line) {
		return
	}
	r.line = next
	if r.bound != nil {
		r.away("the PBX has not registered since its settings changed")
		return
	}
	r.reason = "the PBX has not registered yet"
	r.resume(time.Now())
}

// Rotated says that a secret of the PBX takes the place of another in the next Set, and that who has registered with either
// may stay.
func (r *Registrar) Rotated(from, to policy.Secret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.line.secret == sha256.Sum256([]byte(from.Reveal())) {
		r.line.secret = sha256.Sum256([]byte(to.Reveal()))
	}
}

// Close forgets the binding.
func (r *Registrar) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line = line{}
	r.o.Records = nil // what is written is for the next process
	if r.bound != nil {
		r.away("the box is stopping")
	}
}

// State is how the registration stands.
type State struct {
	Binding
	Registered bool
	Reachable  bool   // registered, and not known to be silent
	Reason     string // why it is not reachable, as a sentence
}

// State tells how the registration stands. Where there is none, nothing of Binding is set but its Path, which leads to the
// PBX once it is back.
func (r *Registrar) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bound == nil {
		return State{Reason: r.reason, Binding: Binding{path: boundPath{registrar: r}}}
	}
	return State{Binding: r.bound.Binding, Registered: true, Reachable: !r.bound.health.silent, Reason: r.reason}
}
