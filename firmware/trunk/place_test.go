package trunk

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// router is a carrier behind a router: it sees requests come from where the router has them come from.
type router struct {
	mu      sync.Mutex
	seen    string // address and port; "": the carrier says nothing
	alter   func(req *sip.Request, res *sip.Response)
	nonces  int
	options bool // answers OPTIONS
}

func (r *router) moveTo(seen string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = seen
}

// answer is a registrar that asks for the password and grants 120 s.
func (r *router) answer(req *sip.Request) *sip.Response {
	r.mu.Lock()
	defer r.mu.Unlock()
	var res *sip.Response
	switch {
	case req.Method == sip.OPTIONS && !r.options:
		return nil
	case req.Method == sip.OPTIONS:
		res = answer(req, 404)
	case len(req.GetHeaders("Authorization")) == 0:
		r.nonces++
		res = answer(req, 401, fmt.Sprintf(`WWW-Authenticate: Digest realm="c", nonce="%d", algorithm=MD5`, r.nonces))
	default:
		res = answer(req, 200, "Contact: "+req.Contact().Value()+";expires=120")
	}
	via := res.Via()
	via.Params.Remove("received") // sipgo has filled it in
	via.Params.Remove("rport")
	if at, err := netip.ParseAddrPort(r.seen); err == nil {
		via.Params.Add("received", at.Addr().String())
		via.Params.Add("rport", fmt.Sprint(at.Port()))
	}
	if r.alter != nil {
		r.alter(req, res)
	}
	return res
}

// happenings are all facts, and the calls that were told to move.
type happenings struct {
	mu    sync.Mutex
	list  []event.Event
	moved int
}

func (h *happenings) Tell(e event.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, e)
}

func (h *happenings) move(string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moved++
}

func (h *happenings) addresses() (list []event.AddressChanged) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.list {
		if a, ok := e.(event.AddressChanged); ok {
			list = append(list, a)
		}
	}
	return list
}

// behind puts a UDP trunk into force whose box has the address 192.168.1.10 and a router in front of it.
func behind(t *testing.T, r *router, change func(*policy.Trunk, *Config)) (*Trunks, *carrier, *happenings) {
	t.Helper()
	return behindWith(t, r, change, nil)
}

// behindWith is behind with other options.
func behindWith(t *testing.T, r *router, change func(*policy.Trunk, *Config), with func(*Options)) (*Trunks, *carrier, *happenings) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	c := &carrier{script: r.answer, udp: true, done: make(chan struct{})}
	t.Cleanup(c.hangUp)
	c.core = ua.New(nil, log)
	h := &happenings{}
	p := trunkPolicy()
	p.Transport = policy.UDP
	conf := config(p)
	conf.Local = func(t policy.Transport) ua.Local {
		return ua.Local{Host: "192.168.1.10", Port: 5060, Transport: string(t)}
	}
	conf.Network = Network{Outside: netip.MustParsePrefix("192.168.1.10/24"), Learn: true}
	if change != nil {
		change(&conf.Trunks[0], &conf)
	}
	o := Options{Core: c.core, Dialer: c, Resolver: &names{}, Clients: noTLS{}, Addresses: &reported{}, Sink: h, Moved: h.move, Log: log}
	if with != nil {
		with(&o)
	}
	trunks := New(o)
	c.udp = conf.Trunks[0].Transport == policy.UDP
	if err := trunks.Set(t.Context(), conf); err != nil {
		t.Fatal(err)
	}
	return trunks, c, h
}

// contacts lists the Contact header fields of the REGISTERs with credentials, each once.
func (c *carrier) contacts() (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, req := range c.seen {
		if req.Method != sip.REGISTER || len(req.GetHeaders("Authorization")) == 0 {
			continue
		}
		var all []string
		for _, h := range req.GetHeaders("Contact") {
			all = append(all, h.Value())
		}
		if one := strings.Join(all, ", "); len(list) == 0 || list[len(list)-1] != one {
			list = append(list, one)
		}
	}
	return list
}

func sameList(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n  %s\nwant\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestTheFirstContactThatIsRegisteredIsWhereTheCarrierSeesTheBox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &router{seen: "203.0.113.5:40001"}
		trunks, c, h := behind(t, r, nil)
		time.Sleep(100 * time.Second)
		sameList(t, "registered", c.contacts(), "<sip:office@203.0.113.5:40001>")
		tr, _ := trunks.Trunk("carrier-a")
		if got := tr.Media().String(); got != "203.0.113.5" {
			t.Errorf("audio is said to be at %s", got)
		}
		if got := h.addresses(); len(got) != 1 || got[0].Address.String() != "203.0.113.5:40001" || got[0].Before.String() != "192.168.1.10:5060" {
			t.Errorf("facts %+v, want one", got)
		}
		if p := trunks.States()[0].Place; p.By != "REGISTER" || p.Seen.String() != "203.0.113.5:40001" {
			t.Errorf("shown as %+v", p)
		}
		trunks.Close(t.Context())
	})
}

