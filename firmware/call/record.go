package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/media"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/sdp"
	"tollgate/firmware/stir"
	"tollgate/firmware/ua"
)

// record is an answered call as plain data. Who is called by which path, and with which password, is not in it: that is
// what the policy says when it is taken up.
type record struct {
	ID                string
	Started, Answered time.Time
	Trunk             string
	From, To          numbering.Number
	Withheld          bool
	Dialled           string
	Called, Presented numbering.Number
	Because           string
	Urgent, Given     bool
	Forwarded         string
	Signature         stir.Verdict
	Phone             phoneRecord

	Invite, Source, Tag string // the INVITE that it began with: its text, where it came from, our tag
	Peer                policy.Peer

	Ticket, Onward *admission.TicketRecord
	Extra          []*admission.TicketRecord
	Legs           [2]legRecord // by media.Role
}

type phoneRecord struct {
	Token, User string
	Route       []string
}

type legRecord struct {
	Party   *Party
	Token   string         // of a phone
	At      netip.AddrPort // the server of the peer that has the dialog
	Dialog  *ua.Dialog
	Account string // its user
	Port    uint16
	Gone    bool
	Stale   bool
	Proves  bool

	Heard, Said string // the descriptions
	Keys        keysRecord
	Converts    bool
	Origin      sdp.Origin
	Allow       []string

	Timer time.Duration // 0: there is none
	Ours  bool
	Due   time.Time
}

type keysRecord struct {
	Ours, Theirs *sdp.Crypto
	Handshake    *handshakeRecord
}

type handshakeRecord struct {
	Active       bool
	Fingerprints []sdp.Fingerprint
	ICE          *[2]sdp.ICE // ours, theirs
}

// say tells how the call stands: not at all while a side has not said yet what it can do.
func (s *Session) say(to chan<- written) {
	s.mu.Lock()
	state := s.state
	s.mu.Unlock()
	w := written{session: s}
	switch {
	case state == Ringing && s.callee != nil && s.callee.invite != nil:
		w.record, w.err = json.Marshal(struct{ Ringing ringing }{s.ringing()})
	case state == Answered && s.caller.heard != "" && s.callee.heard != "":
		w.record, w.err = json.Marshal(s.record())
	}
	to <- w
}

// record describes the call. What a change under way has proposed is not in it: who asks again finds the call as it was.
func (s *Session) record() record {
	s.mu.Lock()
	r := record{
		ID: s.id, Started: s.started, Answered: s.answered, Trunk: s.trunk, From: s.from, To: s.to, Withheld: s.withheld, Dialled: s.dialled,
		Called: s.called, Presented: s.presented, Because: s.because, Urgent: s.urgent, Given: s.given, Signature: s.signature.verdict,
	}
	s.mu.Unlock()
	s.desk.mu.Lock()
	r.Forwarded = s.forwarded
	s.desk.mu.Unlock()
	r.Phone = s.phone
	o := s.began()
	r.Invite, r.Source, r.Tag, r.Peer = o.text, o.source, o.tag, s.peer
	r.Ticket, r.Onward = s.ticket.Record(), s.onward.Record()
	for _, t := range s.extra {
		r.Extra = append(r.Extra, t.Record())
	}
	for role, l := range []*Leg{s.caller, s.callee} {
		said := &l.agreement
		if c := s.change; c != nil && c.before != nil {
			said = &c.before[role]
		}
		r.Legs[role] = l.record(said)
	}
	return r
}

func (l *Leg) record(a *agreement) legRecord {
	rtp, _ := l.media.Local()
	r := legRecord{
		Party: l.Party, Token: l.Party.token, At: l.Party.at(), Dialog: l.Dialog, Account: l.account.User, Port: rtp.Port(), Gone: l.gone, Stale: l.stale, Proves: l.proves,
		Heard: a.heard, Said: string(a.body), Converts: a.converts, Origin: l.origin, Timer: l.timer.interval, Ours: l.timer.ours, Due: l.timer.due,
		Keys: keysRecord{Ours: a.keys.ours, Theirs: a.keys.theirs},
	}
	if h := a.keys.handshake; h != nil {
		r.Keys.Handshake = &handshakeRecord{Active: h.active, Fingerprints: h.theirs}
		if h.ice != nil {
			r.Keys.Handshake.ICE = &[2]sdp.ICE{h.ice.ours, h.ice.theirs}
		}
	}
	for _, h := range l.allow {
		r.Allow = append(r.Allow, h.Value())
	}
	return r
}

// readRecord reads a call and checks that it can be one: what it says is used without looking again.
func readRecord(b []byte) (*record, error) {
	r := &record{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	if r.ID == "" || r.Started.IsZero() || r.Answered.IsZero() {
		return nil, errors.New("it is of no answered call")
	}
	for i := range r.Legs {
		if err := r.Legs[i].check(); err != nil {
			return nil, fmt.Errorf("%s: %w", media.Role(i), err)
		}
	}
	return r, nil
}

func (r *legRecord) check() error {
	switch {
	case r.Party == nil || r.Dialog == nil:
		return errors.New("it has no peer or no dialog")
	case r.Party.Peer.Side != policy.SideInside && r.Party.Peer.Side != policy.SideOutside:
		return errors.New("its peer is on no side")
	case r.Dialog.CallID == "" || r.Dialog.LocalTag == "" || r.Dialog.RemoteTag == "":
		return errors.New("its dialog has no name")
	case r.Timer < 0 || r.Timer > 0 && r.Timer < minSessionExpires:
		return errors.New("its session timer is too short")
	case (r.Keys.Ours == nil) != (r.Keys.Theirs == nil):
		return errors.New("one direction has a key and the other has none")
	}
	var uri sip.Uri
	if err := sip.ParseUri(r.Dialog.RemoteTarget, &uri); err != nil {
		return fmt.Errorf("where its peer is cannot be read: %w", err)
	}
	return nil
}

// agreement is what both sides had described to one another.
func (r *legRecord) agreement() (agreement, error) {
	a := agreement{heard: r.Heard, body: []byte(r.Said), converts: r.Converts, keys: keys{ours: r.Keys.Ours, theirs: r.Keys.Theirs}}
	var err error
	if err = audible(r.Heard); err != nil {
		return a, fmt.Errorf("the peer's description: %w", err)
	}
	if err = audible(r.Said); err != nil {
		return a, fmt.Errorf("our description: %w", err)
	}
	if h := r.Keys.Handshake; h != nil {
		a.keys = keys{handshake: &handshake{active: h.Active, theirs: h.Fingerprints}}
		if h.ICE != nil {
			a.keys.handshake.ice = &checks{h.ICE[0], h.ICE[1]}
		}
	}
	return a, nil
}

// audible makes sure that a description can be read and has audio.
func audible(body string) error {
	d, err := sdp.Parse([]byte(body))
	if err != nil {
		return err
	}
	if _, ok := d.Audio(); !ok {
		return errors.New("it has no audio")
	}
	return nil
}

// at is the server that a peer's dialog is with; zero where it has but one.
func (p *Party) at() netip.AddrPort {
	switch path := p.Path.(type) {
	case keptMember:
		return addrOf(path.member)
	case lasting:
		return path.at
	}
	return netip.AddrPort{}
}

// addrOf is where a member is that tells it.
func addrOf(m Member) netip.AddrPort {
	if a, ok := m.(interface{ Addr() netip.AddrPort }); ok {
		return a.Addr()
	}
	return netip.AddrPort{}
}
