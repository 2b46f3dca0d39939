package main

import (
	"fmt"
	"time"

	"tollgate/firmware/api"
)

// round is after how long the invented calls come again.
const round = 60 * time.Second

// scene is one invented call: when it starts in the round, how long it rings and how long it is talked.
type scene struct {
	start, ring, talk time.Duration
	from, to          string
	caller, callee    end
	emergency         bool
}

// end is one leg of an invented call.
type end struct {
	peer, side    string
	keying, suite string // empty: in the clear
	strangers     uint64
}

func (e end) leg() api.Leg {
	return api.Leg{Peer: e.peer, Side: e.side, Encrypted: e.suite != "", Keying: e.keying, Suite: e.suite, Strangers: e.strangers}
}

func scenes() []scene {
	const gcm, cm, s = "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", time.Second
	clear := end{peer: "pbx", side: "inside"}
	a, b := end{peer: "carrier-a", side: "outside", keying: "sdes", suite: cm}, end{peer: "carrier-b", side: "outside", keying: "dtls", suite: gcm, strangers: 3}
	openA := end{peer: "carrier-a", side: "outside"}
	phone := func(address string) end {
		return end{peer: "phone " + address, side: "inside", keying: "sdes", suite: cm}
	}
	return []scene{
		{0, 4 * s, 110 * s, "+33123456701", "+33987654321", clear, a, false},
		{8 * s, 6 * s, 40 * s, "+33612345678", "+33123456700", a, end{"pbx", "inside", "sdes", cm, 0}, false},
		{20 * s, 5 * s, 20 * s, "+33123456702", "+4930123456", end{"pbx", "inside", "dtls", gcm, 0}, b, false},
		{22 * s, 4 * s, 60 * s, "+33698765432", "+33712345678", a, b, false},                   // the PBX was away: it overflowed
		{30 * s, 3 * s, 40 * s, "101", "102", phone("192.0.2.77"), phone("192.0.2.78"), false}, // one phone to another
		{35 * s, 2 * s, 15 * s, "+33123456703", "112", clear, openA, true},                     // passes in the clear
		{45 * s, 12 * s, 0, "anonymous", "+33123456700", a, clear, false},
	}
}

// calls returns the scenes that are on at now, oldest first.
func calls(born, now time.Time) []api.Call {
	var out []api.Call
	for n := int(now.Sub(born)/round) - 2; n <= int(now.Sub(born)/round); n++ {
		for i, s := range scenes() {
			started := born.Add(time.Duration(n)*round + s.start)
			if now.Before(started) || !now.Before(started.Add(s.ring+s.talk)) {
				continue
			}
			out = append(out, s.call(fmt.Sprintf("c%d-%d", n+2, i), started, now))
		}
	}
	return out
}

func (s scene) call(id string, started, now time.Time) api.Call {
	c := api.Call{
		ID: id, Direction: s.direction(), From: s.from, To: s.to, State: "ringing", Started: started, Emergency: s.emergency,
		Legs: api.Legs{Caller: s.caller.leg(), Callee: s.callee.leg()},
	}
	for _, e := range []end{s.caller, s.callee} {
		if e.side == "outside" {
			c.Trunk = e.peer
		}
	}
	if c.Direction == "in" {
		c.Signature = &api.Signature{Result: "passed", Attest: "A"}
	}
	answered := started.Add(s.ring)
	if now.Before(answered) {
		return c
	}
	c.State, c.Answered = "answered", &answered
	// 20 ms of speech in each packet.
	packets := uint64(now.Sub(answered) / (20 * time.Millisecond))
	for _, l := range []*api.Leg{&c.Legs.Caller, &c.Legs.Callee} {
		l.PacketsIn, l.PacketsOut = packets, packets
	}
	hear(&c, now.Sub(answered))
	return c
}

func (s scene) direction() string {
	switch s.caller.side + s.callee.side {
	case "insideinside":
		return "within"
	case "outsideoutside":
		return "through"
	case "insideoutside":
		return "out"
	}
	return "in"
}

