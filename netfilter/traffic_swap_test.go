package netfilter

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// A peer, two calls and strangers send all the while, and the configuration changes under them.
func TestASwapOfTheRulesLosesNothingAndLetsNothingThrough(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	l.openHole(hole(Outside, "198.51.100.2:20000", "203.0.113.5/32"))
	l.openHole(hole(Outside, "198.51.100.2:20002", "203.0.113.0/28"))
	const stranger = "203.0.113.99:5060"
	good := []*receiver{l.receiver("198.51.100.2:5060"), l.receiver("198.51.100.2:20000"), l.receiver("198.51.100.2:20002")}
	silent := l.receiver("198.51.100.2:20004")
	everybody := append(slices.Clone(good), silent)
	for _, r := range everybody {
		r.deep()
	}

	var stop atomic.Bool
	sent := make(chan uint32)
	go func() {
		n := uint32(0)
		for ; !stop.Load(); n++ {
			for _, r := range everybody {
				to := r.conn.LocalAddr().String()
				l.wan.send(udpPacket(stranger, to, []byte("stranger")))
				if r != silent {
					l.wan.send(udpPacket("203.0.113.5:5060", to, numbered(n)))
				}
			}
			if n%4 == 3 { // some 20,000 packets a second and more
				time.Sleep(50 * time.Microsecond)
			}
		}
		for _, r := range good {
			l.wan.send(udpPacket("203.0.113.5:5060", r.conn.LocalAddr().String(), theEnd))
		}
		sent <- n
	}()
	got := make(chan []byte)
	for _, r := range good {
		go func() { got <- r.all() }()
	}
	const swaps = 200
	begun := time.Now()
	for i := range swaps {
		if err := l.filter.Set(context.Background(), changed(i)); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	total := <-sent
	took := time.Since(begun)
	var want []byte
	for n := range total {
		want = append(want, numbered(n)...)
	}
	for range good {
		if all := <-got; !bytes.Equal(all, want) {
			t.Errorf("%d of %d packets arrived, or strangers did", len(all)/len(numbered(0)), total)
		}
	}
	silent.isEmpty()
	t.Logf("%d swaps under %d good packets and %d bad ones, %.0f a second", swaps, 3*total, 4*total, float64(7*total)/took.Seconds())
}

// numbered is what a test sends again and again: it begins like SIP.
func numbered(n uint32) []byte { return binary.BigEndian.AppendUint32([]byte("SIP/"), n) }

// changed returns configurations that differ in everything but what the test's senders live by.
func changed(i int) Config {
	c := twoPorts()
	switch i % 4 {
	case 1:
		c.Media, c.Page.Port = PortRange{30000, 30999}, 8443
		c.Services = c.Services[2:]
	case 2:
		c.Services[2].Sources = prefixes("203.0.113.0/28", "203.0.113.192/26")
		c.Inside.Prefixes = prefixes("192.0.2.0/24", "10.0.0.0/8")
		c.Gateway = netip.Addr{}
	case 3:
		c = twoPortsV6()
	}
	return c
}
