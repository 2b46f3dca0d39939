package mdns

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

func own() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")}
}

func TestAQuestionIsAnsweredWithWhatItAsksFor(t *testing.T) {
	const name = "tollgate.local."
	ask := func(name string, qtype, class uint16) *dns.Msg {
		return &dns.Msg{Question: []dns.Question{{Name: name, Qtype: qtype, Qclass: class}}}
	}
	knows := ask(name, dns.TypeA, dns.ClassINET)
	knows.Answer = records(name, own()[:1], lifetime, dns.ClassINET)
	forgets := ask(name, dns.TypeA, dns.ClassINET)
	forgets.Answer = records(name, own()[:1], lifetime/2-1, dns.ClassINET)
	response := ask(name, dns.TypeA, dns.ClassINET)
	response.Response = true
	for what, c := range map[string]struct {
		m       *dns.Msg
		answers []netip.Addr
		direct  bool
	}{
		"IPv4":                     {ask(name, dns.TypeA, dns.ClassINET), own()[:1], false},
		"IPv6, in other letters":   {ask("TollGate.LOCAL.", dns.TypeAAAA, dns.ClassINET), own()[1:], false},
		"all, by unicast":          {ask(name, dns.TypeANY, dns.ClassINET|unicast), own(), true},
		"another name":             {ask("tollgate-2.local.", dns.TypeA, dns.ClassINET), nil, false},
		"another class":            {ask(name, dns.TypeA, dns.ClassCHAOS), nil, false},
		"what is known":            {knows, nil, false},
		"what will be forgotten":   {forgets, own()[:1], false},
		"an answer is no question": {response, nil, false},
	} {
		m, direct := answer(c.m, name, own(), false)
		var got []netip.Addr
		if m != nil {
			for _, r := range m.Answer {
				got = append(got, addressOf(r))
			}
		}
		if !slices.Equal(got, c.answers) || direct != c.direct {
			t.Errorf("%s: %v, by unicast %v", what, got, direct)
		}
	}
}

// Who asks for what the name has not learns that at once, and need not wait for an answer that never comes.
func TestWhatTheNameHasNotIsSaid(t *testing.T) {
	const name = "tollgate.local."
	for what, c := range map[string]struct {
		own    []netip.Addr
		asks   uint16
		legacy bool
		want   string
	}{
		"IPv6, and there is none": {own()[:1], dns.TypeAAAA, false, "NSEC [1]"},
		"IPv4, and there is none": {own()[1:], dns.TypeA, false, "NSEC [28]"},
		"another kind":            {own(), dns.TypeTXT, false, "NSEC [1 28]"},
		"what there is":           {own()[:1], dns.TypeA, false, "A"},
		"all":                     {own()[:1], dns.TypeANY, false, "A"},
		"an ordinary resolver":    {own()[:1], dns.TypeAAAA, true, ""},
	} {
		q := &dns.Msg{Question: []dns.Question{{Name: name, Qtype: c.asks, Qclass: dns.ClassINET}}}
		var got string
		if m, _ := answer(q, name, c.own, c.legacy); m != nil {
			for _, r := range m.Answer {
				got += dns.TypeToString[r.Header().Rrtype]
				if n, ok := r.(*dns.NSEC); ok {
					got += fmt.Sprint(" ", n.TypeBitMap)
				}
			}
			if _, err := m.Pack(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if got != c.want {
			t.Errorf("%s: answered %q, want %q", what, got, c.want)
		}
	}
}

func TestWhoeverElseHasTheNameIsNoticed(t *testing.T) {
	const name = "tollgate.local."
	foreign := []netip.Addr{netip.MustParseAddr("192.0.2.99")}
	earlier := []netip.Addr{netip.MustParseAddr("192.0.2.9")}
	v6 := []netip.Addr{netip.MustParseAddr("2001:db8::99")}
	for what, c := range map[string]struct {
		m            *dns.Msg
		probing, had bool
	}{
		"another one answers":               {announcement(name, foreign, lifetime), true, true},
		"the box's own echo":                {announcement(name, own(), lifetime), true, false},
		"another one says goodbye":          {announcement(name, foreign, 0), true, false},
		"another name":                      {announcement("printer.local.", foreign, lifetime), true, false},
		"a probe that loses":                {question(name, earlier), true, false},
		"a probe that wins":                 {question(name, v6), true, true},
		"a probe for a name that is in use": {question(name, v6), false, false},
	} {
		if got := conflict(c.m, name, own(), c.probing); got != c.had {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// Whatever comes from the link is read without a panic, and answered with the box's own addresses alone.
func FuzzPacket(f *testing.F) {
	wires := []*wire{
		{own: netip.MustParseAddr("192.0.2.20"), group: group},
		{own: netip.MustParseAddr("fe80::20"), group: group6},
	}
	for _, m := range []*dns.Msg{question("tollgate.local.", own()), announcement("tollgate.local.", own(), lifetime)} {
		text, _ := m.Pack()
		for i, w := range wires {
			f.Add(w.build(text, w.group), i == 1)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, six bool) {
		w := wires[0]
		if six {
			w = wires[1]
		}
		text, addr, ok := w.parse(b)
		m := &dns.Msg{}
		if !ok || m.Unpack(text) != nil {
			return
		}
		conflict(m, "tollgate.local.", own(), true)
		reply, _ := answer(m, "tollgate.local.", own(), addr.Port() != port)
		if reply == nil {
			return
		}
		for _, r := range reply.Answer {
			if _, none := r.(*dns.NSEC); !none && !slices.Contains(own(), addressOf(r)) {
				t.Errorf("said: %v", r)
			}
		}
		if _, err := reply.Pack(); err != nil {
			t.Errorf("an answer that cannot be sent: %v", err)
		}
	})
}
