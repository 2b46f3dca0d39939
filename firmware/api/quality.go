package api

import (
	"context"
	"time"
)

// Quality is how the audio of one leg comes across.
type Quality struct {
	Codec       string  `json:"codec" doc:"As SDP names it."`
	RoundTrip   float64 `json:"round_trip_ms" doc:"Between box and peer, by the peer's last report (RTCP), in milliseconds; 0: not known."`
	In          Heard   `json:"in" doc:"What the peer sends, as it arrives at the box."`
	Out         *Heard  `json:"out,omitempty" doc:"What the peer is sent, as its reports say it arrives; absent while it reports nothing."`
	Unreachable uint64  `json:"unreachable" doc:"Messages that what was sent does not arrive (ICMP)."`
}

// Heard is how a stream of packets arrives (RFC 3550).
type Heard struct {
	Packets     uint64  `json:"packets" doc:"That were sent, by their numbers."`
	Lost        uint64  `json:"lost"`
	LossPercent float64 `json:"loss_percent"`
	Late        uint64  `json:"late" doc:"That arrived after a later one."`
	Duplicates  uint64  `json:"duplicates" doc:"That arrived once more; on an encrypted leg, or replayed by somebody."`
	Jitter      float64 `json:"jitter_ms" doc:"Of the moment, in milliseconds."`
	R           float64 `json:"r" doc:"Rating by ITU-T G.107, 0 to 93; 0 together with mos: the codec has none, or nothing was heard."`
	MOS         float64 `json:"mos" doc:"What a listener makes of it, 1 to 4.4; 0: see r."`
}

// Diagnosis is why a call is or was silent.
type Diagnosis struct {
	Rule     string     `json:"rule" doc:"For programs, e.g. never came, stopped, wrong key."`
	Leg      string     `json:"leg" enum:"caller,callee" doc:"Whose audio it is about."`
	Sentence InWords    `json:"sentence" doc:"What is."`
	Remedy   InWords    `json:"remedy" doc:"What to do."`
	Since    time.Time  `json:"since"`
	Over     *time.Time `json:"over,omitempty" doc:"Absent while it goes on."`
	Tried    []string   `json:"tried" nullable:"false" enum:"reopen,renew" doc:"What the box has tried by itself. reopen: packets of its own to both sides. renew: it described the audio to the silent side again (re-INVITE)."`
	Healed   bool       `json:"healed" doc:"It was over soon after something was tried."`
}

// InWords is one sentence in the languages of the page.
type InWords struct {
	English string `json:"en"`
	French  string `json:"fr"`
}

// EndedCall is the record of a call that is over.
type EndedCall struct {
	Call    Call      `json:"call" doc:"As it was at its end, its last counters among it."`
	Ended   time.Time `json:"ended"`
	Seconds float64   `json:"seconds" doc:"Since the answer; 0 when it was not answered."`
	Status  int       `json:"status" doc:"SIP status that the caller got when it was not answered; else 0."`
	Reason  string    `json:"reason" doc:"Who ended it and why, as a sentence."`
}

// Load is how busy the box is, and what it can carry.
type Load struct {
	CPU        float64    `json:"cpu_percent" doc:"Of all processors, by this program, in the last second."`
	Late       float64    `json:"late_ms" doc:"How long a packet of audio waits for the relay, the longest of the last second, in milliseconds."`
	Resident   uint64     `json:"resident_bytes" doc:"Memory of this program, on a machine of its own with that of process 1."`
	Free       uint64     `json:"free_bytes" doc:"Memory that the machine has left."`
	Packets    uint64     `json:"packets_per_second" doc:"Of audio, taken by the relay in the last second."`
	Together   bool       `json:"together" doc:"The kernel lets the relay take and send the packets of many calls at once, which is cheaper; else it serves port by port."`
	Capacity   int        `json:"capacity" doc:"Calls whose audio this board carries, as it was measured; 0: it was not."`
	PacketCost float64    `json:"packet_us" doc:"Processor time of one packet through the relay, as it was measured, in microseconds."`
	CryptoCost float64    `json:"crypto_us" doc:"Of that, encryption."`
	Measured   *time.Time `json:"measured,omitempty" doc:"When the board was measured."`
	Full       bool       `json:"full" doc:"No new calls are taken but emergency calls."`
	Since      *time.Time `json:"since,omitempty" doc:"Full since."`
	Rule       string     `json:"rule" doc:"Why: load.lateness, load.capacity, load.cpu or load.memory; empty while there is room."`
	Reason     string     `json:"reason" doc:"The same as a sentence."`
}

// EndedCalls are the latest calls that are over.
type EndedCalls struct {
	Calls []EndedCall `json:"calls" nullable:"false" doc:"Newest first."`
}

type endedOutput struct{ Body EndedCalls }

func (s *Server) getEndedCalls(context.Context, *noInput) (*endedOutput, error) {
	ended := list(s.box.EndedCalls())
	for i := range ended {
		ended[i].Call = completeCall(ended[i].Call)
	}
	return &endedOutput{Body: EndedCalls{ended}}, nil
}

// completeCall has no list of a call missing.
func completeCall(c Call) Call {
	c.Steps = list(c.Steps)
	if c.Diagnosis != nil {
		d := *c.Diagnosis
		d.Tried = list(d.Tried)
		c.Diagnosis = &d
	}
	return c
}
