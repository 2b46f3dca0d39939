package call

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/header"
	"tollgate/firmware/media"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/sdp"
	"tollgate/firmware/ua"
)

// State is how far a call has come.
type State string

// The states.
const (
	Routing  State = "routing" // not admitted yet
	Ringing  State = "ringing"
	Answered State = "answered"
	Ending   State = "ending"
)

// Session is one call. Its goroutine owns it; what is shown elsewhere is guarded by mu.
type Session struct {
	desk     *Desk
	log      *slog.Logger
	settings *Settings
	draining bool // the box was already stopping when the call came
	id       string
	started  time.Time
	invite   *ua.Incoming // that it began with; nil while the call rests: in reads it
	opening  opening      // the same, once the call has rested
	peer     policy.Peer  // whose it is
	user     string       // whom it says it is from, for people
	inbox    *ua.Inbox
	from     numbering.Number // the caller; zero when withheld or no number
	to       numbering.Number // whom the caller wants
	withheld bool             // the caller wants to stay unknown
	phone    phoneRecord      // that calls; zero when the caller is none
	dialled  string           // between phones and their PBX: the user that was called
	targets  []route.Target
	caller   *Leg
	callee   *Leg
	placed   *Leg       // whom the last INVITE that begins a dialog went to
	before   *ua.Dialog // of the attempt at another server of the same target
	hurry    bool       // somebody else could take the call: silence is not waited out
	relay    *media.Session
	ticket   *admission.Ticket
	onward   *admission.Ticket             // of the second half of a call that overflowed
	called   numbering.Number              // the number of ours that a carrier called
	because  string                        // why its call goes out again, in a word of RFC 5806 §9.1
	claim    claim                         // of an office call: whom it is from
	change   *change                       // the change of the media under way
	promise  *promise                      // an offer of ours that waits for its ACK
	passing  map[*ua.Outgoing]*ua.Incoming // what else was passed on and waits for its answer
	probes   map[*ua.Outgoing]*Leg         // questions after a restart
	presses  []press                       // key presses that wait for their turn
	former   []*Leg                        // transferors: they have left the call
	leaver   *ua.Incoming                  // a phone's BYE that its PBX has not answered
	asked    *Leg                          // of a phone that is to prove its BYE
	extra    []*admission.Ticket           // of the calls that transfers have added
	asks     *admission.Ticket             // by which a trunk is called now
	given    bool                          // its far end was handed over to another call
	freed    chan struct{}                 // closed when the call has given its ports back

	presented numbering.Number // to the emergency service, which may call it back
	timer     *time.Timer
	lull      lull
	across    across        // the dialog across the border that it replaces
	over      chan struct{} // closed when the call is forgotten

	forwarded string // id of the carrier's call that this one forwards; guarded by the desk's mu

	mu       sync.Mutex // guards everything below
	state    State
	permit   *admission.Ticket // by which it goes now; nil: none is needed, or none is left
	trunk    string
	peers    [2]string // names by media.Role
	answered time.Time
	shown    *media.Session // the relay, once the call is admitted
	urgent   bool           // it passes every limit: an emergency call, or the call back after one; its own goroutine writes it
	expended bool           // it was told to end for an emergency call

	signature signature // of a carrier's call; its own goroutine writes it

	ends   [2]end   // by media.Role
	sound  [2]sound // by media.Role
	health health
}

// Leg is one of the two dialogs of a call and its media.
type Leg struct {
	Party  *Party
	Dialog *ua.Dialog

	media     *media.Leg        // its ports
	rang      bool              // the INVITE was answered with more than 100 Trying
	confirmed bool              // the INVITE was answered with 2xx
	gone      bool              // it has ended: no BYE is due
	stale     bool              // the peer could not be told where the box is now
	proves    bool              // the phones' PBX wants proof of refreshes
	account   policy.Account    // on a trunk: the account that carries the call
	agreement                   // the media, as far as both have described it
	origin    sdp.Origin        // of our descriptions
	ice       *sdp.ICE          // offered before the peer has said whether it makes checks
	invite    *ua.Outgoing      // to the callee: our INVITE
	rseq      map[string]uint32 // of the callee: the last reliable provisional response, by To tag
	allow     []sip.Header      // what methods the peer says it takes
	timer     legTimer
}

// agreement is what a leg and its peer have last described to one another.
type agreement struct {
	heard   string       // the peer's last description, as it came
	body    []byte       // ours, as it was sent
	offered []sdp.Crypto // the keys in it, if it is an offer, until the peer has chosen
	keys    keys
	// anew tells that the peer's next offer is no refresh, even if it is the one of before.
	anew bool
	// theirs and ours are what was heard and sent, as far as it was read since the call rested: remote and said read it.
	theirs, ours *sdp.Description
	// converts tells that ours names encodings of G.711 which are converted for the other leg.
	converts bool
}

