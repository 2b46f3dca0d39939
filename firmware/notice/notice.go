// Package notice carries what passes between the two sides outside calls: subscriptions with their notifications
// (RFC 6665), notifications that nobody asked for (message waiting, RFC 3842) and messages (RFC 3428).
//
//	SUBSCRIBE -> Desk.Handle -> watch: a dialog with the one who watches, and one with the one who tells
//	                              NOTIFY -> body in the names of the other side (eventbody) -> NOTIFY
//	NOTIFY    -> Desk.Handle -> a mailbox of ours? -> NOTIFY
//	MESSAGE   -> Desk.Handle -> number, route, admission -> MESSAGE to one server after the other -> its answer
//
// As with calls, nothing of one side reaches the other but what is written anew. One goroutine owns a watch and reads its
// mailbox. No text of a message is logged.
//
// It leaves to others: who speaks (access), what may go (admission), where to (route), the bodies of notifications
// (eventbody), SIP's state machines (ua), and the notifications of a transfer, which are part of its call (call).
package notice

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

// Member is one of the servers of a peer.
type Member interface {
	ua.Path
	// Avoid has the server tried last for a while, because of why.
	Avoid(why string, d time.Duration)
}

// Party is a peer as notices see it: how to reach it and what it wants.
type Party struct {
	Peer        policy.Peer
	Path        ua.Path
	Members     []Member // the servers that take its requests, the best first; none: Path alone
	Down        bool     // it is not expected to answer: tried last
	Local       ua.Local // how the box calls itself towards the peer
	Domain      string   // host of the URIs sent there
	Target      string   // Request-URI of what is sent to it; "": the number at Domain with Params
	Params      string   // parameters of that Request-URI, each behind a semicolon
	Away        string   // why it cannot be reached now, as a sentence; "" when it can
	Format      policy.NumberFormat
	Headers     []policy.HeaderRule
	Home        string                               // host of the office's own URIs there; "": Domain
	Unowned     policy.UnownedNumbers                // what becomes of requests that show a number which is not the trunk's
	Verbatim    bool                                 // a phone or its PBX: users and names pass as they stand
	User        string                               // of a phone
	Route       []string                             // of a phone's requests to its PBX (RFC 3608)
	Credentials func(policy.Account) *ua.Credentials // nil: a challenge is not answered
}

// Parties finds the peers in force.
type Parties interface {
	Party(policy.Peer) (Party, bool)
}

// Phones knows the telephones that register with a PBX elsewhere through the box.
type Phones interface {
	// From returns the phone that a request has come from. When none has registered there, known is false, and the party is
	// good for nothing but an answer and a call for help.
	From(t policy.Transport, source netip.AddrPort, user string) (phone Party, known bool)
	// At returns the phone that the PBX knows under a token.
	At(token string) (Party, bool)
}

// Gate admits messages as it admits calls.
type Gate interface {
	Admit(admission.Attempt) (*admission.Ticket, *admission.Refusal)
}

// Calls knows how the two sides of a call name it; *call.Desk satisfies it.
type Calls interface {
	Across(peer policy.Peer, callID, local, remote string) (other policy.Peer, otherCallID, otherLocal, otherRemote string, ok bool)
}

// Settings are what a policy says about numbers.
type Settings struct {
	Plan          *numbering.Plan
	Routes        *route.Table
	OutsidePrefix string
	PhonesPrefix  string // as OutsidePrefix, for what phones dial
}

// Options are what New needs.
type Options struct {
	Core    *ua.Core
	Parties Parties
	Phones  Phones // nil: there are none
	Gate    Gate
	Calls   Calls
	Sink    event.Sink
	Log     *slog.Logger
}

// Desk takes the requests outside calls, and keeps the subscriptions.
type Desk struct {
	o Options

	mu       sync.Mutex // guards everything below
	settings Settings
	open     bool // there are settings
	draining bool
	watches  map[*watch]struct{}
	rates    map[rated]*bucket
	running  sync.WaitGroup
}

// New makes a Desk that takes nothing until Set.
func New(o Options) *Desk {
	return &Desk{o: o, watches: map[*watch]struct{}{}, rates: map[rated]*bucket{}}
}

// Set puts s into force for what is to come.
func (d *Desk) Set(s Settings) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settings, d.open = s, true
}

// refusal says why something does not pass.
type refusal struct {
	status  int
	rule    string // the key of the policy, or the check, that decided
	reason  string // a sentence for the administrator
	headers []sip.Header
}

// Handle answers one SUBSCRIBE, NOTIFY or MESSAGE outside any dialog. It returns when the subscription is over.
func (d *Desk) Handle(in *ua.Incoming) {
	d.mu.Lock()
	e := &errand{desk: d, settings: d.settings, draining: d.draining, in: in}
	open := d.open
	d.mu.Unlock()
	if !open {
		in.Refuse(ua.Reply{Status: 503})
		return
	}
	var no *refusal
	switch in.Method {
	case sip.SUBSCRIBE:
		no = d.subscribe(e)
	case sip.NOTIFY:
		no = d.unsolicited(e)
	case sip.MESSAGE:
		no = d.message(e)
	default:
		no = &refusal{status: 405, rule: "sip", reason: "this method is not taken outside calls"}
	}
	if no != nil {
		d.refuse(in, *no)
	}
}

func (d *Desk) refuse(in *ua.Incoming, r refusal) {
	in.Refuse(ua.Reply{Status: r.status, Headers: r.headers})
	from, to := event.Printable(ua.UserOf(in.From().Address)), event.Printable(ua.UserOf(in.Recipient))
	d.o.Log.Info("request refused", "method", in.Method, "from", from, "to", to, "peer", in.Peer.Name, "rule", r.rule, "reason", r.reason, "status", r.status)
	if r.rule == "sip" {
		return // of no interest to an administrator
	}
	d.o.Sink.Tell(event.CallRefused{
		At: time.Now(), From: from, To: to, Caller: in.Peer.Name, Status: r.status, Rule: r.rule, Reason: string(in.Method) + ": " + r.reason,
	})
}

// Drain takes no new subscriptions from now on, ends the running ones and waits for that until ctx ends.
func (d *Desk) Drain(ctx context.Context) {
	d.mu.Lock()
	d.draining = true
	for w := range d.watches {
		w.inbox.Post(stop{})
	}
	d.mu.Unlock()
	gone := make(chan struct{})
	go func() { d.running.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-ctx.Done():
	}
}

// subscriptions tells how many there are.
func (d *Desk) subscriptions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.watches)
}
