package trunk

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// longestGap is the longest time without a packet towards the carrier.
func (c *carrier) longestGap() (longest time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := append(append([]time.Time(nil), c.at...), c.pings...)
	last := all[0]
	for len(all) > 0 {
		next := all[0]
		for _, at := range all {
			if at.Before(next) {
				next = at
			}
		}
		longest, last = max(longest, next.Sub(last)), next
		var rest []time.Time
		for _, at := range all {
			if at.After(next) {
				rest = append(rest, at)
			}
		}
		all = rest
	}
	return longest
}

func TestNoRouterForgetsTheWayOfAUDPTrunk(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(*policy.Trunk, *Config)
		options bool // whether the carrier is asked OPTIONS
	}{
		"nat: none":                            {func(_ *policy.Trunk, c *Config) { c.Learn = false }, false},
		"nat: learn":                           {nil, true},
		"nat: learn, asked for its health too": {func(p *policy.Trunk, c *Config) { p.Health = policy.HealthOptions }, true},
		"nat: learn, STUN tells": {func(_ *policy.Trunk, c *Config) {
			c.STUNServers = []netip.AddrPort{netip.MustParseAddrPort("203.0.113.1:3478")}
		}, false},
		"a trunk that does not register": {func(p *policy.Trunk, c *Config) {
			p.Registrar, p.OutboundProxy, p.Health = "", policy.Hosts{"192.0.2.200"}, policy.HealthOff
		}, true},
		"one without an account": {func(p *policy.Trunk, c *Config) {
			p.Registrar, p.OutboundProxy, p.Health, p.Accounts = "", policy.Hosts{"192.0.2.200"}, policy.HealthOff, nil
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &router{seen: "203.0.113.5:40001", options: true}
				trunks, c, _ := behind(t, r, tt.change)
				time.Sleep(10 * time.Minute)
				if gap := c.longestGap(); gap > 25*time.Second {
					t.Errorf("nothing was sent for %v", gap)
				}
				if n := c.count(sip.OPTIONS); (n > 0) != tt.options || n > 70 {
					t.Errorf("%d OPTIONS in 10 minutes", n)
				}
				trunks.Close(t.Context())
			})
		})
	}
}

func TestASilentCallIsAReasonToAskWhereTheBoxIs(t *testing.T) {
	for name, tt := range map[string]struct {
		transport policy.Transport
		options   bool // the carrier answers OPTIONS
		most      time.Duration
	}{
		"udp":                           {policy.UDP, true, 2 * time.Second},
		"udp, OPTIONS not answered":     {policy.UDP, false, 8 * time.Second},
		"a stream":                      {policy.TCP, true, 2 * time.Second},
		"a stream, nothing comes back ": {policy.TCP, false, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var quiet atomic.Bool
				r := &router{seen: "203.0.113.5:40001", options: tt.options}
				trunks, c, h := behindWith(t, r, func(p *policy.Trunk, _ *Config) { p.Transport = tt.transport },
					func(o *Options) { o.Quiet = func(string, time.Duration) bool { return quiet.Load() } })
				time.Sleep(30 * time.Second)
				begun, before := time.Now(), len(h.addresses())
				r.moveTo("203.0.113.9:1024")
				quiet.Store(true)
				time.Sleep(tt.most)
				if got := h.addresses()[before:]; len(got) != 1 || got[0].At.Sub(begun) > tt.most {
					t.Errorf("after %v: %+v", tt.most, got)
				}
				asked := c.count(sip.OPTIONS)
				time.Sleep(5 * time.Minute) // the silence is only that: nobody says anything
				if n := c.count(sip.OPTIONS) - asked; tt.options && n > 30 {
					t.Errorf("%d OPTIONS in 5 minutes of silence", n)
				}
				trunks.Close(t.Context())
			})
		})
	}
}

func TestSTUNServersNoticeANewAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		mapped, asked := "", []netip.AddrPort{}
		one, two := netip.MustParseAddrPort("203.0.113.201:3478"), netip.MustParseAddrPort("203.0.113.202:3478")
		servers := func(_ *policy.Trunk, c *Config) { c.STUNServers = []netip.AddrPort{one, two} }
		ask := func(_ context.Context, server netip.AddrPort) (netip.AddrPort, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, server)
			if server == one || mapped == "" {
				return netip.AddrPort{}, errors.New("no answer")
			}
			return netip.MustParseAddrPort(mapped), nil
		}
		set := func(s string) { mu.Lock(); defer mu.Unlock(); mapped = s }
		set("203.0.113.5:9999")
		r := &router{seen: "203.0.113.5:40001"}
		trunks, c, h := behindWith(t, r, servers, func(o *Options) { o.Mapped = ask })
		time.Sleep(61 * time.Second) // the registration has just been renewed
		set("203.0.113.9:9999")
		r.moveTo("203.0.113.9:1024")
		time.Sleep(25 * time.Second)
		list := c.contacts()
		if last := list[len(list)-1]; last != "<sip:office@203.0.113.9:1024>, <sip:office@203.0.113.5:40001>;expires=0" &&
			last != "<sip:office@203.0.113.9:1024>, <sip:office@203.0.113.9:40001>;expires=0" {
			t.Errorf("registered %q", list)
		}
		told := h.addresses()
		if by := told[len(told)-2].By; by != "STUN" {
			t.Errorf("told by %s first: %+v", by, told)
		}
		trunks.Close(t.Context())
		mu.Lock()
		n := len(asked)
		mu.Unlock()
		time.Sleep(time.Minute)
		if len(asked) != n {
			t.Error("asked after the end")
		}
	})
}

func TestALinkThatComesUpIsAReasonToLookAfterTheTrunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &router{seen: "203.0.113.5:40001", options: true}
		trunks, c, h := behind(t, r, nil)
		time.Sleep(2 * time.Second)
		before := c.count(sip.REGISTER)
		r.moveTo("203.0.113.9:1024")
		trunks.Linked()
		trunks.Linked() // the kernel tells one change several times
		time.Sleep(4 * time.Second)
		if n := c.count(sip.OPTIONS); n == 0 || n > 2 {
			t.Errorf("%d OPTIONS", n)
		}
		if c.count(sip.REGISTER) == before || len(h.addresses()) != 2 {
			t.Errorf("not registered anew, facts %+v", h.addresses())
		}
		trunks.Close(t.Context())
	})
}

func TestALinkThatComesUpAsksNothingOfACarrierThatIsNeverAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trunks, c, _ := behind(t, &router{seen: "192.168.1.10:5060", options: true}, func(_ *policy.Trunk, c *Config) { c.Learn = false })
		time.Sleep(2 * time.Second)
		before := c.count(sip.REGISTER)
		trunks.Linked()
		time.Sleep(4 * time.Second)
		if c.count(sip.OPTIONS) != 0 || c.count(sip.REGISTER) == before {
			t.Errorf("%d OPTIONS, %d REGISTERs more", c.count(sip.OPTIONS), c.count(sip.REGISTER)-before)
		}
		trunks.Close(t.Context())
	})
}
