// Package doctor finds out why a call is silent, and says it in a sentence with the remedy.
//
//	Facts     what was counted while somebody was silent, and what both sides have agreed on
//	Examine   facts -> Finding, by the first rule that fits; none when nobody is ill
//	Finding   the rule, the sentence and the remedy, in English and in French, and what the box may try by itself
//
// Who may be silent is not ill: a call on hold, a side that has said that it does not send, a telephone that sends nothing
// while nobody speaks.
//
// It leaves to others counting (media), what was agreed (call) and carrying out what it advises (call).
package doctor

import (
	"net/netip"
	"time"
)

// Patience is how long a side may be silent before it is looked at; pauses that the codec makes last longer.
const (
	Patience     = 4 * time.Second
	longPatience = time.Minute
)

// Facts are what is known of an answered call.
type Facts struct {
	Legs  [2]Leg // of the caller and of the callee
	Ports string // of the box's audio, as "20000-20999"
	// Answered is how long ago the call was.
	Answered time.Duration
}

// Leg is what is known of one side. The counts are those since its audio was last heard, or since the answer.
type Leg struct {
	Peer string // its name
	// Sends tells that the peer sends audio, and Takes that it wants some, by what both sides have described last.
	Sends, Takes bool
	Pauses       bool           // its codec sends nothing while nobody speaks
	Box          netip.AddrPort // where it was told to send
	Named        netip.AddrPort // where it wants audio, by its description
	SentTo       netip.Addr     // where it is sent audio
	Silent       time.Duration  // how long nothing of it has been let in
	Ever         bool           // something was, before
	NAT          bool           // a router stands between the box and this side
	Altered      bool           // a router on the way changes SIP messages
	Encrypted    bool
	Handshakes   bool // its keys come by DTLS
	Keyed        bool // they are there

	Sent          uint64     // packets to it
	Strangers     uint64     // packets from another source than the peer
	Stranger      netip.Addr // the last of them
	AuthFailures  uint64     // packets that do not fit its key
	Early         uint64     // packets before there was a key
	Unreachable   uint64     // messages that what it is sent does not arrive
	UnreachableBy netip.Addr // who said so
	Prohibited    bool       // it said that a filter forbids it
	PayloadType   int        // of its last packet; -1: none
	Known         []uint8    // the payload types that were agreed on
	// Lost is the share of what it is sent that it says does not arrive, 0 to 1; Reports tells that it says anything.
	Lost    float64
	Reports bool
}

// ill tells whether a side that should send is not heard.
func (l Leg) ill() bool {
	patience := Patience
	if l.Pauses && l.Ever {
		patience = longPatience
	}
	return l.Sends && l.Silent >= patience
}

// Remedy is what the box may try by itself.
type Remedy string

// The remedies.
const (
	Nothing Remedy = ""
	// Reopen sends packets of the box's own to both sides, for routers that let in answers alone, and for peers that wait
	// to hear where to send.
	Reopen Remedy = "reopen"
	// Renew describes the audio to the silent side again, as it was (a re-INVITE): a peer that has forgotten where to send
	// learns it anew.
	Renew Remedy = "renew"
)

// Finding is why a call is silent.
type Finding struct {
	Rule   string // which rule it is, for programs
	Leg    int    // of Facts: whose audio it is about
	Remedy Remedy // what comes first
	// Then is what may be tried when that has not helped. It is more than a nuisance to the peer, so that there must be
	// evidence: the other side is heard.
	Then   Remedy
	values [8]string
}

// values of a sentence, by their place in Finding.values.
const (
	peer = iota
	address
	ports
	other
	number
	known
	seconds
	box
)

// placeholders are the same as they stand in the sentences.
var placeholders = [8]string{"{peer}", "{address}", "{ports}", "{other}", "{number}", "{known}", "{seconds}", "{box}"}
