// Package event holds the facts: what happened on the box, said once by whoever saw it, to whoever listens.
//
// A fact goes up through a Sink and nobody answers it; wishes never travel this way. Tell never blocks: a listener that
// is too slow loses facts and is told how many. What strangers say of themselves stands in facts as Printable leaves it.
//
// It leaves to others what to do about a fact: show it (api), count it, raise an alarm.
package event

import (
	"net/netip"
	"time"
)

// Event is one fact. The concrete types are those of this package.
type Event interface{ event() }

// Sink takes facts. Tell returns at once.
type Sink interface{ Tell(Event) }

// CallStarted: a call was admitted and is being set up.
type CallStarted struct {
	At       time.Time
	Call     string // the box's own identifier of the call
	From, To string // as presented and as dialled, in E.164 where there is one
	Caller   string // "pbx" or the name of a trunk
}

// CallAnswered: both sides are connected.
type CallAnswered struct {
	At   time.Time
	Call string
}

// CallOverflowed: the PBX could not be reached, so that a carrier's call is being sent out to the overflow number.
type CallOverflowed struct {
	At     time.Time
	Call   string
	From   string
	Called string // the number of ours that was called
	To     string // the overflow number
	Reason string // why the PBX could not take the call
}

// CallTransferred: one side of a call has been replaced.
type CallTransferred struct {
	At   time.Time
	Call string
	By   string // who asked for it
	To   string // the number that was called instead
}

// CallResumed: a call that was up when the process before this one ended goes on.
type CallResumed struct {
	At   time.Time
	Call string
}

// CallEnded: a call is over, answered or not.
type CallEnded struct {
	At       time.Time
	Call     string
	Answered bool
	Duration time.Duration // since the answer
	Status   int           // final SIP status when not answered
	Reason   string        // who ended it and why, in words
}

// CallRefused: a call was not let through.
type CallRefused struct {
	At       time.Time
	From, To string
	Side     string // inside or outside
	Caller   string // "pbx" or the name of a trunk
	Status   int
	Rule     string // what refused it: "limits.calls", "no route", "srtp required" ...
	Reason   string // a sentence for the administrator
	Steps    []Step // what was considered before, the refusal among it; none where it was not admission that refused
}

// Step is a rule that was considered for a call, and what it said.
type Step struct {
	Rule string // the key of the policy
	Says string // allows, refuses, passes, ignores or depends
	Why  string // a clause for the administrator
}

// EmergencyCalled: somebody in the office calls an emergency service.
type EmergencyCalled struct {
	At       time.Time
	Call     string
	From, To string
	Caller   string // "pbx"; the trunk of a call that the office has sent on there
}

// EmergencyException: an emergency call, or a call back after one, passes against the policy or at somebody's expense.
type EmergencyException struct {
	At     time.Time
	Call   string // empty before there is one
	Rule   string // what would have stopped it: "trunks.srtp", "wrong digest", "network.media_ports"
	Reason string // a sentence for the administrator
}

// SourceRefused: SIP messages were refused or dropped before they reached a call. Those of one source and rule within a
// second may be told together.
type SourceRefused struct {
	At        time.Time
	Side      string // inside or outside
	Transport string // udp, tcp or tls
	Source    netip.AddrPort
	Method    string
	Status    int    // 0: dropped without an answer
	Count     int    // how many, at least 1
	Rule      string // "unknown source", "wrong digest", "malformed" ...
	Reason    string
}

// SourceBanned: a source may do nothing until the ban ends, or would be banned if the policy did not only watch.
type SourceBanned struct {
	At      time.Time
	Source  netip.Prefix
	Rule    string // the offence that was too much, or "banned by hand"
	Reason  string
	Until   time.Time // zero: for ever
	Times   int       // how often in a row, this time included
	Who     string    // empty: the box itself
	Watched bool      // the policy only watches: nothing was done about it
}

// SourceLifted: a ban has ended.
type SourceLifted struct {
	At     time.Time
	Source netip.Prefix
	Who    string // empty: it has run out, or the policy has no place for it any more
	Reason string
}

