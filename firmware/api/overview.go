package api

import "time"

// Overview is everything the dashboard shows, as one consistent value.
type Overview struct {
	At       time.Time `json:"at" doc:"When this was true, by the box's own clock. Durations are counted from here, not from the browser's clock."`
	Started  time.Time `json:"started" doc:"When the program started."`
	Mode     string    `json:"mode" enum:"setup,running,trial,draining" doc:"setup: no policy yet, no call passes. trial: a revision runs that nobody has confirmed. draining: the box is stopping, only emergency calls start."`
	Site     Site      `json:"site"`
	Revision Revision  `json:"revision" doc:"The revision in force, on trial or confirmed. Number 0 in setup mode."`
	Limits   Limits    `json:"limits"`
	Load     Load      `json:"load"`
	PBX      PBX       `json:"pbx"`
	Phones   *Phones   `json:"phones,omitempty" doc:"Absent when the policy has no phones that register with a PBX elsewhere."`
	Trunks   []Trunk   `json:"trunks" nullable:"false"`
	Ports    []Port    `json:"ports" nullable:"false" doc:"The network ports and addresses in use; empty in setup mode."`
	Lending  *Lending  `json:"lending,omitempty" doc:"What the box lends to telephones; absent when the policy wants nothing lent."`
	Calls    []Call    `json:"calls" nullable:"false" doc:"The calls of this moment, oldest first."`
	// Emergencies and CallBacks are what the office has to know after a call for help.
	Emergencies []Emergency  `json:"emergencies" nullable:"false" doc:"The latest emergency calls, and what passed for one against the policy, newest first; since the start."`
	CallBacks   []CallBack   `json:"call_backs" nullable:"false" doc:"Numbers of ours that an emergency service may call back past every limit."`
	Refusals    []Refusal    `json:"refusals" nullable:"false" doc:"The latest refusals, newest first; equal ones are counted together."`
	Banned      int          `json:"banned" doc:"How many sources are banned."`
	Bans        []Ban        `json:"bans" nullable:"false" doc:"The latest bans, newest first; GET /bans has all of them."`
	Fraud       FraudState   `json:"fraud" doc:"What calls out cost, and what is blocked."`
	Credentials []Credential `json:"credentials" nullable:"false" doc:"How old the passwords of PBX and carriers are."`
	Warnings    []Warning    `json:"warnings" nullable:"false" doc:"What in the policy in force works and has its price; to be shown in red."`
	// Worries are the machine's own.
	Worries []Worry `json:"worries" nullable:"false" doc:"What somebody should look after on the machine itself; empty: nothing."`
	// Pressed lets a page that has asked for the button hear of it.
	Pressed *time.Time `json:"pressed_until,omitempty" doc:"Until when a press of the box's button counts as proof that somebody stands before it; absent: nobody has pressed it lately, or the press has been used."`
	// Update is what the next administrator who looks should know of a night.
	Update   *UpdateAttempt `json:"update,omitempty" doc:"What became of the latest update of the system; absent: none was brought."`
	Counters []Counter      `json:"counters" nullable:"false" doc:"Counters of the packet filter."`
}

// Worry is something about the machine that somebody should look after.
type Worry struct {
	What   string    `json:"what" doc:"too-hot, weak-supply, worn-out, or crash: an end of the program that nobody has dismissed yet."`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason" doc:"A sentence."`
}

// WorryCrash is the worry about an end of the program; the others are those of the board.
const WorryCrash = "crash"

// Site says where the box stands and which version it runs.
type Site struct {
	Name     string `json:"name"`
	Country  string `json:"country" doc:"ISO 3166-1 alpha-2; empty in setup mode."`
	TimeZone string `json:"time_zone" doc:"IANA name; times are shown in it. Empty in setup mode."`
	Language string `json:"language" doc:"en or fr; empty in setup mode."`
	Version  string `json:"version"`
}

// Port is where one side of the box is plugged in.
type Port struct {
	Side      string     `json:"side" enum:"inside,outside"`
	Interface string     `json:"interface" doc:"As the system names it at present."`
	Address   string     `json:"address" doc:"With the length of its prefix."`
	By        string     `json:"by" enum:"policy,dhcp,ra" doc:"Who gives the address: the policy, a DHCP server, or the router that announces itself."`
	Confirmed bool       `json:"confirmed" doc:"Whether who gives the address has been heard since the start. Otherwise it is the last one that is known, or one that holds the place."`
	Until     *time.Time `json:"until,omitempty" doc:"When the address that a DHCP server has lent has to be given back, unless it is renewed."`
}

