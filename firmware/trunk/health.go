package trunk

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

const (
	askEvery   = 30 * time.Second
	askAgain   = 10 * time.Second // while a server is down or in doubt
	askTimeout = 5 * time.Second
	// How many answers in a row change the judgement: one lost packet is no outage, one lucky one no recovery.
	failuresToDown = 2
	answersToUp    = 2
)

// health is what OPTIONS requests have told of one server. The trunk's mutex guards it.
type health struct {
	down      bool
	failures  int  // in a row
	answers   int  // in a row
	heard     bool // has ever answered
	roundTrip time.Duration
	reason    string // why it is down or in doubt
}

// take judges one answer and tells whether the server has gone down or come up.
func (h *health) take(failure string, roundTrip time.Duration) (changed bool) {
	before := h.down
	if failure != "" {
		h.failures, h.answers, h.reason = h.failures+1, 0, failure
		h.down = h.down || h.failures >= failuresToDown
		return h.down != before
	}
	h.failures, h.answers, h.heard, h.roundTrip = 0, h.answers+1, true, roundTrip
	if h.answers >= answersToUp {
		h.down = false
	}
	if !h.down {
		h.reason = ""
	}
	return h.down != before
}

// watch asks all servers of the trunk again and again whether they are there.
func (t *Trunk) watch(ctx context.Context) {
	for {
		members, err := t.calls.ready(ctx)
		var asked sync.WaitGroup
		for _, m := range members {
			asked.Go(func() { m.ask(ctx) })
		}
		asked.Wait()
		wait := askEvery
		if err != nil || t.inDoubt(members) {
			wait = askAgain
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(jitter(wait)):
		}
	}
}

// inDoubt tells whether a server is down or has just failed.
func (t *Trunk) inDoubt(members []*Member) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range members {
		if m.health.down || m.health.failures > 0 {
			return true
		}
	}
	return false
}

// ask sends one OPTIONS (RFC 3261 §11). Whatever the server answers, it is there; but for 503 and 408.
func (m *Member) ask(ctx context.Context) {
	t := m.pool.trunk
	begun := time.Now()
	res, err := m.options(ctx)
	if ctx.Err() != nil {
		return
	}
	failure := ""
	switch {
	case err != nil:
		failure = explain(err).Error() + "; if calls pass all the same, write health: off"
	case res.StatusCode == 503 || res.StatusCode == 408:
		failure = fmt.Sprintf("the carrier answers OPTIONS with %d %s", res.StatusCode, ua.Phrase(res.StatusCode))
	}
	t.mu.Lock()
	changed := m.health.take(failure, time.Since(begun))
	down := m.health.down
	if changed && down && m == m.pool.holder && len(m.pool.members) > 1 {
		t.registerAnew()
	}
	t.mu.Unlock()
	if changed {
		t.o.Log.Warn("server's health has changed", "trunk", t.Policy.Name, "server", m.addr, "down", down, "reason", failure)
	}
	t.review()
}

func (m *Member) options(ctx context.Context) (*sip.Response, error) {
	t := m.pool.trunk
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	domain, user, local := "sip:"+t.Policy.Domain, "tollgate", t.Self()
	if len(t.Policy.Accounts) > 0 {
		user = t.Policy.Accounts[0].User
	}
	req, err := ua.Draft{
		Method: sip.OPTIONS, URI: domain, From: "sip:" + user + "@" + t.Home(), To: domain, FromTag: ua.NewTag(),
		CallID: ua.NewCallID(), Seq: 1, Contact: local.Contact(user), Local: local, MaxForwards: ua.MaxForwards,
		Headers: []sip.Header{sip.NewHeader("Accept", "application/sdp")},
	}.Request()
	if err != nil {
		return nil, err
	}
	res, err := t.o.Core.Do(ctx, req, t.Peer(), m, nil)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	m.answers = true
	t.mu.Unlock()
	if t.observe(m, req, res) {
		t.registerAnew()
	}
	return res, nil
}

// watched tells whether the trunk's servers are asked.
func (t *Trunk) watched() bool {
	return t.Policy.Health == policy.HealthOptions && len(t.Policy.Accounts) > 0
}