// FraudFound: calls out cost too much, or add up to what is not usual.
type FraudFound struct {
	At        time.Time
	Rule      string // "fraud.budgets.caller", "fraud.prefix.night.calls", "fraud.baseline.abroad" ...
	Of        string // the caller, prefix or trunk that it is about; empty: all calls
	Caller    string
	To        string
	Action    string // alarm, refuse, block-caller, block-prefix or cut-trunk
	Simulated bool   // the policy only simulates: nothing was done about it
	Reason    string // a sentence for the administrator
}

// FraudReleased: somebody has released what was blocked.
type FraudReleased struct {
	At   time.Time
	Kind string // caller, prefix or trunk
	Of   string
	Who  string
}

// AudioFaulty: a side of an answered call is not heard, or does not hear.
type AudioFaulty struct {
	At     time.Time
	Call   string
	Peer   string // whose audio it is about
	Rule   string // "never came", "stopped", "wrong key" ...
	Reason string // a sentence for the administrator
}

// CredentialChanged: the password of a peer is due, is being replaced, or could not be.
type CredentialChanged struct {
	At     time.Time
	ID     string // pbx, or trunk/account
	What   string // begun, called off, in force, taken back, given up, done or due
	Alarm  bool   // somebody has to do something
	Reason string // a sentence
	Who    string // empty: the box itself
}

// WeakPassword: a phone that its PBX has let in has one of the passwords that are tried first.
type WeakPassword struct {
	At     time.Time
	User   string
	Source netip.Addr
	Reason string // a sentence with the remedy, without the password
}

// TrunkChanged: a trunk's registration changed state.
type TrunkChanged struct {
	At     time.Time
	Trunk  string
	Up     bool
	Reason string
}

// AddressChanged: a carrier sees the box under another address or port than it was told. It is told anew, and so are
// running calls.
type AddressChanged struct {
	At      time.Time
	Trunk   string
	Address netip.AddrPort
	Before  netip.AddrPort // what the carrier was told; invalid: a name
	By      string         // what told: REGISTER, OPTIONS or STUN
}

// MessagesAltered: something on the way to a carrier changes the box's SIP messages, such as a router's SIP ALG.
type MessagesAltered struct {
	At     time.Time
	Trunk  string
	Sure   bool   // false: it may have been the carrier
	Reason string // a sentence for the administrator that names the remedy
}

// PBXChanged: a PBX that is reached where it registered has come, moved or gone.
type PBXChanged struct {
	At        time.Time
	Reachable bool
	Address   string // where the PBX registered from; empty when it is gone
	Reason    string // why it is gone
}

// RemotePBXChanged: the PBX that phones register with through the box has gone or is back.
type RemotePBXChanged struct {
	At        time.Time
	Reachable bool
	Reason    string // why it cannot be reached
}

// PolicyApplied: another revision is in force.
type PolicyApplied struct {
	At       time.Time
	Revision uint64
	Trial    bool // not confirmed yet
	Who, Why string
}

// HardwareTroubled: the machine has begun to need looking after in one way, or does no more.
type HardwareTroubled struct {
	At     time.Time
	What   string // too-hot, weak-supply, worn-out
	Over   bool   // it is well again
	Reason string // as a sentence; empty when it is over
}

// ProgramCrashed: the program has ended before its time, and nobody has seen that yet.
type ProgramCrashed struct {
	At      time.Time
	How     string // its exit code or signal, or that it hung, as a sentence
	Version string
}

func (CallStarted) event()        {}
func (CallAnswered) event()       {}
func (CallOverflowed) event()     {}
func (CallTransferred) event()    {}
func (CallResumed) event()        {}
func (CallEnded) event()          {}
func (AudioFaulty) event()        {}
func (FraudFound) event()         {}
func (FraudReleased) event()      {}
func (CallRefused) event()        {}
func (SourceRefused) event()      {}
func (SourceBanned) event()       {}
func (SourceLifted) event()       {}
func (CredentialChanged) event()  {}
func (WeakPassword) event()       {}
func (TrunkChanged) event()       {}
func (AddressChanged) event()     {}
func (MessagesAltered) event()    {}
func (PBXChanged) event()         {}
func (PolicyApplied) event()      {}
func (EmergencyCalled) event()    {}
func (EmergencyException) event() {}
func (RemotePBXChanged) event()   {}
func (HardwareTroubled) event()   {}
func (ProgramCrashed) event()     {}