// Lending is the DHCP server of the box, for telephones.
type Lending struct {
	Interface string `json:"interface" doc:"The port on which addresses are lent."`
	Lends     bool   `json:"lends" doc:"False while the box looks for another server, or has found one."`
	Other     string `json:"other" doc:"The address of another server, for whose sake the box lends nothing; empty: there is none."`
	Problem   string `json:"problem" doc:"Why the port cannot be used; empty: it can."`
	First     string `json:"first" doc:"The first address that is lent to anybody."`
	Last      string `json:"last" doc:"The last one."`
	Size      int    `json:"size" doc:"How many addresses that are, those that are reserved for one telephone not counted."`
	Free      int    `json:"free" doc:"How many of them the next telephones can get; 0: another one gets none."`
	Leases    []Lent `json:"leases" nullable:"false" doc:"By address."`
	// Aside are addresses of the pool that others have.
	Aside []Aside `json:"aside" nullable:"false" doc:"Addresses that another machine has without having been lent them, by address: they are lent to nobody for a while."`
}

// Aside is an address that is lent to nobody for a while.
type Aside struct {
	Address  string    `json:"address"`
	Hardware string    `json:"hardware" doc:"The hardware address of the machine that has it; empty: a telephone has found it in use, and did not say by whom."`
	Until    time.Time `json:"until"`
}

// Lent is an address that is lent to a telephone.
type Lent struct {
	Address  string    `json:"address"`
	Hardware string    `json:"hardware" doc:"The telephone's hardware address."`
	Name     string    `json:"name" doc:"What the telephone calls itself; may be empty."`
	Until    time.Time `json:"until"`
	Reserved bool      `json:"reserved" doc:"The policy reserves the address for it."`
}

// Revision is one version of the policy and who brought it.
type Revision struct {
	Number   uint64     `json:"number" doc:"0: there is none."`
	Who      string     `json:"who"`
	Why      string     `json:"why"`
	At       time.Time  `json:"at"`
	State    string     `json:"state" enum:"none,proposed,confirmed,reverted" doc:"proposed: on trial until deadline."`
	Deadline *time.Time `json:"deadline,omitempty" doc:"When a proposed revision is taken back unless somebody confirms it."`
}

// Limits are the bounds of the box as a whole.
type Limits struct {
	Calls int `json:"calls" doc:"Simultaneous calls; emergency calls are not counted against it."`
}

// PBX is the office's telephone system as the box sees it.
type PBX struct {
	Address   string     `json:"address" doc:"IP address and port; while a PBX that registers is away, where it may come from; empty in setup mode."`
	Transport string     `json:"transport" doc:"udp, tcp or tls."`
	SRTP      string     `json:"srtp" doc:"off, optional, opportunistic or required."`
	Reachable *bool      `json:"reachable,omitempty" doc:"Absent when it is not known."`
	Reason    string     `json:"reason,omitempty" doc:"Why it is not reachable, as a sentence."`
	Expires   *time.Time `json:"expires,omitempty" doc:"When its registration lapses unless it is renewed."`
}

// Phones are the telephones that register through the box with a PBX elsewhere.
type Phones struct {
	PBX        string       `json:"pbx" doc:"SIP domain of their PBX."`
	Reachable  bool         `json:"reachable" doc:"Whether their PBX answers."`
	Reason     string       `json:"reason" doc:"Why it cannot be reached and what the phones may do meanwhile, as a sentence; empty when it can."`
	Since      *time.Time   `json:"since,omitempty" doc:"Since when it has been away, or back; absent when it was never away."`
	Survival   string       `json:"survival" enum:"off,phones,routes" doc:"What phones may do while it is away. off: only emergency calls. phones: call one another. routes: call others by the routes too."`
	Servers    []PeerServer `json:"servers" nullable:"false" doc:"The servers of their PBX, in the order in which they are tried."`
	Most       int          `json:"most" doc:"Phones registered at once, at most."`
	Registered []Phone      `json:"registered" nullable:"false" doc:"By user."`
}