// trunks: carrier-a is well, carrier-b loses its registration for a while in each round, carrier-c does not register.
func trunks(born, now time.Time, running []api.Call) []api.Trunk {
	on := map[string]int{}
	for _, c := range running {
		on[c.Trunk]++
	}
	since, expires := born.Add(-30*time.Hour), now.Add(23*time.Minute)
	round := now.Sub(born) % round
	b := api.Trunk{Name: "carrier-b", Domain: "sip.carrier-b.example", Transport: "tls", SRTP: "required", State: "up",
		Reason: "Registered.", Since: &since, Expires: &expires, TLSVersion: "TLS 1.2", Calls: on["carrier-b"], Cap: 8,
		Servers: []api.PeerServer{{Host: "sip.carrier-b.example", Address: "[2001:db8::51]:5061", State: "up", RoundTrip: 31.4, Registered: true}}}
	if round > 50*time.Second {
		lost := now.Add(-(round - 50*time.Second))
		b.State, b.Reason, b.Since, b.Expires, b.TLSVersion = "down", "The carrier answers 403 Forbidden to our password; next attempt in 60 s.", &lost, nil, ""
		b.Servers[0].Registered = false
	}
	b.Accounts = []api.TrunkAccount{{User: "33123456710", Numbers: []string{"+33123456710"}, State: b.State, Reason: b.Reason, Expires: b.Expires}}
	return []api.Trunk{
		{Name: "carrier-a", Domain: "sip.carrier-a.example", Profile: "sipconnect-2.0", Transport: "tls", SRTP: "required", State: "up", Reason: "Registered.", Since: &since,
			Expires: &expires, TLSVersion: "TLS 1.3", Calls: on["carrier-a"], Cap: 20,
			SeenAt: "203.0.113.5:5061", SeenBy: "REGISTER", SeenSince: &since, Servers: servers(now),
			Accounts: []api.TrunkAccount{{User: "33123456700", Numbers: []string{"+33123456700", "+33123456701", "+33123456702", "+33123456703"}, State: "up", Reason: "Registered.", Expires: &expires}}},
		b,
		{Name: "carrier-c", Domain: "sip.carrier-c.example", Profile: "generic-udp-clear", Transport: "udp", SRTP: "off", State: "static", Reason: "This trunk does not register.", Cap: 4,
			SeenAt: "203.0.113.5:1024", SeenBy: "OPTIONS", SeenSince: &since,
			Altered: `The router changes SIP messages (SIP ALG): Via 192.0.2.1:5060 -> 203.0.113.5:1024. To be safe from cut and silent calls, switch off "SIP ALG" in the router, or use transport: tls.`,
			Servers: []api.PeerServer{{Host: "sip.carrier-c.example", Address: "198.51.100.30:5060", State: "unknown"}}},
	}
}

// refusals: one call over a limit, a stranger who tries again and again, and one whose name is an attack on the page.
func refusals(born, now time.Time) []api.Refusal {
	tries := 1 + int(now.Sub(born)/(7*time.Second))
	return []api.Refusal{
		{At: born.Add(time.Duration(tries-1) * 7 * time.Second), From: `"><img src=x onerror=alert(1)>`, To: "900123456", Side: "outside", Source: "203.0.113.66:5060",
			Rule: "unknown source", Reason: "Nobody at this address is a peer of this box.", Status: 0, Count: tries},
		{At: born.Add(-3 * time.Minute), From: "+33123456704", To: "+882123456", Side: "inside", Source: "pbx", Rule: "no route",
			Reason: "No route has a prefix that matches this number.", Status: 404, Count: 1},
		{At: born.Add(-26 * time.Minute), From: "+33123456702", To: "+33987654321", Side: "inside", Source: "pbx", Rule: "limits.calls",
			Reason: "30 calls are running, which is the limit of the box.", Status: 503, Count: 2, Steps: []api.Step{
				{Rule: "admission.classes", Says: "allows", Why: "national number +33987654321 is open"},
				{Rule: "limits.calls", Says: "refuses", Why: "30 calls are running, which is the limit of the box"},
			}},
	}
}

func counters(age time.Duration) []api.Counter {
	seconds := uint64(age / time.Second)
	return []api.Counter{
		{Name: "sip-inside", Comment: "SIP from the PBX", Packets: 8120 + 2*seconds, Bytes: 4872000 + 1200*seconds},
		{Name: "sip-outside", Comment: "SIP from the carriers", Packets: 9904 + 3*seconds, Bytes: 6140480 + 1860*seconds},
		{Name: "media-inside", Comment: "audio from the office", Packets: 1204330 + 100*seconds, Bytes: 240866000 + 20000*seconds},
		{Name: "media-outside", Comment: "audio from the carriers", Packets: 1203911 + 100*seconds, Bytes: 252821310 + 21000*seconds},
		{Name: "page", Comment: "this page, from the inside", Packets: 22117 + 4*seconds, Bytes: 3317550 + 700*seconds},
		{Name: "drop-outside", Comment: "outside, not a peer: dropped", Packets: 311 + seconds/7, Bytes: 142440 + 458*(seconds/7)},
	}
}
