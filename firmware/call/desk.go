// Package call is the back-to-back user agent (RFC 7092): each call is two dialogs that know nothing of one another, and
// a Session between them.
//
//	INVITE -> Desk.Handle -> set-up, top to bottom: number, route, admission, media
//	                           for each trunk until one answers: offer, INVITE, ringing, answer
//	                         -> talk: re-INVITE, BYE, stop
//	                         -> end: the one way out of every call
//
//	the next process -> Desk.TakeUp -> talk, with what Records has kept of the call (keep.go, takeup.go)
//
// One goroutine owns a call and reads its mailbox; there is one file for each verb. What leaves is made afresh: no address,
// name, tag or Call-ID of one side reaches the other.
//
// It leaves to others: who speaks (access), what may go (admission), where to (route), packets (media), SIP's state
// machines (ua).
package call

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/media"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/stir"
	"tollgate/firmware/ua"
)

// Party is a peer as a call sees it: how to reach it and what it wants. A call keeps the values it began with.
type Party struct {
	Peer         policy.Peer
	Path         ua.Path    `json:"-"`
	Members      []Member   `json:"-"` // the servers that take its calls, the best first; none: Path alone
	Down         bool       // it is not expected to answer: tried last
	Local        ua.Local   // how the box calls itself towards the peer
	Media        netip.Addr // where the peer sees the box's audio; zero: where the relay says
	Domain       string     // host of the URIs sent there
	Home         string     // host of the office's own URIs there; "": Domain
	Target       string     // Request-URI of calls to it; "": the number at Domain with Params
	Params       string     // parameters of that Request-URI, each behind a semicolon
	Away         string     // why it cannot be called now, as a sentence; "" when it can
	SRTP         policy.SRTPMode
	Keying       []policy.Keying     // of SRTP; the first is offered
	Suites       []policy.Suite      // of SRTP, in order of preference
	Codecs       []string            // that may be spoken with it, in order of preference; none: all
	ClearFax     policy.Exception    // a fax may go by T.38 although audio is encrypted; zero: it may not
	DTMF         policy.DTMF         // how key presses reach it; "": as the other side of a call says them
	Ptime        int                 // milliseconds of audio that a packet to it should have; 0: as it says itself
	Hold         policy.Hold         // how it is told that the office holds a call
	Timer        policy.SessionTimer // whether it is asked for one
	Format       policy.NumberFormat
	MediaSources []netip.Prefix
	OffersICE    bool            // the first offer by DTLS has credentials for checks of ICE
	Latching     policy.Latching // when its unencrypted audio may move among them
	Headers      []policy.HeaderRule
	// Trusted tells whether what it asserts of callers counts, and, of the PBX, whether it keeps to itself what others
	// assert (RFC 3325 §5).
	Trusted         bool
	Unowned         policy.UnownedNumbers                // what becomes of calls that show a number which is not the trunk's
	ClipNoScreening bool                                 // a forwarded call may show the trunk who has called
	Stir            *Stir                                `json:"-"` // of a trunk: how calls are signed and judged; nil: they are not
	MediaAt         netip.Addr                           // where the peer's audio is, whatever it says itself, behind a router; zero: where it says
	Verbatim        bool                                 // a phone or its PBX: users and names pass as they stand
	Credentials     func(policy.Account) *ua.Credentials `json:"-"` // nil: a challenge is not answered
	token           string                               // of a phone: by which its PBX knows it
}

// Parties finds the peers in force.
type Parties interface {
	PBX() (Party, bool)
	Trunk(name string) (Party, bool)
	// Down tells of a trunk what its Party would.
	Down(trunk string) bool
}

// Relay opens the media of a call, and joins two calls.
type Relay interface {
	Open(call string, caller, callee policy.Side) (*media.Session, error)
	Exchange(a *media.Session, ra media.Role, b *media.Session, rb media.Role) error
}

// Gate admits calls.
type Gate interface {
	Admit(admission.Attempt) (*admission.Ticket, *admission.Refusal)
	// ExpectCallBack admits calls from outside to a number that was shown to an emergency service, for a while from now on.
	ExpectCallBack(shown numbering.Number, now time.Time)
	// Resume gives a call of an earlier process its ticket again.
	Resume(*admission.TicketRecord) *admission.Ticket
}

// Settings are what a policy says about calls.
type Settings struct {
	Plan          *numbering.Plan
	Routes        *route.Table
	OutsidePrefix string
	Overflow      numbering.Number // where calls for the PBX go while it cannot be reached; zero: nowhere
	Phones        PhoneRules
	Patience      Patience
}

// Options are what New needs.
type Options struct {
	Parties Parties
	Phones  Phones // nil: there are none
	Told    Told   // nil: nobody watches
	Relay   Relay
	Gate    Gate
	// Ended takes what is known of a call that was admitted, once it is over, its last counters among it; nil: nobody does.
	Ended func(Snapshot, event.CallEnded)
	// Certificates brings those that the signatures of calls name; nil: no trunk wants them judged.
	Certificates Certificates
	// Timely tells whether the time is known, without which nothing is signed or judged; nil: it is.
	Timely func() bool
	// Altered tells whether something on the way to a trunk changes SIP messages; nil: nothing does.
	Altered func(trunk string) bool
	Sink    event.Sink
	// What follows is for calls that outlive the process; without Records none does.
	Records  Records
	Sessions Sessions // the media of calls, which Relay has opened
	Core     *ua.Core // brings the requests of calls that are taken up
	Log      *slog.Logger
}