// Phone is one registered telephone.
type Phone struct {
	User      string    `json:"user"`
	Instance  string    `json:"instance" doc:"The name that the device gives itself; empty when it gives none."`
	Transport string    `json:"transport" doc:"udp, tcp or tls."`
	Source    string    `json:"source" doc:"Address and port that it is reached at."`
	BehindNAT bool      `json:"behind_nat" doc:"A router stands between box and phone."`
	Since     time.Time `json:"since"`
	Expires   time.Time `json:"expires" doc:"When it must have renewed its registration."`
	Verified  time.Time `json:"verified" doc:"When its PBX has last answered for it."`
	Weak      string    `json:"weak" doc:"Which of the passwords that guessing programs try first it was found to have, by its kind; empty: none of them."`
}

// Trunk is one carrier and how it is doing.
type Trunk struct {
	Name       string         `json:"name"`
	Domain     string         `json:"domain"`
	Profile    string         `json:"profile" doc:"The kind of carrier whose values the trunk takes; empty when it takes none."`
	Transport  string         `json:"transport" doc:"udp, tcp or tls."`
	SRTP       string         `json:"srtp" doc:"off, optional, opportunistic or required."`
	State      string         `json:"state" enum:"up,down,registering,static" doc:"static: the trunk does not register."`
	Reason     string         `json:"reason" doc:"Why the trunk is in this state, as a sentence."`
	Since      *time.Time     `json:"since,omitempty" doc:"In this state since."`
	Expires    *time.Time     `json:"expires,omitempty" doc:"When the registration runs out unless it is renewed."`
	TLSVersion string         `json:"tls_version" doc:"TLS 1.2 or TLS 1.3; empty without a TLS connection."`
	Servers    []PeerServer   `json:"servers" nullable:"false" doc:"The servers that take its calls, in the order in which they are tried; none before any is known."`
	SeenAt     string         `json:"seen_at" doc:"Address and port at which the carrier sees the box, with network.nat: learn; empty until it has said so."`
	SeenBy     string         `json:"seen_by" doc:"What told: REGISTER, OPTIONS or STUN; empty without seen_at."`
	SeenSince  *time.Time     `json:"seen_since,omitempty" doc:"The carrier has seen the box there since."`
	Altered    string         `json:"altered" doc:"A sentence about a router that changes SIP messages on their way, with the remedy; empty when none is known."`
	Accounts   []TrunkAccount `json:"accounts" nullable:"false"`
	Calls      int            `json:"calls" doc:"Calls on this trunk now."`
	Cap        int            `json:"cap" doc:"Simultaneous calls on this trunk; 0: only the limit of the box applies."`
}

// PeerServer is one of the servers of a trunk, or of the phones' PBX.
type PeerServer struct {
	Host         string     `json:"host" doc:"Name in the policy that led to it."`
	Address      string     `json:"address" doc:"IP address and port."`
	State        string     `json:"state" enum:"up,down,avoided,unknown" doc:"down: it does not answer OPTIONS. avoided: tried last for a while, because something failed there. unknown: nobody has asked it."`
	Reason       string     `json:"reason" doc:"What failed there last, while it counts."`
	AvoidedUntil *time.Time `json:"avoided_until,omitempty"`
	RoundTrip    float64    `json:"round_trip_ms" doc:"Of the last OPTIONS that was answered, in milliseconds; 0: none was."`
	Registered   bool       `json:"registered" doc:"It has the trunk's registration."`
}

// TrunkAccount is one set of credentials on a trunk, without its secret.
type TrunkAccount struct {
	User    string     `json:"user"`
	Numbers []string   `json:"numbers" nullable:"false" doc:"E.164 numbers that belong to it."`
	State   string     `json:"state" enum:"up,down,registering,static"`
	Reason  string     `json:"reason"`
	Expires *time.Time `json:"expires,omitempty"`
}

// Call is one running call.
type Call struct {
	ID        string     `json:"id"`
	Direction string     `json:"direction" enum:"in,out,within,through" doc:"out: from inside to outside. within: both ends are inside. through: both are outside, as after a transfer or when the PBX is away."`
	From      string     `json:"from"`
	To        string     `json:"to"`
	Trunk     string     `json:"trunk" doc:"The peer outside that carries the call, the one called when both are; empty for a call within the office."`
	State     string     `json:"state" enum:"ringing,answered"`
	Started   time.Time  `json:"started"`
	Answered  *time.Time `json:"answered,omitempty"`
	Emergency bool       `json:"emergency"`
	Legs      Legs       `json:"legs"`
	Diagnosis *Diagnosis `json:"diagnosis,omitempty" doc:"Why it is or was silent; absent when it never was."`
	Signature *Signature `json:"signature,omitempty" doc:"Who has signed a carrier's call (STIR/SHAKEN); absent when nobody looked."`
	Rule      string     `json:"rule" doc:"What of the policy has let it through, e.g. admission.classes; empty when it needed no leave."`
	Steps     []Step     `json:"steps" nullable:"false" doc:"What was considered before it was let through, in this order."`
}

