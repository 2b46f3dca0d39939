package trunk

import (
	"context"
	"crypto/tls"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// proxiesPolicy has two outbound proxies, each with servers of its own.
func proxiesPolicy() policy.Trunk {
	p := staticPolicy()
	p.OutboundProxy = policy.Hosts{"sip.carrier.example", "sip2.carrier.example"}
	return p
}

func twoNames() *names {
	return &names{servers: map[string][]string{
		"sip.carrier.example": {one, two}, "sip2.carrier.example": {two, three}, // two is behind both names
	}}
}

func order(t *Trunk) (s []string) {
	for _, m := range t.Members() {
		s = append(s, m.Addr().Addr().String())
	}
	return s
}

func TestProxiesAreTriedInTheirOrderAndEachByItsOwnNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(with(200), one, two, three)
		tr, _, addrs := startFleet(t, f, twoNames(), proxiesPolicy())
		time.Sleep(time.Second)
		if got := order(tr); !slices.Equal(got, []string{one, two, three}) {
			t.Errorf("order %v, want the servers of the first name, then those of the second, each once", got)
		}
		if got := addrs.get(); len(got) != 3 {
			t.Errorf("let in: %v, want those of both names", got)
		}
		f.at(one).become(silent)
		f.at(two).become(silent)
		time.Sleep(2 * time.Minute)
		if s := tr.State(); s.State != Up || first(tr) != three {
			t.Errorf("%s, calls go to %s first; want up, by the second proxy", s.State, first(tr))
		}
	})
}

func TestOneNameThatCannotBeFoundIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(with(200), one, two, three)
		n := &names{servers: map[string][]string{"sip2.carrier.example": {three}}}
		tr, _, _ := startFleet(t, f, n, proxiesPolicy())
		time.Sleep(time.Minute)
		if s := tr.State(); s.State != Up || !slices.Equal(order(tr), []string{three}) {
			t.Errorf("%s with %v, want up by the second proxy", s.State, order(tr))
		}
		n.set("sip.carrier.example", one)
		time.Sleep(time.Minute)
		if first(tr) != one {
			t.Errorf("calls go to %s first, want the first proxy once its name is known", first(tr))
		}
	})
}

// clients notes for which names a certificate is wanted.
type clients struct{ wanted []string }

func (c *clients) Client(_ policy.TLS, serverName string) (*tls.Config, error) {
	c.wanted = append(c.wanted, serverName)
	return &tls.Config{ServerName: serverName}, nil
}

func TestEachOfSeveralProxiesIsVerifiedByItsOwnName(t *testing.T) {
	for _, c := range []struct {
		proxies policy.Hosts
		name    string
		want    []string
	}{
		{policy.Hosts{"proxy.carrier.example"}, "", []string{"sip.carrier.example"}},
		{policy.Hosts{"a.carrier.example:5070", "b.carrier.example", "192.0.2.7"}, "", []string{"a.carrier.example", "b.carrier.example", "sip.carrier.example"}},
		{policy.Hosts{"a.carrier.example", "b.carrier.example"}, "written.example", []string{"written.example", "written.example"}},
	} {
		p := staticPolicy()
		p.Transport, p.OutboundProxy, p.TLS.ServerName = policy.TLSTransport, c.proxies, c.name
		wanted := &clients{}
		if _, err := newTrunk(Options{Clients: wanted, Log: slog.New(slog.DiscardHandler)}, p, ua.Local{Host: "198.51.100.2"}, Network{}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(wanted.wanted, c.want) {
			t.Errorf("%v with server name %q: verified as %v, want %v", c.proxies, c.name, wanted.wanted, c.want)
		}
	}
}

// Two trunks whose names lead to one address: each asks for a connection of its own, with its own identity, for whatever
// it sends. The edge shares none between owners.
func TestTwoTrunksAtOneServerSendByTheirOwnConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(with(200), one)
		log := slog.New(slog.DiscardHandler)
		f.core = ua.New(nil, log)
		f.at(one).core = f.core
		n := &names{servers: map[string][]string{"a.example": {one}, "b.example": {one}}}
		trunks := New(Options{Core: f.core, Dialer: f, Resolver: n, Clients: &clients{}, Addresses: &reported{}, Sink: &facts{}, Log: log})
		var list []policy.Trunk
		for _, name := range []string{"a", "b"} {
			p := staticPolicy()
			p.Name, p.Domain, p.OutboundProxy = name, name+".example", policy.Hosts{name + ".example"}
			p.Transport, p.Health = policy.TLSTransport, policy.HealthOff
			list = append(list, p)
		}
		if err := trunks.Set(t.Context(), config(list...)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		for _, name := range []string{"a", "b"} {
			tr, _ := trunks.Trunk(name)
			for what, conn := range map[string]func(context.Context) (sip.Connection, error){
				"a call": tr.Members()[0].Conn, "a request in a call": tr.Path().Conn,
			} {
				f.dials = nil
				if _, err := conn(t.Context()); err != nil {
					t.Fatal(err)
				}
				if d := f.dials; len(d) != 1 || d[0].Owner != name || d[0].TLS.ServerName != name+".example" {
					t.Errorf("%s of trunk %s goes by %+v", what, name, d)
				}
			}
		}
		trunks.Close(t.Context())
	})
}
