package call

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// A process takes up the calls of the one before it when that has ended without hanging them up: it was killed, or it left
// them to this one. A call goes on in talk, as if it had just been answered.
//
// Connections have ended with the process. What the box sends goes by a new one; what a peer has sent meanwhile comes again,
// over UDP for half a minute (RFC 3261 §17.1.2.2). Who has hung up over a stream while nobody listened is found out by the
// question whether the dialog is still there (probe.go).

// longestAway is how old records may be. Sooner or later everybody has hung up, and after half of all sequence numbers
// nobody can tell how often they have begun anew (RFC 3711 §3.3.1).
const longestAway = 5 * time.Minute

// TakeUp takes the calls of an earlier process up, tells how many, and writes down all calls from now on. It comes after
// Set, before anything is heard from the peers, and once.
func (d *Desk) TakeUp(now time.Time) (taken int, err error) {
	if d.o.Records == nil {
		return 0, nil
	}
	found, damaged, err := d.o.Records.Read()
	if err != nil {
		return 0, err
	}
	for _, err := range damaged {
		d.o.Log.Error("a call of before the restart is lost", "err", err)
	}
	k := &keeper{records: d.o.Records, sessions: d.o.Sessions, log: d.o.Log, stop: make(chan struct{}), stopped: make(chan struct{}), changed: map[*Session]bool{}, names: map[string]bool{}}
	d.keeper = k
	k.sessions.KeepRecords(true)
	kept, err := readMedia(found[mediaRecord], now)
	if err != nil {
		d.o.Log.Error("the calls of before the restart are lost: their media cannot be taken up", "err", err)
	}
	for name, b := range found {
		id, isCall := strings.CutPrefix(name, callRecords)
		if !isCall {
			continue
		}
		k.names[name] = true
		if r, rings := readRinging(b); rings {
			d.o.Log.Info("a call that rang before the restart is given up", "call", id)
			k.over = append(k.over, id)
			go d.giveUp(id, r)
			continue
		}
		if err := d.resume(b, kept, now); err != nil {
			d.o.Log.Error("a call of before the restart is lost", "call", id, "err", err)
			k.over = append(k.over, id)
			continue
		}
		taken++
	}
	if k.tick() {
		go k.run()
	} else {
		close(k.stopped)
	}
	return taken, nil
}

// ports name a session: nothing else has them.
type ports [2]struct {
	side policy.Side
	port uint16
}

func readMedia(b []byte, now time.Time) (map[ports]media.SessionRecord, error) {
	var all allMedia
	if len(b) > 0 {
		if err := json.Unmarshal(b, &all); err != nil {
			return nil, err
		}
		if away := now.Sub(all.Written); away > longestAway {
			return nil, fmt.Errorf("they were written %v ago", away.Round(time.Second))
		}
	}
	kept := map[ports]media.SessionRecord{}
	for _, s := range all.Sessions {
		var p ports
		for i, l := range s.Legs {
			p[i].side, p[i].port = l.Side, l.Local.Port()
		}
		kept[p] = s
	}
	return kept, nil
}

// resume takes one call up. When it cannot be had, its peers are hung up if they are known.
func (d *Desk) resume(b []byte, kept map[ports]media.SessionRecord, now time.Time) error {
	r, err := readRecord(b)
	if err != nil {
		return err
	}
	s, err := d.recall(r)
	if err != nil {
		return err
	}
	if err := s.resumeMedia(r, kept); err != nil {
		go s.giveBack(err)
		return err
	}
	for i, l := range []*Leg{s.caller, s.callee} {
		s.rearm(l, r.Legs[i], now)
		s.probeLater(l)
	}
	s.publish()
	s.touch()
	d.o.Sink.Tell(event.CallResumed{At: now, Call: s.id})
	s.log.Info("call taken up after a restart", "from", s.callerText(), "to", s.to.String(), "started", s.started)
	go func() { s.finish(s.talk()) }()
	return nil
}

// recall makes the session of a record, as far as its media, and enters it among the calls.
func (d *Desk) recall(r *record) (*Session, error) {
	inbox := d.o.Core.NewInbox()
	in, err := inbox.Recall(r.Invite, r.Source, r.Tag, r.Peer)
	if err != nil {
		inbox.Close()
		return nil, err
	}
	d.mu.Lock()
	settings := d.settings
	d.mu.Unlock()
	s := &Session{
		desk: d, settings: settings, id: r.ID, started: r.Started, answered: r.Answered, invite: in, peer: r.Peer, user: saysFrom(in), inbox: inbox, state: Answered,
		trunk: r.Trunk, from: r.From, to: r.To, withheld: r.Withheld, dialled: r.Dialled, called: r.Called, presented: r.Presented,
		because: r.Because, given: r.Given, forwarded: r.Forwarded, signature: signature{verdict: r.Signature},
		freed: make(chan struct{}), over: make(chan struct{}),
	}
	s.log = d.o.Log.With("call", s.id)
	s.phone = r.Phone
	if s.caller, err = s.recallLeg(&r.Legs[media.Caller]); err == nil {
		s.callee, err = s.recallLeg(&r.Legs[media.Callee])
	}
	if err != nil {
		inbox.Close()
		return nil, err
	}
	if s.peer.Side == policy.SideInside {
		s.readClaim(string(s.caller.Party.Format))
	}
	s.peers = [2]string{s.caller.Party.Peer.Name, s.callee.Party.Peer.Name}
	for _, l := range []*Leg{s.caller, s.callee} {
		inbox.Attach(l.Dialog.CallID, l.Dialog.LocalTag, l.Party.Peer)
	}
	s.ticket, s.onward = d.o.Gate.Resume(r.Ticket), d.o.Gate.Resume(r.Onward)
	s.permit = cmp.Or(s.onward, s.ticket)
	for _, t := range r.Extra {
		ticket := d.o.Gate.Resume(t)
		s.extra, s.permit = append(s.extra, ticket), cmp.Or(ticket, s.permit)
	}
	d.mu.Lock()
	d.calls[s.id] = s
	d.ordinaryCalls.Add(1)
	d.mu.Unlock()
	if r.Urgent {
		s.becomeUrgent()
	}
	return s, nil
}

