package phones

import (
	"context"
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/ua"
)

const (
	askEvery = 30 * time.Second
	askAgain = 5 * time.Second // while the PBX is away or in doubt
	// How many in a row change the judgement: one lost packet is no outage, one lucky one no recovery.
	failuresToAway = 2
	answersToBack  = 2
)

// presence is what the PBX's answers, or their absence, have told.
type presence struct {
	away     bool
	since    time.Time
	reason   string
	failures int // in a row
	answers  int // in a row, while away
}

// Heard tells that the PBX has answered something.
func (p *Phones) Heard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.presence
	s.failures = 0
	if !s.away {
		return
	}
	if s.answers++; s.answers < answersToBack {
		return
	}
	p.presence = presence{since: time.Now()}
	for _, b := range p.bindings {
		b.Granted = b.Verified // nobody knows what the PBX has kept: each is registered there again at its next refresh
	}
	p.changed()
	p.tellPresence()
}

// Failed tells that the PBX has not answered a registration or a call, and why. It may have its reasons: it is asked at
// once, and only when it does not answer that either it is away.
func (p *Phones) Failed(reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.presence.failures = max(p.presence.failures, 1)
	p.presence.answers = 0
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// silent notes that the PBX has not answered whether it is there.
func (p *Phones) silent(reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.presence
	s.failures, s.answers = s.failures+1, 0
	if !s.away && s.failures >= failuresToAway {
		*s = presence{away: true, since: time.Now(), reason: reason, failures: s.failures}
		p.tellPresence()
	}
}

// tellPresence tells whether the PBX is there. p.mu is held.
func (p *Phones) tellPresence() {
	s := p.presence
	e := event.RemotePBXChanged{At: s.since, Reachable: !s.away, Reason: s.reason}
	p.o.Log.Warn("the phones' PBX", "reachable", e.Reachable, "survival", p.config.Policy.Survival, "reason", e.Reason)
	p.o.Sink.Tell(e)
}

// Away says why the PBX cannot be reached, as a sentence; "" when it can.
func (p *Phones) Away() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.presence.away {
		return ""
	}
	return "the phones' PBX cannot be reached: " + p.presence.reason
}

// start runs what watches over PBX and phones until it is stopped. p.mu is held.
func (p *Phones) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	go p.watch(ctx)
	go p.keepOpen(ctx)
	return cancel
}

// watch asks the PBX again and again whether it is there.
func (p *Phones) watch(ctx context.Context) {
	timer := time.NewTimer(askAgain)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.kick:
			if !p.inDoubt() {
				continue
			}
			select { // not more often than that, however many calls fail
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
		}
		p.askPresence(ctx)
		wait := askEvery
		if p.inDoubt() {
			wait = askAgain
		}
		timer.Reset(wait)
	}
}

func (p *Phones) inDoubt() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.presence.away || p.presence.failures > 0
}

// askPresence sends OPTIONS to the servers in turn until one answers (RFC 3261 §11). Whatever it says, it is there, unless
// it says that it is out of service.
func (p *Phones) askPresence(ctx context.Context) {
	err := error(nil)
	pbx, ok := p.o.Upstream.RemotePBX()
	if !ok {
		return
	}
	for _, server := range pbx.Servers {
		var res *sip.Response
		if res, err = p.do(p.optionsTo(pbx.Local), server, hurried); err == nil && isAway(res.StatusCode) {
			err = errors.New("it answers that it is out of service")
		}
		if err == nil {
			break
		}
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.silent(ua.Explain(err))
	default:
		p.Heard()
	}
}

func (p *Phones) optionsTo(l ua.Local) ua.Draft {
	p.mu.Lock()
	domain := p.config.Policy.Domain
	p.mu.Unlock()
	return ua.Draft{
		Method: sip.OPTIONS, URI: "sip:" + domain, From: "sip:tollgate@" + domain, To: "sip:" + domain, FromTag: ua.NewTag(),
		CallID: ua.NewCallID(), Seq: 1, Contact: l.Contact("tollgate"), Local: l, MaxForwards: ua.MaxForwards,
	}
}
