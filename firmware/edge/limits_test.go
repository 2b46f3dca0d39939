package edge

import (
	"io"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/policy"
)

func TestConnectionsArePatientOnlySoLong(t *testing.T) {
	const short = 80 * time.Millisecond
	for name, tc := range map[string]struct {
		limits Limits
		does   func(b *bench, p *peer)
		rule   string
	}{
		"says nothing":          {Limits{First: short}, func(*bench, *peer) {}, ""},
		"only pings":            {Limits{First: short}, func(_ *bench, p *peer) { p.say("\r\n\r\n") }, ""},
		"goes quiet":            {Limits{Idle: short}, func(b *bench, p *peer) { p.say(p.request("OPTIONS", 1)); b.next(p.t) }, ""},
		"stops in the header":   {Limits{Message: short}, func(_ *bench, p *peer) { p.say("OPTIONS sip:box") }, ruleSlow},
		"stops in the body":     {Limits{Message: short}, func(_ *bench, p *peer) { p.say(good[:len(good)-1]) }, ruleSlow},
		"stops in the second":   {Limits{Message: short}, func(b *bench, p *peer) { p.say(good + "OPT"); b.next(p.t) }, ruleSlow},
		"one byte at a time":    {Limits{Message: short}, trickle, ruleSlow},
		"never shakes hands":    {Limits{Handshake: short}, nil, ruleHandshake},
		"shakes with the wrong": {Limits{}, func(_ *bench, p *peer) { p.say(good) }, ruleHandshake},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := certificates(t)
			b := newBench(t, func(o *Options) { o.Limits = tc.limits })
			tr := policy.TCP
			if tc.rule == ruleHandshake {
				tr = policy.TLSTransport
			}
			at := b.listen(t, inside(tr, server))
			p := connect(t, policy.TCP, at[tr], nil)
			if tc.does != nil {
				tc.does(b, p)
			}
			p.hungUp()
			if tc.rule != "" {
				b.sink.await(t, tc.rule)
			}
		})
	}
}

// trickle is a slow loris: each byte comes in time, the message never does.
func trickle(_ *bench, p *peer) {
	for _, c := range "OPTIONS sip:box@127.0.0.1 SIP/2.0\r\nX: " + strings.Repeat("x", 1000) {
		if _, err := io.WriteString(p.Conn, string(c)); err != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.t.Error("a thousand slow bytes were taken")
}

func TestDialledStreamsMayStayQuiet(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Limits = Limits{First: 20 * time.Millisecond, Idle: 20 * time.Millisecond} })
	far := newFarEnd(t, policy.TCP, nil)
	c := dial(t, b, Target{Owner: "carrier", Side: policy.SideOutside, Transport: policy.TCP, Addr: far.addr})
	select {
	case <-c.Done():
		t.Error("a quiet trunk was hung up on")
	case <-time.After(100 * time.Millisecond):
	}
}

func TestOneSourceHasSoManyConnectionsAndNoMore(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Limits.PerSource = 2 })
	at := b.listen(t, inside(policy.TCP, nil))
	var first *peer
	for i := range 2 {
		p := connect(t, policy.TCP, at[policy.TCP], nil)
		p.say(p.request("OPTIONS", i))
		b.next(t)
		first = p
	}
	connect(t, policy.TCP, at[policy.TCP], nil).hungUp()
	b.sink.await(t, ruleTooMany)
	other := connectFrom(t, policy.TCP, "127.0.0.2", at[policy.TCP], nil)
	other.say(other.request("OPTIONS", 3))
	b.next(t)
	first.Close()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if b.count("127.0.0.1") == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("an ended connection still counts")
		}
	}
	again := connect(t, policy.TCP, at[policy.TCP], nil)
	again.say(again.request("OPTIONS", 4))
	b.next(t)
}

func (b *bench) count(host string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for from, n := range b.accepted {
		if from.String() == host {
			return n
		}
	}
	return 0
}

func TestAllTogetherHaveSoManyConnectionsAndNoMore(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Limits.Connections = 1 })
	at := b.listen(t, inside(policy.TCP, nil))
	p := connect(t, policy.TCP, at[policy.TCP], nil)
	p.say(p.request("OPTIONS", 1))
	b.next(t)
	connectFrom(t, policy.TCP, "127.0.0.2", at[policy.TCP], nil).hungUp()
	b.sink.await(t, ruleTooMany)
	if _, err := b.Dial(withTimeout(t), Target{Owner: "carrier", Side: policy.SideOutside, Transport: policy.TCP, Addr: newFarEnd(t, policy.TCP, nil).addr}); err == nil {
		t.Error("dialled beyond the limit")
	}
}

func TestAStrangerIsDroppedBeforeAnythingIsRead(t *testing.T) {
	each(t, func(t *testing.T, b *bench, p *peer) {
		b.rules.mu.Lock()
		b.rules.known = func(access.Source) bool { return false }
		b.rules.mu.Unlock()
		if p.transport() == "UDP" {
			p.say(p.request("INVITE", 1))
			p.say("rubbish")
			p.silent()
		} else {
			at := b.Listening()[0]
			connect(t, policy.TCP, at.Addr, nil).hungUp() // with TLS: without a handshake
		}
		f := b.sink.await(t, access.RuleUnknownSource)
		if f.Status != 0 || f.Side != "inside" || !strings.EqualFold(f.Transport, p.transport()) || !f.Source.IsValid() || f.At.IsZero() {
			t.Errorf("told %+v", f)
		}
		b.nothing(t)
	})
}
