package main

import (
	"time"

	"tollgate/firmware/api"
)

// servers of carrier-a: one is well, one is passed over for a while, one does not answer.
func servers(now time.Time) []api.PeerServer {
	until := now.Add(40 * time.Second)
	return []api.PeerServer{
		{Host: "sip.carrier-a.example", Address: "198.51.100.10:5061", State: "up", RoundTrip: 8.25, Registered: true},
		{Host: "sip.carrier-a.example", Address: "198.51.100.11:5061", State: "avoided", Reason: "503 Service Unavailable <b>later</b>", AvoidedUntil: &until, RoundTrip: 23.4},
		{Host: "sip2.carrier-a.example", Address: "198.51.100.20:5061", State: "down", Reason: "no answer to OPTIONS within 5s"},
	}
}

// warnings are of what the invented trunks cost: carrier-c's is the profile without any encryption.
func warnings() []api.Warning {
	return []api.Warning{
		{Peer: "carrier-c", Path: "trunks[2].transport", Text: "Signalling to carrier carrier-c travels in the clear over udp: everybody on the way sees who calls whom, can try " +
			"passwords against what is seen, and can change or forge calls."},
		{Peer: "carrier-c", Path: "trunks[2].srtp", Text: "Calls with carrier carrier-c are not encrypted: everybody on the way can listen."},
	}
}

// emergencies: the calls for help of the scenes, with what passed for them.
func emergencies(born, now time.Time) []api.Emergency {
	at := born.Add(now.Sub(born).Truncate(round) + 35*time.Second)
	if at.After(now) {
		at = at.Add(-round)
	}
	return []api.Emergency{
		{At: at, Call: "c-help", From: "+33123456703", To: "112", Source: "pbx", Exceptions: []api.EmergencyException{{
			At: at, Rule: "trunks.srtp", Reason: "the audio of an emergency call to or from carrier-a is not encrypted, although SRTP is required",
		}}},
		{At: born.Add(-50 * time.Hour), Call: "c-old", From: "+33123456701", To: "18", Source: "pbx",
			Seen: &api.Acknowledgement{At: born.Add(-49 * time.Hour), Who: "admin at 192.0.2.77"}},
	}
}

// Acknowledge notes who has seen the emergency.
func (w *world) Acknowledge(r api.AcknowledgeRequest, who string) (api.Emergency, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range emergencies(w.born, w.now()) {
		if e.Call == r.Call && e.At.Equal(r.At) {
			e.Seen = &api.Acknowledgement{At: w.now(), Who: who}
			w.seen = e
			return e, nil
		}
	}
	return api.Emergency{}, &api.Conflict{Detail: "There is no such emergency.", Remedy: "Look at the overview."}
}

// phones that register with a PBX elsewhere; one of them, behind a router, names itself as an attack on the page.
func phones(born, now time.Time, away bool) *api.Phones {
	since := born.Add(-9 * time.Minute)
	phone := func(user, instance, transport, source string, nat bool, left time.Duration) api.Phone {
		return api.Phone{User: user, Instance: instance, Transport: transport, Source: source, BehindNAT: nat,
			Since: born.Add(-5 * time.Hour), Expires: now.Add(left), Verified: now.Add(left - time.Hour)}
	}
	p := &api.Phones{PBX: "cloud.example", Reachable: true, Survival: "phones", Most: 150,
		Servers: []api.PeerServer{{Host: "sip.cloud.example", Address: "203.0.113.20:5061", State: "up", RoundTrip: 14.2}},
		Registered: []api.Phone{
			phone("101", "urn:uuid:00000000-0000-1000-8000-0004136a0101", "tls", "192.0.2.77:5061", false, 41*time.Minute),
			phone("102", "", "udp", "192.0.2.78:5060", false, 22*time.Minute),
			phone("103", "<script>alert(3)</script>", "udp", "192.0.2.90:61044", true, 95*time.Second),
		},
	}
	p.Registered[1].Weak = "one of the passwords that are tried first"
	if away {
		p.Reachable, p.Since = false, &since
		p.Reason = "the phones' PBX cannot be reached: no answer to OPTIONS within 5s. Phones that were registered call one another meanwhile, and emergency numbers."
		p.Servers[0].State, p.Servers[0].Reason = "down", "no answer to OPTIONS within 5s"
	}
	return p
}
