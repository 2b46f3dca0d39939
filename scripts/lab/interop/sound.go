package interop

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"tollgate/scripts/lab/capture"
	"tollgate/scripts/lab/tone"
)

// Codec is one of the encodings of G.711.
type Codec struct {
	Name string
	Type uint8 // of RTP's payload (RFC 3551 §6)
}

// The codecs.
var (
	PCMU = Codec{"PCMU", 0}
	PCMA = Codec{"PCMA", 8}
)

func (c Codec) line() string { return fmt.Sprintf("a=rtpmap:%d %s/8000\r\n", c.Type, c.Name) }

// decode expands octets of the codec, by the tables that captures are read with and not by the box's own.
func (c Codec) decode(octets []byte) []int16 {
	return capture.Stream{Payload: octets}.Decoded()[c.Name]
}

// scale is what the 256 octets of a codec stand for.
var scale = sync.OnceValue(func() map[Codec][]int16 {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	return map[Codec][]int16{PCMU: PCMU.decode(every), PCMA: PCMA.decode(every)}
})

// encode finds for each sample the octet that stands for what comes closest.
func (c Codec) encode(samples []int16) []byte {
	octets, known := make([]byte, len(samples)), map[int16]byte{}
	for i, s := range samples {
		o, ok := known[s]
		if !ok {
			best := math.MaxInt
			for b, v := range scale()[c] {
				if d := abs(int(v) - int(s)); d < best {
					best, o = d, byte(b)
				}
			}
			known[s] = o
		}
		octets[i] = o
	}
	return octets
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// length of every sound in seconds: longer than any call.
const length = 90

// Tone is a pure tone as a codec says it.
func Tone(c Codec, hertz float64) []byte { return c.encode(tone.Generate(hertz, length)) }

// Fax is what a fax sounds like, as PCMA says it: the calling tone of T.30 (1100 Hz), the answer tone of V.25 (2100 Hz) that
// turns its phase every 450 ms, V.21 at 300 bit/s, and then octets at random, which no modem would be worse than: a single
// one that is changed, lost, doubled or made up shows.
func Fax() []byte {
	random := rand.New(rand.NewPCG(11, 21))
	samples := tone.Generate(1100, 1)
	var phase float64
	for i := range 2 * tone.Rate {
		if i%(tone.Rate*45/100) == 0 {
			phase += math.Pi
		}
		phase += 2 * math.Pi * 2100 / tone.Rate
		samples = append(samples, int16(tone.Amplitude*math.Sin(phase)))
	}
	const bit = tone.Rate / 300
	for range 300 {
		hertz := []float64{1850, 1650}[random.IntN(2)] // V.21 §2, the second channel
		for range bit {
			phase += 2 * math.Pi * hertz / tone.Rate
			samples = append(samples, int16(tone.Amplitude*math.Sin(phase)))
		}
	}
	octets := PCMA.encode(samples)
	for len(octets) < length*tone.Rate {
		octets = append(octets, byte(random.IntN(256)))
	}
	return octets
}

// Exact tells whether what was heard is a piece of a sound of Fax, octet for octet, of so many seconds at least.
func Exact(said, heard []byte, seconds int) error {
	if len(heard) < seconds*tone.Rate {
		return fmt.Errorf("%d octets were heard, less than %d seconds", len(heard), seconds)
	}
	// The end was said once only; the tones repeat themselves.
	last := heard[len(heard)-frame:]
	end := bytes.Index(said, last)
	if end < 0 {
		return fmt.Errorf("the last %d octets that were heard were not said", frame)
	}
	if end += frame; end < len(heard) {
		return fmt.Errorf("%d octets were heard before the one that was said first", len(heard)-end)
	}
	for i, o := range said[end-len(heard) : end] {
		if heard[i] != o {
			return fmt.Errorf("octet %d of %d was said as %#x and heard as %#x", i, len(heard), o, heard[i])
		}
	}
	return nil
}
