package main

import (
	"fmt"
	"time"

	"tollgate/firmware/api"
)

// How the invented audio comes across: well from the office, worse from carrier-b, and nothing at all from the carrier of
// the second scene, until the box has helped.

// hear fills in the quality of both legs of a call that was answered a while ago.
func hear(c *api.Call, talked time.Duration) {
	for _, l := range []*api.Leg{&c.Legs.Caller, &c.Legs.Callee} {
		q := &api.Quality{Codec: "PCMA", RoundTrip: 3.4, In: heard(l.PacketsIn, 0, 0.9, 4.39)}
		switch l.Peer {
		case "carrier-a":
			q.RoundTrip = 31.25
			q.In, q.Out = heard(l.PacketsIn, l.PacketsIn/250, 4.1, 4.33), pointer(heard(l.PacketsOut, 0, 5.5, 4.36))
		case "carrier-b":
			q.RoundTrip = 184
			q.In, q.Out = heard(l.PacketsIn, l.PacketsIn/18, 22.75, 3.41), pointer(heard(l.PacketsOut, l.PacketsOut/40, 18, 3.87))
		}
		l.Quality = q
	}
	if c.Direction == "out" && c.Trunk == "carrier-b" && talked > 4*time.Second {
		c.Legs.Callee.PacketsIn, c.Legs.Caller.PacketsOut = 0, 0
		c.Legs.Callee.Quality.In = api.Heard{}
		c.Diagnosis = silent(c.Answered.Add(4 * time.Second))
	}
}

func pointer(h api.Heard) *api.Heard { return &h }

// heard is a stream of which some packets were lost.
func heard(packets, lost uint64, jitter, mos float64) api.Heard {
	h := api.Heard{Packets: packets + lost, Lost: lost, Late: lost / 3, Jitter: jitter, MOS: mos, R: 20 * mos}
	if h.Packets > 0 {
		h.LossPercent = float64(10000*lost/h.Packets) / 100
	} else {
		h.MOS, h.R = 0, 0
	}
	return h
}

// silent is what the doctor finds when nothing comes.
func silent(since time.Time) *api.Diagnosis {
	return &api.Diagnosis{
		Rule: "never came, router", Leg: "callee", Since: since, Tried: []string{"reopen", "renew"},
		Sentence: api.InWords{
			English: "carrier-b was told to send to 203.0.113.5, but nothing arrives: its firewall or your router drops UDP 20000-20999.",
			French:  "carrier-b doit envoyer à 203.0.113.5, mais rien n’arrive : son pare-feu ou votre routeur bloque UDP 20000-20999.",
		},
		Remedy: api.InWords{
			English: "Let UDP 20000-20999 pass in the router, to the box. If carrier-b sends from elsewhere than 203.0.113.9, add that to its media_sources.",
			French:  "Laissez passer UDP 20000-20999 dans le routeur, vers le boîtier. Si carrier-b envoie d’ailleurs que de 203.0.113.9, ajoutez cette adresse à media_sources.",
		},
	}
}

// load is a box with little to do.
func load(now time.Time) api.Load {
	measured := now.Add(-400 * time.Hour)
	return api.Load{
		CPU: 6.4, Late: 0.8, Resident: 61 << 20, Free: 2900 << 20, Packets: 412, Together: true, Capacity: 610, PacketCost: 16.4, CryptoCost: 4.1, Measured: &measured,
	}
}

// EndedCalls invents the calls of the last round, and one that was never answered.
func (w *world) EndedCalls() []api.EndedCall {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.policy == nil {
		return nil
	}
	list := []api.EndedCall{}
	for i, s := range scenes()[:6] {
		started := w.born.Add(-time.Duration(3+4*i) * time.Minute)
		c := s.call(fmt.Sprintf("old-%d", i), started, started.Add(s.ring+s.talk-time.Second))
		e := api.EndedCall{Call: c, Ended: started.Add(s.ring + s.talk), Seconds: s.talk.Seconds(), Reason: "hung up by " + c.Legs.Caller.Peer}
		if i == 4 {
			c.State, c.Answered, c.Diagnosis, c.Legs.Caller.Quality, c.Legs.Callee.Quality = "ringing", nil, nil, nil, nil
			e.Call, e.Seconds, e.Status, e.Reason = c, 0, 486, "carrier-a answered 486 Busy Here"
		}
		if d := e.Call.Diagnosis; d != nil {
			over := d.Since.Add(8 * time.Second)
			d.Over, d.Healed = &over, true
		}
		list = append(list, e)
	}
	return list
}