func (s *Session) recallLeg(r *legRecord) (*Leg, error) {
	a, err := r.agreement()
	if err != nil {
		return nil, err
	}
	l := &Leg{Party: r.Party, Dialog: r.Dialog, confirmed: true, rang: true, gone: r.Gone, stale: r.Stale, proves: r.Proves, agreement: a, origin: r.Origin}
	l.account, _ = s.settings.Routes.AccountOf(l.Party.Peer.Name, r.Account)
	for _, v := range r.Allow {
		l.allow = append(l.allow, sip.NewHeader("Allow", v))
	}
	way := lasting{s.desk, l.Party.Peer, r.Token, r.At}
	l.Party.Path, l.Party.token, l.Party.Credentials = way, r.Token, way.credentials
	return l, nil
}

// resumeMedia opens the ports of the call again and puts into force what was agreed on.
func (s *Session) resumeMedia(r *record, kept map[ports]media.SessionRecord) error {
	var at ports
	for i, l := range []*Leg{s.caller, s.callee} {
		at[i].side, at[i].port = l.side(), r.Legs[i].Port
	}
	rec, ok := kept[at]
	if !ok {
		return fmt.Errorf("its media on the ports %d and %d were not written down", at[0].port, at[1].port)
	}
	for i, l := range []*Leg{s.caller, s.callee} {
		if !l.keys.knownTo(rec.Legs[i]) {
			return fmt.Errorf("what was sent to %s under its key was not written down", l.Party.Peer.Name)
		}
	}
	relay, err := s.desk.o.Sessions.Reopen(rec)
	if err != nil {
		return err
	}
	s.relay, s.shown = relay, relay
	s.caller.media, s.callee.media = relay.Leg(media.Caller), relay.Leg(media.Callee)
	return s.setMedia()
}

// knownTo tells whether the media know what has been sent under our key: otherwise it must not be used again.
func (k keys) knownTo(l media.LegRecord) bool {
	return k.ours == nil || slices.ContainsFunc(l.Sealers, func(s media.SealerRecord) bool {
		return s.Keys.Suite == k.ours.Suite && string(s.Keys.Key) == string(k.ours.Key)
	})
}

// settleTime is how long after a start the ways to the peers are not all there yet.
const settleTime = 3 * time.Second

// giveBack hangs a call up that cannot go on.
func (s *Session) giveBack(why error) {
	time.Sleep(settleTime)
	s.finish(ending{reason: fmt.Sprintf("the call could not go on after a restart: %v", why)})
}

// rearm sets a leg's session timer for what is left of its time.
func (s *Session) rearm(l *Leg, r legRecord, now time.Time) {
	if r.Timer == 0 {
		return
	}
	s.armFor(l, r.Timer, r.Ours, max(r.Due.Sub(now), settleTime))
}

// lasting is the path to a peer whose dialog began in an earlier process: to the server that has it, if the peer still has
// that, or to where the peer is now.
type lasting struct {
	desk  *Desk
	peer  policy.Peer
	token string // of a phone
	at    netip.AddrPort
}

func (p lasting) Conn(ctx context.Context) (sip.Connection, error) { return p.ConnFor(ctx, 0) }

// ConnFor is Conn for a message of this many bytes.
func (p lasting) ConnFor(ctx context.Context, size int) (sip.Connection, error) {
	party, ok := p.desk.reached(p.peer, p.token)
	if !ok || party.Path == nil {
		return nil, fmt.Errorf("%s is not known any more", p.peer.Name)
	}
	for _, m := range party.Members {
		if p.at.IsValid() && addrOf(m) == p.at {
			return ua.ConnFor(ctx, keptMember{m, party.Path}, size)
		}
	}
	return ua.ConnFor(ctx, party.Path, size)
}

func (p lasting) credentials(a policy.Account) *ua.Credentials {
	party, ok := p.desk.reached(p.peer, p.token)
	if !ok || party.Credentials == nil {
		return nil
	}
	return party.Credentials(a)
}

// reached is how a peer is reached now; a phone is known by its token.
func (d *Desk) reached(peer policy.Peer, token string) (party Party, ok bool) {
	switch {
	case token != "" && d.o.Phones != nil:
		phone, known := d.o.Phones.At(token)
		return phone.Party, known
	case peer.Phone():
		return Party{}, false
	case peer.Side == policy.SideInside:
		return d.o.Parties.PBX()
	}
	return d.o.Parties.Trunk(peer.Name)
}