func TestANewAddressIsRegisteredAtOnceAndTheOldOneTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &router{seen: "203.0.113.5:40001"}
		trunks, c, h := behind(t, r, nil)
		time.Sleep(59 * time.Second)
		r.moveTo("203.0.113.9:1024")
		time.Sleep(2 * time.Second) // the registration is renewed after 60 s
		sameList(t, "registered", c.contacts(), "<sip:office@203.0.113.5:40001>",
			"<sip:office@203.0.113.9:1024>, <sip:office@203.0.113.5:40001>;expires=0")
		if h.moved != 2 {
			t.Errorf("calls were told %d times, want twice: at first and now", h.moved)
		}
		trunks.Close(t.Context())
	})
}

func TestACarrierOnTheBoxsOwnNetworkIsToldTheBoxsOwnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &router{seen: "192.168.1.10:5060"}
		trunks, c, h := behind(t, r, func(p *policy.Trunk, conf *Config) {
			p.Registrar = "192.168.1.200"
			conf.Local = func(policy.Transport) ua.Local { // public_address
				return ua.Local{Host: "203.0.113.5", Port: 5060, Transport: "udp"}
			}
		})
		time.Sleep(time.Second)
		sameList(t, "registered", c.contacts(), "<sip:office@192.168.1.10:5060>")
		tr, _ := trunks.Trunk("carrier-a")
		if got := tr.Media().String(); got != "192.168.1.10" {
			t.Errorf("audio is said to be at %s", got)
		}
		if got := h.addresses(); len(got) != 0 {
			t.Errorf("facts %+v, want none", got)
		}
		trunks.Close(t.Context())
	})
}

func TestWithoutLearningTheAddressOfThePolicyIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trunks, c, _ := behind(t, &router{seen: "203.0.113.5:40001"}, func(_ *policy.Trunk, conf *Config) { conf.Learn = false })
		time.Sleep(time.Second)
		sameList(t, "registered", c.contacts(), "<sip:office@192.168.1.10:5060>")
		trunks.Close(t.Context())
	})
}

func TestACarrierThatSaysNothingIsToldTheAddressOfThePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trunks, c, _ := behind(t, &router{}, nil)
		time.Sleep(time.Second)
		sameList(t, "registered", c.contacts(), "<sip:office@192.168.1.10:5060>")
		if n := len(c.seen); n > 4 {
			t.Errorf("%d requests for one registration", n)
		}
		trunks.Close(t.Context())
	})
}

func TestAnAddressThatFlapsIsNotRegisteredEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &router{seen: "203.0.113.5:1", options: true}
		n := 1
		r.alter = func(*sip.Request, *sip.Response) { n++; r.seen = fmt.Sprintf("203.0.113.5:%d", n) }
		trunks, c, h := behind(t, r, nil)
		time.Sleep(10 * time.Minute)
		if got := len(h.addresses()); got > 12 {
			t.Errorf("%d changes followed in 10 minutes", got)
		}
		if got := len(c.times(time.Now())); got > 100 {
			t.Errorf("%d requests in 10 minutes", got)
		}
		trunks.Close(t.Context())
	})
}

func TestARouterThatChangesMessagesIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		alter func(*sip.Request, *sip.Response)
		want  string
	}{
		"sent-by":    {func(_ *sip.Request, res *sip.Response) { res.Via().Host = "203.0.113.77" }, "The router changes SIP messages (SIP ALG): Via "},
		"contact":    {func(_ *sip.Request, res *sip.Response) { changeContact(res, "sip:office@203.0.113.5:9999") }, "The carrier knows another contact than the box sent: Contact "},
		"not at all": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				trunks, _, h := behind(t, &router{seen: "203.0.113.5:40001", alter: c.alter}, nil)
				time.Sleep(time.Second)
				got := trunks.States()[0].Place.Altered
				if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
					t.Errorf("told as %q, want %q", got, c.want)
				}
				told := 0
				for _, e := range h.list {
					if _, ok := e.(event.MessagesAltered); ok {
						told++
					}
				}
				if c.want == "" && told != 0 || c.want != "" && (told < 1 || told > 2) {
					t.Errorf("told %d times", told)
				}
				trunks.Close(t.Context())
			})
		})
	}
}

func changeContact(res *sip.Response, uri string) {
	if res.IsSuccess() {
		res.RemoveHeader("Contact")
		res.AppendHeader(sip.NewHeader("Contact", "<"+uri+">;expires=120"))
	}
}
