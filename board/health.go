package board

import "time"

// Worry is something about the hardware that somebody should look after.
type Worry string

// The worries.
const (
	TooHot     Worry = "too-hot"
	WeakSupply Worry = "weak-supply"
	WornOut    Worry = "worn-out"
)

// Where a worry begins and where it ends. A Raspberry Pi slows down at 80 to 85 °C.
const (
	hotFrom  = 78.0             // °C
	hotUntil = 70.0             // °C
	weakTime = 10 * time.Minute // without a dip of the supply
	wornFrom = 80               // percent
)

// Health judges what the hardware tells. A worry that comes and goes around its limit is one worry, not many.
type Health struct {
	hot  bool
	weak time.Time // the latest dip; zero: none
}

// Judge returns what there is to worry about at a moment. What the hardware does not tell any more is no worry.
func (h *Health) Judge(b Board, now time.Time) (list []Worry) {
	if b.Temperature == nil || *b.Temperature <= hotUntil {
		h.hot = false
	} else if *b.Temperature >= hotFrom {
		h.hot = true
	}
	if b.UnderVoltage != nil && *b.UnderVoltage {
		h.weak = now
	}
	if h.hot {
		list = append(list, TooHot)
	}
	if !h.weak.IsZero() && now.Sub(h.weak) < weakTime {
		list = append(list, WeakSupply)
	}
	if b.Wear != nil && *b.Wear >= wornFrom {
		list = append(list, WornOut)
	}
	return list
}
