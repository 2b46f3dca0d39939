package quality

import (
	"math"
	"strings"
	"time"
)

// Codec is what the E-model has to know of a codec (ITU-T G.113 Appendix I).
type Codec struct {
	Name string
	Ie   float64 // equipment impairment without loss
	Bpl  float64 // robustness against packet loss
	// Delay is what coding and one packet take, with the packet's length that is usual (ITU-T G.114 Annex A).
	Delay time.Duration
}

// codecs are those whose figures the recommendation names. Others get no rating rather than an invented one.
var codecs = []Codec{
	{"PCMU", 0, 25.1, 20 * time.Millisecond}, // G.711 with packet loss concealment, as phones have
	{"PCMA", 0, 25.1, 20 * time.Millisecond},
	{"G729", 11, 19, 25 * time.Millisecond}, // G.729A with VAD
	{"G723", 15, 16.1, 37500 * time.Microsecond},
	{"GSM-EFR", 5, 10, 20 * time.Millisecond},
}

// CodecNamed finds a codec by its name in SDP; false when the recommendation has no figures for it.
func CodecNamed(name string) (Codec, bool) {
	for _, c := range codecs {
		if strings.EqualFold(c.Name, name) {
			return c, true
		}
	}
	return Codec{}, false
}

// Rating is what a listener makes of it.
type Rating struct {
	R   float64 // 0 to 93.2, ITU-T G.107
	MOS float64 // 1 to 4.4 on the listeners' scale of 1 to 5, G.107 Annex B
}

// The defaults of G.107 table 2, as far as the network has no say in them: basic signal-to-noise ratio, what is impaired
// at once with the voice, the talker's and the listener's echo.
const (
	basic        = 94.77 // Ro
	simultaneous = 1.41  // Is
	talkerEcho   = 65    // TELR, dB
	echoLoss     = 110   // WEPL, dB
	noiseFloor   = 94.77 // Roe: -1.5 (No - RLR)
)

// Rate judges what a listener hears of a stream with this share of lost packets, 0 to 1, that is under way this long
// from mouth to ear.
func Rate(c Codec, loss float64, oneWay time.Duration) Rating {
	t := float64(max(oneWay, 0)) / float64(time.Millisecond)
	r := basic - simultaneous - delayed(t) - c.impaired(100*min(max(loss, 0), 1))
	r = min(max(r, 0), 100)
	return Rating{R: r, MOS: opinion(r)}
}

// impaired is Ie-eff at a loss in per cent that comes at random (G.107 §7.5).
func (c Codec) impaired(loss float64) float64 { return c.Ie + (95-c.Ie)*loss/(loss+c.Bpl) }

// delayed is Id at a delay in milliseconds: talker echo, listener echo and too long a way (G.107 §7.4).
func delayed(t float64) float64 {
	terv := talkerEcho - 40*math.Log10((1+t/10)/(1+t/150)) + 6*math.Exp(-0.3*t*t)
	talker := noiseFloor - (80 + 2.5*(terv-14))
	idte := (talker/2 + math.Sqrt(talker*talker/4+100) - 1) * (1 - math.Exp(-t))

	listener := basic - 10.5*(echoLoss+7)*math.Pow(2*t+1, -0.25)
	idle := listener/2 + math.Sqrt(listener*listener/4+169)

	idd := 0.0
	if t > 100 {
		x := math.Log2(t / 100)
		idd = 25 * (math.Pow(1+math.Pow(x, 6), 1./6) - 3*math.Pow(1+math.Pow(x/3, 6), 1./6) + 2)
	}
	return idte + idle + idd
}

// opinion is the mean opinion score of a rating (G.107 Annex B).
func opinion(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}

// buffered is how many times the jitter a listener's buffer holds back.
const buffered = 2

// MouthToEar is how long audio is under way: one packet and its coding, the ways on both sides of the box, and the buffer
// that takes the jitter out.
func MouthToEar(c Codec, before, after, jitter time.Duration) time.Duration {
	return c.Delay + before/2 + after/2 + buffered*jitter
}
