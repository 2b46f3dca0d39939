package tone

import (
	"fmt"
	"strings"
)

// Thresholds of Judge: a tone counts as heard above heardAtLeast, and everything else has to stay below a twentieth of it.
const (
	heardAtLeast = 4000.0
	clearBy      = 20.0
)

// Judgement is what a recording holds, measured in its loudest second.
type Judgement struct {
	Wanted   float64             // the frequency looked for, in hertz
	Strength map[float64]float64 // amplitude by frequency
	Seconds  float64             // length of the whole recording
}

// Judge measures wanted and every frequency that must not be there.
func Judge(samples []int16, wanted float64, unwanted ...float64) Judgement {
	window := Loudest(samples)
	j := Judgement{Wanted: wanted, Strength: map[float64]float64{}, Seconds: float64(len(samples)) / Rate}
	for _, f := range append([]float64{wanted}, unwanted...) {
		j.Strength[f] = Strength(window, f)
	}
	return j
}

// Heard tells whether the wanted tone is there and no other is.
func (j Judgement) Heard() bool {
	strength := j.Strength[j.Wanted]
	if strength < heardAtLeast {
		return false
	}
	for f, s := range j.Strength {
		if f != j.Wanted && s*clearBy > strength {
			return false
		}
	}
	return true
}

// String says it in a line: "1150 Hz at 15921, others <= 14, 5.2 s".
func (j Judgement) String() string {
	var others float64
	for f, s := range j.Strength {
		if f != j.Wanted {
			others = max(others, s)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%.0f Hz at %.0f", j.Wanted, j.Strength[j.Wanted])
	if len(j.Strength) > 1 {
		fmt.Fprintf(&b, ", others <= %.0f", others)
	}
	fmt.Fprintf(&b, ", %.1f s", j.Seconds)
	return b.String()
}
