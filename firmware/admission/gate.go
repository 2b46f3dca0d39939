// Package admission decides whether a call may go.
package admission

import (
	"time"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// Attempt is one call somebody wants to make.
type Attempt struct {
	Caller   policy.Peer
	Trunk    string           // the trunk that carries the call, whichever side calls
	Number   numbering.Number // the number called
	Draining bool             // the box is stopping
	At       time.Time
}

// Refusal says why a call may not go.
type Refusal struct {
	Status int    // SIP status
	Rule   string // "limits.calls", "trunks.carrier-a.caps.calls", "draining"
	Reason string // a sentence for the administrator
}

// Gate counts the calls and admits new ones. It is safe for concurrent use.
type Gate struct{}

// Ticket is the right to one call, until Release.
type Ticket struct{}

// Usage says how many calls hold a ticket.
type Usage struct {
	Calls     int            // not counting emergency calls
	Emergency int            // emergency calls
	Trunks    map[string]int // calls of each trunk, not counting emergency calls
}

// New makes the gate of p, with no call.
func New(p *policy.Policy) *Gate { return &Gate{} }

// Set puts the limits of p into force for calls to come.
func (g *Gate) Set(p *policy.Policy) {}

// Admit gives a ticket or says why not; exactly one of the two is nil.
func (g *Gate) Admit(a Attempt) (*Ticket, *Refusal) {
	return nil, &Refusal{Status: 503, Rule: "limits.calls", Reason: "not built yet"}
}

// Usage returns the calls that hold a ticket now.
func (g *Gate) Usage() Usage { return Usage{} }

// Move passes the ticket to another trunk, as when the first one fails; on a refusal the ticket stays as it was.
func (t *Ticket) Move(trunk string) *Refusal { return nil }

// Release gives the ticket back. Only the first time counts.
func (t *Ticket) Release() {}
