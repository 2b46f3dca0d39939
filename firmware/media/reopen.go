package media

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tollgate/firmware/datagram"
	"tollgate/firmware/policy"
)

// Reopen opens a session of an earlier process again: the same ports, keys, counters and sources. Nothing is accepted or sent
// before each leg is Set, and nothing encrypted is sent before Kept. A record may come from anywhere: what does not fit
// this machine or is not whole is an error.
func (r *Relay) Reopen(rec SessionRecord) (*Session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, ErrClosed
	case r.config == nil:
		return nil, errors.New("media: the relay has no configuration yet")
	}
	s := &Session{call: rec.Call, relay: r, config: *r.config, worker: r.idlest()}
	if err := s.reopen(rec); err != nil {
		return nil, fmt.Errorf("media: opening the ports of call %s again: %w", rec.Call, err)
	}
	r.sessions[s] = struct{}{}
	return s, nil
}

func (s *Session) reopen(rec SessionRecord) error {
	for i, kept := range rec.Legs {
		l, err := s.reopenLeg(kept)
		if err == nil {
			s.legs[i] = l
			err = l.resume(kept)
		}
		if err != nil {
			s.releaseOpened()
			return fmt.Errorf("%s: %w", Role(i), err)
		}
	}
	a, b := s.legs[Caller].half, s.legs[Callee].half
	a.far, b.far = b, a
	if err := s.start(); err != nil {
		s.release()
		return err
	}
	return nil
}

func (s *Session) releaseOpened() {
	for _, l := range s.legs {
		if l != nil {
			l.release()
		}
	}
}

// reopenLeg binds the ports of a record. relay.mu is held.
func (s *Session) reopenLeg(rec LegRecord) (*Leg, error) {
	own := s.config.side(rec.Side)
	switch {
	case rec.Side != policy.SideInside && rec.Side != policy.SideOutside:
		return nil, fmt.Errorf("there is no side %q", rec.Side)
	case rec.Local.Addr() != own.Address:
		return nil, fmt.Errorf("%v is not the address of the %s side any more", rec.Local.Addr(), rec.Side)
	case rec.Local.Port() == 0 || rec.Local.Port()%2 != 0:
		return nil, fmt.Errorf("%d is no port for RTP", rec.Local.Port())
	}
	l := s.newLeg(rec.Side)
	port := rec.Local.Port()
	if l.pool == nil || !l.pool.holds(port) { // the policy has other ports by now
		l.pool = newPorts(PortRange{port, port + 1})
		l.pool.retire() // it is this call's alone
	}
	sockets, err := l.pool.claim(port, func(even uint16) (pair, error) { return bindPair(own.Address, even, !s.relay.Steered()) })
	if err != nil {
		return nil, err
	}
	l.have(port, sockets)
	return l, nil
}

// resume puts into a leg that nobody reads yet what a record says of its keys and sources.
func (l *Leg) resume(rec LegRecord) error {
	h := l.half
	if len(rec.Openers) > maxKeys || len(rec.Sealers) > maxKeys {
		return errors.New("more keys than a leg may have")
	}
	for _, k := range rec.Openers {
		o, err := k.opener()
		if err != nil {
			return err
		}
		l.openers = append(l.openers, o)
	}
	for _, k := range rec.Sealers {
		s, err := k.sealer(l.session.relay)
		if err != nil {
			return err
		}
		l.sealers = append(l.sealers, s)
	}
	h.ice, h.opening.ssrc = rec.ICE, rec.Own
	h.counters.resume(rec.Counted)
	for i, f := range []*flow{h.rtp, h.rtcp} {
		if err := l.resumeFlow(i, f, rec.Flows[i]); err != nil {
			return err
		}
	}
	return nil
}

