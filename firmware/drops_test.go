package main

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tollgate/netfilter"
)

func TestDropsAlikeAreOneLine(t *testing.T) {
	var d drops
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sample := func(reason, from, to string, after time.Duration) {
		d.note(netfilter.Drop{At: at.Add(after), Reason: reason, Interface: "wan0", Protocol: "udp", Source: netip.MustParseAddrPort(from), Destination: netip.MustParseAddrPort(to)})
	}
	sample("banned", "203.0.113.7:4000", "198.51.100.2:5060", 0)
	sample("outside_sip_refused", "203.0.113.8:4000", "198.51.100.2:5060", time.Second)
	sample("banned", "203.0.113.7:4001", "198.51.100.2:5060", 2*time.Second)
	sample("fragments_refused", "203.0.113.7:0", "198.51.100.2:0", 3*time.Second)
	got := ""
	for _, l := range d.latest(map[string]string{"banned": "source is banned"}) {
		got += fmt.Sprintf("%s %s %s>%s x%d %s|", l.At.Format("05"), l.Reason, l.Source, l.To, l.Count, l.Why)
	}
	if want := "03 fragments_refused 203.0.113.7>198.51.100.2 x1 |02 banned 203.0.113.7>198.51.100.2:5060 x2 source is banned|" +
		"01 outside_sip_refused 203.0.113.8>198.51.100.2:5060 x1 |"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for i := range 2 * dropsKept {
		sample("banned", fmt.Sprintf("203.0.%d.7:1", i%256), fmt.Sprintf("198.51.100.2:%d", 1+i), time.Minute)
	}
	if n := len(d.latest(nil)); n != dropsKept {
		t.Errorf("%d lines are kept", n)
	}
}