// Desk takes every request that belongs to no call yet, and keeps the calls.
type Desk struct {
	o      Options
	keeper *keeper // nil: calls are not written down
	seen   stir.Seen

	mu       sync.Mutex // guards everything below
	settings *Settings  // nil: there are none yet; never changed, the calls have it too
	draining bool
	calls    map[string]*Session
	rescue   rescue

	ordinaryCalls, urgentCalls sync.WaitGroup // the calls by whether a stop waits for them
}

// NewDesk makes a Desk that takes no call until Set.
func NewDesk(o Options) *Desk { return &Desk{o: o, calls: map[string]*Session{}} }

// Set puts s into force for calls to come.
func (d *Desk) Set(s Settings) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settings = &s
}

// Handle answers one request outside any dialog. It returns when the call is over.
func (d *Desk) Handle(in *ua.Incoming) {
	switch {
	case in.IsInvite():
		d.invite(in)
	case in.Method == sip.OPTIONS:
		d.options(in)
	default:
		d.notTaken(in)
	}
}

// notTaken refuses a request of a method that begins nothing. It stands apart from Handle, whose stack every call keeps.
func (d *Desk) notTaken(in *ua.Incoming) {
	d.turnAway(in, refusal{status: 405, rule: "sip", reason: fmt.Sprintf("%s sent %s, which is not taken", in.Peer.Name, event.Printable(string(in.Method)))})
}

// options says what the box takes: the answer an INVITE would get, as far as it can be told (RFC 3261 §11.2).
func (d *Desk) options(in *ua.Incoming) {
	if unsupported(in) != "" { // RFC 3261 §8.2.2.3
		d.turnAway(in, *requirements(in))
		return
	}
	in.Refuse(ua.Reply{Status: d.readiness(), Contact: d.contactFor(in.Peer), Headers: []sip.Header{eventsTaken()}})
}

// contactFor is where a peer finds the box; "" for one that is not configured any more.
func (d *Desk) contactFor(peer policy.Peer) string {
	party, ok := d.o.Parties.PBX()
	if peer.Side == policy.SideOutside {
		party, ok = d.o.Parties.Trunk(peer.Name)
	}
	if !ok {
		return ""
	}
	return party.Local.Contact("")
}

// turnAway refuses a request that would not have become a call.
func (d *Desk) turnAway(in *ua.Incoming, r refusal) {
	source, _ := netip.ParseAddrPort(in.Source())
	d.o.Sink.Tell(event.SourceRefused{
		At: time.Now(), Side: string(in.Peer.Side), Transport: strings.ToLower(in.Transport()), Source: source, Method: string(in.Method),
		Status: r.status, Count: 1, Rule: r.rule, Reason: r.reason,
	})
	in.Refuse(ua.Reply{Status: r.status, Headers: r.headers})
}

func (d *Desk) readiness() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.settings == nil || d.draining {
		return 503
	}
	return 200
}

// begin opens a Session for in; false when the box takes no calls at all.
func (d *Desk) begin(in *ua.Incoming) (*Session, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.settings == nil {
		return nil, false
	}
	s := &Session{
		desk: d, settings: d.settings, draining: d.draining,
		id: ua.NewTag(), started: time.Now(), invite: in, peer: in.Peer, user: saysFrom(in), inbox: in.Inbox, state: Routing, peers: [2]string{in.Peer.Name}, freed: make(chan struct{}), over: make(chan struct{}),
	}
	s.log = d.o.Log.With("call", s.id)
	d.calls[s.id] = s
	d.ordinaryCalls.Add(1)
	return s, true
}

func (d *Desk) forget(s *Session) {
	d.mu.Lock()
	delete(d.calls, s.id)
	d.mu.Unlock()
	close(s.over)
	if s.urgent {
		d.urgentCalls.Done()
	} else {
		d.ordinaryCalls.Done()
	}
}

// Drain takes no new calls but urgent ones from now on, hangs up those that are not and waits for that until ctx
// ends. Emergency calls and calls back after them go on.
func (d *Desk) Drain(ctx context.Context) {
	d.mu.Lock()
	d.draining = true
	d.mu.Unlock()
	d.stopAll(stop{reason: "the box is stopping", ordinary: true})
	await(ctx, &d.ordinaryCalls)
}

// lastWords is what the last calls have to hang up in.
const lastWords = 3 * time.Second

// Finish waits for the calls that Drain has left until ctx ends, and then hangs them up too.
func (d *Desk) Finish(ctx context.Context) {
	if await(ctx, &d.urgentCalls) {
		return
	}
	d.stopAll(stop{reason: "the box is stopping"})
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	await(last, &d.urgentCalls)
}

func (d *Desk) stopAll(why stop) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.calls {
		s.inbox.Post(why)
	}
}

// await waits until no call is left of a kind; false when ctx ends before.
func await(ctx context.Context, calls *sync.WaitGroup) bool {
	gone := make(chan struct{})
	go func() { calls.Wait(); close(gone) }()
	select {
	case <-gone:
		return true
	case <-ctx.Done():
		return false
	}
}

// Calls describes the calls under way, oldest first.
func (d *Desk) Calls() []Snapshot {
	list := d.sessions()
	snaps := make([]Snapshot, 0, len(list))
	for _, s := range list {
		if snap, ok := s.snapshot(); ok {
			snaps = append(snaps, snap)
		}
	}
	sort.Slice(snaps, func(i, j int) bool { return snaps[i].Started.Before(snaps[j].Started) })
	return snaps
}

// Idle tells whether there are no calls.
func (d *Desk) Idle() bool {
	return !slices.ContainsFunc(d.sessions(), func(s *Session) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.counts()
	})
}

// Draining tells whether the box is stopping.
func (d *Desk) Draining() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.draining
}