// Signature is what was found of who has signed a call (RFC 8224).
type Signature struct {
	Result string `json:"result" enum:"passed,failed,unsigned,unknown" doc:"unsigned: there is no signature of a kind that is judged. unknown: it could not be judged."`
	Attest string `json:"attest" enum:",A,B,C" doc:"What the signer knows of the caller. A: he may show the number. B: who he is. C: only where the call came from. Empty unless passed."`
	Reason string `json:"reason" doc:"Why not, as a sentence; empty when passed."`
}

// Legs are the two halves of a call. Each may be on either side of the border.
type Legs struct {
	Caller Leg `json:"caller" doc:"Between the one who calls and the box."`
	Callee Leg `json:"callee" doc:"Between the box and the one who is called."`
}

// Leg is the media of one half of a call.
type Leg struct {
	Peer         string   `json:"peer" doc:"Who is there: pbx, the name of a trunk, remote pbx for the phones' PBX, or phone and its address; empty before anybody was tried."`
	Side         string   `json:"side" enum:"inside,outside"`
	Encrypted    bool     `json:"encrypted"`
	Suite        string   `json:"suite" doc:"SRTP crypto suite; empty when the leg is not encrypted, or its keys are not made yet."`
	Keying       string   `json:"keying" enum:",sdes,dtls,zrtp" doc:"How the keys are made: sdes in the signalling, dtls by handshakes beside the audio; zrtp when the two ends of the call encrypt between them what the box does not; empty when the leg is not encrypted."`
	PacketsIn    uint64   `json:"packets_in" doc:"Received by the box."`
	PacketsOut   uint64   `json:"packets_out" doc:"Sent by the box."`
	AuthFailures uint64   `json:"auth_failures" doc:"Packets whose SRTP tag was wrong; they went nowhere."`
	Strangers    uint64   `json:"strangers" doc:"Packets from an address that is not part of the call; they went nowhere."`
	Quality      *Quality `json:"quality,omitempty" doc:"Absent before any audio was agreed on."`
}

// Emergency is a call for help, or a call back after one, and what passed for it that the policy would have stopped.
type Emergency struct {
	At         time.Time            `json:"at"`
	Call       string               `json:"call" doc:"Identifier of the call; empty when something passed before there was one."`
	From       string               `json:"from" doc:"Empty when it is a call back, or nothing is known yet."`
	To         string               `json:"to"`
	Source     string               `json:"source" doc:"Name of the peer that called; empty with from."`
	Exceptions []EmergencyException `json:"exceptions" nullable:"false" doc:"Empty when all went by the policy."`
	Seen       *Acknowledgement     `json:"seen,omitempty" doc:"Absent: nobody has acknowledged it, or something more has passed since."`
}

// EmergencyException is something that passed for an emergency call against the policy or at somebody's expense.
type EmergencyException struct {
	At     time.Time `json:"at"`
	Rule   string    `json:"rule" doc:"What would have stopped it, e.g. trunks.srtp."`
	Reason string    `json:"reason" doc:"A sentence for the administrator."`
}

// CallBack is a number that was shown to an emergency service.
type CallBack struct {
	Number string    `json:"number" doc:"E.164."`
	Until  time.Time `json:"until"`
}

// Refusal is a call or a message that was not let through.
type Refusal struct {
	At     time.Time `json:"at" doc:"The latest time."`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Side   string    `json:"side" enum:"inside,outside" doc:"The side of the border that it came from."`
	Source string    `json:"source" doc:"Name of the peer, or the address it came from."`
	Rule   string    `json:"rule" doc:"What refused it, e.g. limits.calls."`
	Reason string    `json:"reason" doc:"A sentence for the administrator."`
	Status int       `json:"status" doc:"SIP status of the answer; 0: no answer was given."`
	Count  int       `json:"count" doc:"How often in a row."`
	Steps  []Step    `json:"steps" nullable:"false" doc:"What was considered before a call was refused, in this order; empty where it was not admission that refused."`
}

// Counter is one counter of the packet filter.
type Counter struct {
	Name    string `json:"name"`
	Comment string `json:"comment"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}
