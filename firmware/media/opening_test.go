package media

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"tollgate/firmware/policy"
)

// newOpenCall is newCall with an outside that is kept open.
func newOpenCall(t *testing.T, outside policy.Suite) *call {
	t.Helper()
	config := labConfig()
	config.Outside.KeepOpen = true
	r := newRelay(t, nil, config)
	c := &call{Session: openSession(t, r), relay: r}
	c.a = newPeer(t, c.Leg(Caller), "127.0.1.9", plainRTP)
	c.b = newPeer(t, c.Leg(Callee), "127.0.2.9", outside)
	return c
}

// keepAllWays is keepWays for all legs.
func (w *worker) keepAllWays(now time.Time) {
	for share := range shares {
		w.keepWays(now, share)
	}
}

// greeted checks the packet that the box sends of itself.
func (p *peer) greeted() {
	p.t.Helper()
	got := p.hear()
	if got.PayloadType != openType || len(got.Payload) != 0 {
		p.t.Errorf("the box says %v with %d bytes", got.Header, len(got.Payload))
	}
}

func (p *peer) greetedOnRTCP() {
	p.t.Helper()
	b, from, ok := read(p.t, p.rtcp, patience)
	if !ok || from != p.boxRTCP() {
		p.t.Fatalf("no report; from %v", from)
	}
	if p.decrypt != nil {
		var err error
		if b, err = p.decrypt.DecryptRTCP(nil, b, nil); err != nil {
			p.t.Fatal(err)
		}
	}
	packets, err := rtcp.Unmarshal(b)
	if err == nil {
		err = rtcp.CompoundPacket(packets).Validate()
	}
	if err != nil {
		p.t.Errorf("report %x: %v", b, err)
	}
}

func TestTheBoxSendsFirstTowardsACarrier(t *testing.T) {
	for _, suite := range []policy.Suite{plainRTP, aesCM, gcm} {
		t.Run(string(suite), func(t *testing.T) {
			c := newOpenCall(t, suite)
			c.a.set()
			c.b.set()
			c.b.greeted()
			look := func() { c.worker.do(func() { c.worker.keepAllWays(time.Now()) }) }
			look()
			c.b.greetedOnRTCP()
			look()
			silent(t, c.b.rtcp, "the report's port, which is open")
			c.a.hearsNothing() // the office has no router in between
			c.converse(3)
			if s := c.Leg(Callee).Stats(); s.PacketsOut != 3 || s.ControlOut != 0 {
				t.Errorf("what the box says itself is counted: %+v", s)
			}
			c.b.set(func(p *Params) { p.Hold = true })
			c.b.greeted()
			look()
			c.b.greetedOnRTCP()
			c.b.set(func(p *Params) { p.Mux = true })
			c.b.greeted()
			look()
			silent(t, c.b.rtcp, "the report's port")
		})
	}
}

func TestAWayOnWhichNothingGoesIsKeptOpen(t *testing.T) {
	c := newOpenCall(t, aesCM)
	c.a.set()
	c.b.set(func(p *Params) { p.Mux, p.Hold = true, true })
	c.b.greeted()
	w, begun := c.worker, time.Now()
	look := func(after time.Duration) { w.do(func() { w.keepAllWays(begun.Add(after)) }) }
	look(10 * time.Second)
	c.b.hearsNothing()
	look(16 * time.Second)
	c.b.greeted()
	look(20 * time.Second)
	c.b.hearsNothing()
	c.b.set(func(p *Params) { p.Mux = true }) // taken back from hold
	c.b.greeted()
	c.a.talk([]byte("x"))
	c.b.hears([]byte("x"))
	look(40 * time.Second) // a packet has left since the last look
	c.b.reported(true)     // and the one who sent it reports nothing
	c.b.hearsNothing()
	look(54 * time.Second)
	c.b.reported(true)
	c.b.hearsNothing()
	look(56 * time.Second)
	c.b.greeted()
}

func TestNothingIsSentWhereNobodyIs(t *testing.T) {
	c := newOpenCall(t, plainRTP)
	c.b.set()
	c.b.greeted()
	if err := c.Leg(Callee).Set(Params{}); err != nil {
		t.Fatal(err)
	}
	c.worker.do(func() { c.worker.keepAllWays(time.Now()) })
	c.b.hearsNothing()
	silent(t, c.b.rtcp, "the report's port")
}
