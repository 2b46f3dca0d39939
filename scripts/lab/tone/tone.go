// Package tone makes pure tones as WAV files and tells which tone a recording holds.
//
// Everything is 8 kHz, mono, signed 16 bit: what telephones speak. A Generate'd file is what a phone plays instead of a
// microphone; Strength measures one frequency in a recording with a Goertzel filter, so that a call is judged by what was
// heard and not by what was signalled.
//
// It leaves to others how samples got where they are: decoding of RTP payloads is in capture, playing and recording in peer.
package tone

import "math"

// Rate is the sampling rate of every signal here, in hertz.
const Rate = 8000

// Amplitude is the peak of a generated tone, about -6 dB below full scale.
const Amplitude = 16000

// Generate returns seconds of a sine of the given frequency in hertz.
func Generate(hertz float64, seconds int) []int16 {
	samples := make([]int16, Rate*seconds)
	for i := range samples {
		samples[i] = int16(Amplitude * math.Sin(2*math.Pi*hertz*float64(i)/Rate))
	}
	return samples
}

// Strength returns the amplitude, in sample units, of one frequency in samples (Goertzel). A pure tone of Amplitude
// gives about Amplitude, noise and other tones a few per cent of theirs at most.
func Strength(samples []int16, hertz float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	w := 2 * math.Pi * hertz / Rate
	coefficient := 2 * math.Cos(w)
	var s1, s2 float64
	for _, x := range samples {
		s1, s2 = float64(x)+coefficient*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - coefficient*s1*s2
	return 2 * math.Sqrt(math.Max(power, 0)) / float64(len(samples))
}

// Loudest returns the second of samples with the most energy, in steps of a tenth; all of them when there is less than
// a second.
func Loudest(samples []int16) []int16 {
	if len(samples) <= Rate {
		return samples
	}
	const step = Rate / 10
	best, bestEnergy := samples[:Rate], -1.0
	for start := 0; start+Rate <= len(samples); start += step {
		window := samples[start : start+Rate]
		if e := energy(window); e > bestEnergy {
			best, bestEnergy = window, e
		}
	}
	return best
}

func energy(samples []int16) float64 {
	var sum float64
	for _, x := range samples {
		sum += float64(x) * float64(x)
	}
	return sum
}
