package trunk

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// guard lets addresses in, and finds out what is dialled without having been let in.
type guard struct {
	reported
	fleet  *fleet
	strays []netip.Addr
}

func (g *guard) Dial(ctx context.Context, t ua.Target) (sip.Connection, error) {
	if !slices.Contains(g.get(), t.Addr.Addr()) {
		g.mu.Lock()
		g.strays = append(g.strays, t.Addr.Addr())
		g.mu.Unlock()
	}
	return g.fleet.Dial(ctx, t)
}

// Resolved takes its time, as the filter does.
func (g *guard) Resolved(trunk string, addrs []netip.Addr) {
	time.Sleep(50 * time.Millisecond)
	g.reported.Resolved(trunk, addrs)
}

func TestAServerIsLetInBeforeAnythingIsSentToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(accept, one, two, three)
		f.core = ua.New(nil, slog.New(slog.DiscardHandler))
		for _, c := range f.servers {
			c.core = f.core
		}
		g := &guard{fleet: f}
		dns := fleetNames(one, two)
		t.Cleanup(f.hangUp)
		trunks := New(Options{Core: f.core, Dialer: g, Resolver: dns, Clients: noTLS{}, Addresses: g, Sink: &facts{}, Log: slog.New(slog.DiscardHandler)})
		if err := trunks.Set(t.Context(), config(fleetPolicy())); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		dns.set("sip.carrier.example", three)
		tr, _ := trunks.Trunk("carrier-a")
		for range 100 * 70 { // calls all the time, until well after the next look
			if _, err := tr.Path().Conn(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if len(g.strays) > 0 || f.at(three).count(sip.REGISTER) == 0 {
			t.Errorf("dialled %v before they were let in; %d registrations at the new server", g.strays, f.at(three).count(sip.REGISTER))
		}
		trunks.Close(t.Context())
	})
}

func TestANameThatLeadsIntoTheOfficeIsNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(accept, one, two)
		log := slog.New(slog.DiscardHandler)
		f.core = ua.New(nil, log)
		for _, c := range f.servers {
			c.core = f.core
		}
		t.Cleanup(f.hangUp)
		dns, addrs := fleetNames(one), &reported{}
		trunks := New(Options{
			Core: f.core, Dialer: f, Resolver: dns, Clients: noTLS{}, Addresses: addrs, Sink: &facts{}, Log: log,
			Plausible: func(a netip.Addr) error {
				if a.String() == one {
					return errors.New(one + " is inside the office")
				}
				return nil
			},
		})
		if err := trunks.Set(t.Context(), config(fleetPolicy())); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		tr, _ := trunks.Trunk("carrier-a")
		if s := tr.State(); s.State != Down || !strings.Contains(s.Reason, "leads to no carrier: "+one+" is inside the office") {
			t.Errorf("%s because %q", s.State, s.Reason)
		}
		dns.set("sip.carrier.example", one, two)
		time.Sleep(5 * time.Minute)
		if tr.State().State != Up || first(tr) != two || len(f.dials) == 0 {
			t.Errorf("%s, calls go to %s; want up at the one that is outside", tr.State().State, first(tr))
		}
		if got := addrs.get(); len(got) != 1 || got[0].String() != two {
			t.Errorf("let in %v", got)
		}
		for _, d := range f.dials {
			if d.Addr.Addr().String() == one {
				t.Fatal("the office was dialled as if it were the carrier")
			}
		}
		trunks.Close(t.Context())
	})
}
