package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/netfilter"
)

func TestWhoKnocksAtTheFilterIsToldOfAndNobodyIsBannedForIt(t *testing.T) {
	w := newWatched(t, filepath.Join(t.TempDir(), "tollgate.db"), wall{})
	defer w.end(t)
	at := time.Now()
	knock := func(reason, source string, times int) {
		for range times {
			w.knocked(netfilter.Drop{At: at, Reason: reason, Protocol: "udp", Source: netip.AddrPortFrom(netip.MustParseAddr(source), 5060)})
		}
	}
	knock("outside_sip_refused", "192.0.2.20", 100)          // in the PBX's name
	knock("inside_sip_refused", "192.0.2.77", 100)           // the office bans no neighbour
	knock("outside_rtp_closed", "203.0.113.9", 100)          // a call that has just ended
	knock("outside_sip_refused", "203.0.113.7", 2)           // within what a stranger may do
	knock("outside_page_refused", "203.0.113.8", 500)        // told once
	knock("outside_sip_refused", "2001:db8:7::1", 2)         // one host, whatever address
	knock("outside_sip_refused", "2001:db8:7::ffff:2:1", 10) // it chooses
	got := ""
	for _, f := range *w.facts {
		b := f.(event.SourceBanned)
		got += fmt.Sprintf("%s %v: %s|", b.Source, b.Watched, b.Reason)
	}
	if want := "203.0.113.8/32 true: 3 messages from where no peer is in about 60 seconds, which the packet filter dropped|" +
		"2001:db8:7::/64 true: 3 messages from where no peer is in about 60 seconds, which the packet filter dropped|"; got != want {
		t.Errorf("told  %s\nwant  %s", got, want)
	}
	if len(w.List()) != 0 || len(w.wall) != 0 {
		t.Errorf("banned %+v, the filter drops %v", w.List(), w.wall)
	}
	at = at.Add(time.Hour)
	if knock("outside_page_refused", "203.0.113.8", 500); len(*w.facts) != 3 {
		t.Errorf("after an hour: %+v", *w.facts)
	}
	p := &policy.Policy{Bans: policy.Bans{Mode: policy.BanModeOff, Seconds: 60, Strangers: 3}}
	w.set(p)
	if knock("outside_sip_refused", "203.0.113.99", 500); len(*w.facts) != 3 {
		t.Errorf("with bans.mode off: %+v", *w.facts)
	}
}