// resumeFlow takes up where the peer is, and what a handshake has made. The handshake itself is over: the keys go on until
// signalling wants others.
func (l *Leg) resumeFlow(i int, f *flow, rec FlowRecord) error {
	f.signalled, f.learned, f.nominated = plain(rec.Signalled), plain(rec.Learned), plain(rec.Nominated)
	k := rec.Handshake
	if k == nil {
		return nil
	}
	if len(k.Fingerprints) == 0 {
		return errors.New("a handshake with nobody")
	}
	var err error
	if f.open, err = k.Open.opener(); err != nil {
		return err
	}
	if f.seal, err = k.Seal.sealer(l.session.relay); err != nil {
		return err
	}
	a := &association{
		relay: l.session.relay, flow: f, terms: &DTLS{Active: k.Active, Fingerprints: k.Fingerprints},
		remote: plain(k.Remote), peer: datagram.NameOf(plain(k.Peer)),
	}
	a.stopped, a.end = context.WithCancel(context.Background())
	f.association, l.associations[i], l.half.handshakes = a, a, true
	return nil
}

func (k OpenerRecord) opener() (*opener, error) {
	o, err := newOpener(k.Keys)
	if err != nil {
		return nil, err
	}
	if len(k.RTP) > maxSources || len(k.CTL) > maxSources {
		return nil, errors.New("more sources than a key may have")
	}
	for _, r := range k.RTP {
		if r.Next > lastIndex || o.rtpFrom.find(r.SSRC) != nil {
			return nil, errors.New("a source that cannot be")
		}
		o.rtpFrom = append(o.rtpFrom, source{r.SSRC, replays{from: r.Next, next: r.Next}})
	}
	for _, r := range k.CTL {
		if r.Next > lastCtlIndex || o.ctlFrom.find(r.SSRC) != nil {
			return nil, errors.New("a source of reports that cannot be")
		}
		o.ctlFrom = append(o.ctlFrom, source{r.SSRC, replays{from: r.Next, next: r.Next}})
	}
	return o, nil
}

// sealer goes on above everything that the process before may have used. Until Kept nothing may leave.
func (k SealerRecord) sealer(r *Relay) (*sealer, error) {
	s, err := newSealer(k.Keys)
	if err != nil {
		return nil, err
	}
	if len(k.RTP) > maxSources || len(k.CTL) > maxSources {
		return nil, errors.New("more sources than a key may have")
	}
	if k.Lives >= maxLives {
		return nil, errors.New("a key that more processes have had than there are numbers for")
	}
	s.reserve = reserve{kept: &r.keeps, lives: k.Lives + 1, waiting: true}
	for _, v := range k.RTP {
		if v.Limit >= lastIndex || slices.ContainsFunc(s.streams, func(o stream) bool { return o.ssrc == v.SSRC }) {
			return nil, errors.New("a stream that cannot be")
		}
		s.streams = append(s.streams, stream{
			ssrc: v.SSRC, last: v.Last, index: v.Limit, first: v.Limit + 1, seen: unlimited, resumed: true, limit: v.Limit, promised: v.Limit,
		})
	}
	for _, v := range k.CTL {
		if v.Limit >= lastCtlIndex || slices.ContainsFunc(s.reports, func(o reports) bool { return o.ssrc == v.SSRC }) {
			return nil, errors.New("reports that cannot be")
		}
		s.reports = append(s.reports, reports{ssrc: v.SSRC, index: v.Limit, limit: v.Limit, promised: v.Limit})
	}
	return s, nil
}

func (c *counters) resume(r Counted) {
	c.packetsIn.Store(r.PacketsIn)
	c.packetsOut.Store(r.PacketsOut)
	c.bytesIn.Store(r.BytesIn)
	c.bytesOut.Store(r.BytesOut)
	c.controlIn.Store(r.ControlIn)
	c.controlOut.Store(r.ControlOut)
	c.authFailures.Store(r.AuthFailures)
	c.early.Store(r.Early)
	c.strangers.Store(r.Strangers)
	c.replays.Store(r.Replays)
	c.malformed.Store(r.Malformed)
	c.withheld.Store(r.Withheld)
	c.lastIn.Store(r.LastIn)
}

// holds tells whether a pair is one of the pool's.
func (p *ports) holds(even uint16) bool {
	return int(even) >= p.rng.first() && int(even)+1 <= int(p.rng.High)
}

// claim reserves one pair of the pool's that no call has had, and binds it.
func (p *ports) claim(even uint16, bind func(even uint16) (pair, error)) (pair, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := (int(even) - p.rng.first()) / 2
	if p.busy[n] {
		return pair{}, errBusy
	}
	sockets, err := bind(even)
	p.busy[n] = err == nil
	return sockets, err
}
