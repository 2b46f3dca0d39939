package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rule is one illness: how it is known of a leg, given the other one.
type rule struct {
	name   string
	fits   func(l, o Leg) bool
	remedy Remedy // what comes first
	then   Remedy // when that has not helped
}

// allButLost is the share of lost packets from which a listener hears nothing that makes sense.
const allButLost = 0.5

// rules in the order in which they are asked: what proves itself comes before what is only likely.
var rules = []rule{
	{"wrong key", func(l, _ Leg) bool { return l.ill() && l.Encrypted && l.AuthFailures > 0 }, Nothing, Nothing},
	{"no handshake", func(l, _ Leg) bool { return l.ill() && l.Handshakes && !l.Keyed }, Nothing, Nothing},
	{"other port", func(l, _ Leg) bool { return l.ill() && l.Strangers > 0 && l.Stranger == l.SentTo }, Nothing, Nothing},
	{"other address", func(l, _ Leg) bool { return l.ill() && l.Strangers > 0 }, Nothing, Nothing},
	{"filter forbids", func(l, _ Leg) bool { return l.Takes && l.Unreachable > 0 && l.Prohibited && l.Sent > 0 }, Nothing, Nothing},
	{"port closed", func(l, _ Leg) bool { return l.Takes && l.Unreachable > 0 && l.Sent > 0 }, Nothing, Nothing},
	{"wrong payload type", func(l, _ Leg) bool { return l.Sends && l.PayloadType >= 0 && !l.knows(l.PayloadType) }, Nothing, Nothing},
	{"private address", func(l, _ Leg) bool { return l.ill() && !l.Ever && l.unreachableName() }, Reopen, Nothing},
	{"changed by a router", func(l, _ Leg) bool { return l.ill() && !l.Ever && l.Altered }, Reopen, Nothing},
	{"both silent", func(l, o Leg) bool { return l.ill() && o.ill() }, Reopen, Nothing},
	{"never came, router", func(l, _ Leg) bool { return l.ill() && !l.Ever && l.NAT }, Reopen, Renew},
	{"never came", func(l, _ Leg) bool { return l.ill() && !l.Ever }, Reopen, Renew},
	{"stopped", func(l, _ Leg) bool { return l.ill() }, Reopen, Renew},
	{"does not arrive", func(l, _ Leg) bool { return l.Takes && l.Reports && l.Sent > 0 && l.Lost > allButLost }, Reopen, Nothing},
}

func (l Leg) knows(kind int) bool { return slices.Contains(l.Known, uint8(kind)) }

// unreachableName tells that the peer has named an address of a private network, and that it is sent there.
func (l Leg) unreachableName() bool {
	return l.Named.Addr().IsPrivate() && l.SentTo == l.Named.Addr() && !l.Box.Addr().IsPrivate()
}

// Examine finds out what a call suffers from; false when from nothing.
func Examine(f Facts) (Finding, bool) {
	if f.Answered < Patience {
		return Finding{}, false
	}
	for _, r := range rules {
		for i, l := range f.Legs {
			if r.fits(l, f.Legs[1-i]) {
				return f.finding(r, i), true
			}
		}
	}
	return Finding{}, false
}

// finding fills in what the sentence says.
func (f Facts) finding(r rule, leg int) Finding {
	l := f.Legs[leg]
	x := Finding{Rule: r.name, Leg: leg, Remedy: r.remedy, Then: r.then}
	x.values = [8]string{
		peer: l.Peer, address: text(l.Named.Addr()), ports: f.Ports, other: text(l.Stranger), number: strconv.Itoa(l.PayloadType),
		known: list(l.Known), seconds: fmt.Sprint(int(l.Silent / time.Second)), box: text(l.Box.Addr()),
	}
	switch r.name {
	case "filter forbids", "port closed":
		x.values[other] = text(l.UnreachableBy)
	case "both silent":
		x.values[other] = f.Legs[1-leg].Peer
	case "does not arrive":
		x.values[number] = fmt.Sprint(int(100*l.Lost + 0.5))
	}
	return x
}

func text(a netip.Addr) string {
	if !a.IsValid() {
		return "?"
	}
	return a.String()
}

func list(types []uint8) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = strconv.Itoa(int(t))
	}
	return strings.Join(words, ", ")
}