func (l *Leg) side() policy.Side { return l.Party.Peer.Side }

// other returns the leg across the border.
func (s *Session) other(l *Leg) *Leg {
	if l == s.caller {
		return s.callee
	}
	return s.caller
}

// stop is a note that ends the call.
type stop struct {
	reason   string
	ordinary bool // only if it is no urgent call
	status   int  // for a caller whom nobody has answered; 0: 503
	headers  []sip.Header
}

// ringTimeout is a note: nobody has answered for too long (Timer C, RFC 3261 §16.6 step 11).
type ringTimeout struct{}

const timerC = 3 * time.Minute

// finish is the one way a call ends: media first, so that nothing is heard any more, then the account of it.
func (s *Session) finish(end ending) {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.listenFor(0)
	for _, l := range []*Leg{s.caller, s.callee} {
		if l != nil {
			s.arm(l, 0, false)
		}
	}
	s.mu.Lock()
	s.state = Ending
	answered := s.answered
	s.mu.Unlock()
	s.wipe()
	if s.relay != nil {
		s.relay.Close()
	}
	close(s.freed)
	for _, p := range s.presses {
		s.answer(p.in, ua.Reply{Status: 481})
	}
	s.hangUp(end.headers)
	if s.ticket != nil || s.given {
		s.tellTickets(!answered.IsZero(), answered)
		s.ticket.Release()
		s.onward.Release()
		for _, t := range s.extra {
			t.Release()
		}
		e := event.CallEnded{At: time.Now(), Call: s.id, Answered: !answered.IsZero(), Status: end.status, Reason: end.reason}
		if e.Answered {
			e.Duration = time.Since(answered)
		}
		s.desk.o.Sink.Tell(e)
		s.tellEnded(e)
		s.desk.o.Gate.ExpectCallBack(s.presented, e.At)
		s.log.Info("call ended", "answered", e.Answered, "by", s.answerer(), "duration", e.Duration.Round(time.Second), "status", end.status, "reason", end.reason)
	}
	s.inbox.Close()
	s.desk.forget(s)
}

// answerer is the name of who has answered; "" when nobody has.
func (s *Session) answerer() string {
	if s.callee == nil || !s.callee.confirmed {
		return ""
	}
	return s.callee.Party.Peer.Name
}

// tellTickets tells admission how the call went.
func (s *Session) tellTickets(answered bool, since time.Time) {
	spoken := time.Duration(0)
	if answered {
		spoken = time.Since(since)
	}
	s.ticket.Ended(answered, spoken)
	s.onward.Ended(answered, spoken)
	for _, t := range s.extra {
		t.Ended(answered, spoken)
	}
}

// ending says why a call is over.
type ending struct {
	status  int // what the caller was told when it was not answered
	reason  string
	headers []sip.Header // of the BYE to the other side
}

// next waits for the next event of the call.
func (s *Session) next() ua.Event {
	for {
		if e, ok := s.event(); ok {
			return e
		}
	}
}

// event waits for one thing that happens; false when it was one that is over with here, in whatever state the call is.
func (s *Session) event() (ua.Event, bool) {
	e, err := s.inbox.Next(context.Background())
	if err != nil {
		return ua.Event{Note: stop{reason: err.Error()}}, true // cannot happen: the context has no end
	}
	switch n := e.Note.(type) {
	case pressedKey:
		s.tellPress(n)
		return ua.Event{}, false
	case writeDown:
		s.say(n.to)
		return ua.Event{}, false
	case cutOff:
		if !s.concerns(n) {
			return ua.Event{}, false
		}
		e.Note = n.stop()
	}
	if n, ok := e.Note.(stop); ok && n.ordinary && s.urgent {
		return ua.Event{}, false
	}
	s.touch() // it is handled before the call is asked how it stands
	return s.ruled(e), true
}

// send sends a request of ours within a leg's dialog.
func (s *Session) send(ctx context.Context, l *Leg, req *sip.Request) (*ua.Outgoing, error) {
	req = header.Rewrite(req, l.Party.Headers, policy.DirectionTo)
	return s.inbox.Send(ctx, req, l.Party.Peer, l.Party.Path, l.Dialog, l.credentials())
}

// legOf tells which leg a request in a dialog came by: our tag is in its To.
func (s *Session) legOf(in *ua.Incoming) *Leg {
	for _, l := range s.former {
		if l.Dialog.LocalTag == in.Tag {
			return l
		}
	}
	if s.callee != nil && s.callee.Dialog != nil && s.callee.Dialog.LocalTag == in.Tag {
		return s.callee
	}
	return s.caller
}
