package branch

import (
	"fmt"
	"strings"
	"time"
)

// Status is what the proofs need of `tollgate status --json`. It is written down here a second time on purpose: a field
// that is renamed by accident makes a proof fail.
type Status struct {
	Mode     string    `json:"mode"`
	PBX      PBX       `json:"pbx"`
	Phones   Phones    `json:"phones"`
	Trunks   []Trunk   `json:"trunks"`
	Calls    []Call    `json:"calls"`
	Refusals []Refusal `json:"refusals"`
	Counters []Counter `json:"counters"`
}

// PBX is the PBX's state.
type PBX struct {
	Address   string     `json:"address"`
	Reachable *bool      `json:"reachable"`
	Reason    string     `json:"reason"`
	Expires   *time.Time `json:"expires"`
}

// Registered tells whether the PBX is known to be there.
func (p PBX) Registered() bool { return p.Reachable != nil && *p.Reachable && p.Expires != nil }

// Phones are the phones that register with a PBX elsewhere.
type Phones struct {
	Reachable  bool   `json:"reachable"`
	Reason     string `json:"reason"`
	Registered []struct {
		User      string `json:"user"`
		Source    string `json:"source"`
		BehindNAT bool   `json:"behind_nat"`
	} `json:"registered"`
}

// Trunk is a trunk's state.
type Trunk struct {
	Name       string     `json:"name"`
	State      string     `json:"state"`
	Reason     string     `json:"reason"`
	TLSVersion string     `json:"tls_version"`
	Expires    *time.Time `json:"expires"`
	SeenAt     string     `json:"seen_at"`
	Altered    string     `json:"altered"`
}

// Call is a running call.
type Call struct {
	Direction string `json:"direction"`
	From      string `json:"from"`
	To        string `json:"to"`
	State     string `json:"state"`
	Emergency bool   `json:"emergency"`
	Signature struct {
		Result string `json:"result"`
		Attest string `json:"attest"`
	} `json:"signature"`
	Legs struct {
		Caller Leg `json:"caller"`
		Callee Leg `json:"callee"`
	} `json:"legs"`
	Diagnosis *Diagnosis `json:"diagnosis"`
}

// Diagnosis is why a call is silent.
type Diagnosis struct {
	Rule     string `json:"rule"`
	Leg      string `json:"leg"`
	Sentence struct {
		English string `json:"en"`
		French  string `json:"fr"`
	} `json:"sentence"`
	Over   *time.Time `json:"over"`
	Tried  []string   `json:"tried"`
	Healed bool       `json:"healed"`
}

// Quality is how the audio of a leg comes across.
type Quality struct {
	Codec     string  `json:"codec"`
	RoundTrip float64 `json:"round_trip_ms"`
	In        Heard   `json:"in"`
	Out       *Heard  `json:"out"`
}

// Heard is one direction of it.
type Heard struct {
	Packets     uint64  `json:"packets"`
	LossPercent float64 `json:"loss_percent"`
	Jitter      float64 `json:"jitter_ms"`
	MOS         float64 `json:"mos"`
}

// Outside is the leg of the call between the box and the carrier.
func (c Call) Outside() Leg {
	if c.Direction == "in" {
		return c.Legs.Caller
	}
	return c.Legs.Callee
}

// Leg is the media of one side.
type Leg struct {
	Encrypted    bool   `json:"encrypted"`
	Keying       string `json:"keying"`
	Suite        string `json:"suite"`
	PacketsIn    uint64 `json:"packets_in"`
	PacketsOut   uint64 `json:"packets_out"`
	AuthFailures uint64 `json:"auth_failures"`

	Quality *Quality `json:"quality"`
}

// Refusal is something that was not let through.
type Refusal struct {
	Source string `json:"source"`
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
	Status int    `json:"status"`
	Count  int    `json:"count"`
}

// Counter is a counter of the packet filter.
type Counter struct {
	Name    string `json:"name"`
	Packets uint64 `json:"packets"`
}

// String says in one line what matters when a proof fails.
func (s Status) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d calls", s.Mode, len(s.Calls))
	if s.PBX.Reason != "" {
		fmt.Fprintf(&b, "; PBX away: %s", s.PBX.Reason)
	}
	for _, t := range s.Trunks {
		fmt.Fprintf(&b, "; trunk %s is %s (%s)", t.Name, t.State, t.Reason)
	}
	for _, r := range s.Refusals {
		fmt.Fprintf(&b, "; refused %s %d times: %s, %s", r.Source, r.Count, r.Rule, r.Reason)
	}
	return b.String()
}
