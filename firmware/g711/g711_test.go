package g711

import (
	"math"
	"testing"
)

// muValue and aValue are the samples that codes stand for, in one unit: those of Tables 2a/G.711 and, doubled, 1a/G.711.
func muValue(b byte) int {
	m := int(b&^sign ^ muInvert)
	v := (2*(m&15)+33)<<(m>>4) - 33
	if b&sign == 0 {
		return -v
	}
	return v
}

func aValue(b byte) int {
	m := int(b&^sign ^ aInvert)
	v := 2 * (2*(m&15) + 1)
	if m>>4 > 0 {
		v = (2*(m&15) + 33) << (m >> 4)
	}
	if b&sign == 0 {
		return -v
	}
	return v
}

// step is how far apart the samples are that the codes around b stand for.
func step(value func(byte) int, invert byte, b byte) int {
	m := b&^sign ^ invert
	if m == 127 {
		m--
	}
	at := func(m byte) int { return value(m ^ invert | sign) }
	return at(m+1) - at(m)
}

func convert(c Conversion, b byte) byte {
	one := []byte{b}
	c.Convert(one)
	return one[0]
}

// Codes whose samples everybody agrees on: G.711 §3, and the silence that telephones send.
func TestKnownCodesAreConverted(t *testing.T) {
	for _, c := range []struct{ mu, a byte }{
		{0x80, 0xaa}, {0x00, 0x2a}, // the loudest
		{0xff, 0xd5}, {0x7f, 0x55}, // silence
	} {
		if got := convert(MuToA, c.mu); got != c.a {
			t.Errorf("PCMU %02x becomes PCMA %02x, not %02x", c.mu, got, c.a)
		}
	}
	for _, c := range []struct{ a, mu byte }{{0xaa, 0x80}, {0x2a, 0x00}, {0xd5, 0xfe}, {0x55, 0x7e}} { // PCMA has no zero
		if got := convert(AToMu, c.a); got != c.mu {
			t.Errorf("PCMA %02x becomes PCMU %02x, not %02x", c.a, got, c.mu)
		}
	}
}

func TestEveryCodeBecomesOneBesideItsSample(t *testing.T) {
	for i := range 256 {
		b := byte(i)
		a, mu := convert(MuToA, b), convert(AToMu, b)
		if off := abs(aValue(a) - muValue(b)); off > step(aValue, aInvert, a) {
			t.Errorf("PCMU %02x is %d, PCMA %02x is %d", b, muValue(b), a, aValue(a))
		}
		if off := abs(muValue(mu) - aValue(b)); off > step(muValue, muInvert, mu) {
			t.Errorf("PCMA %02x is %d, PCMU %02x is %d", b, aValue(b), mu, muValue(mu))
		}
		if a&sign != b&sign || mu&sign != b&sign {
			t.Errorf("code %02x changes its sign", b)
		}
	}
}

func TestLouderStaysLouder(t *testing.T) {
	for m := range byte(127) {
		for name, c := range map[string][2]int{
			"PCMU": {aValue(convert(MuToA, m^muInvert|sign)), aValue(convert(MuToA, (m+1)^muInvert|sign))},
			"PCMA": {muValue(convert(AToMu, m^aInvert|sign)), muValue(convert(AToMu, (m+1)^aInvert|sign))},
		} {
			if c[0] > c[1] {
				t.Errorf("%s magnitude %d becomes %d, the next one %d", name, m, c[0], c[1])
			}
		}
	}
}

// A call that passes several converters sounds as after the first.
func TestASecondConversionThereAndBackChangesNothing(t *testing.T) {
	for i := range 256 {
		once := convert(AToMu, convert(MuToA, byte(i)))
		if twice := convert(AToMu, convert(MuToA, once)); twice != once {
			t.Errorf("PCMU %02x becomes %02x, then %02x", i, once, twice)
		}
		once = convert(MuToA, convert(AToMu, byte(i)))
		if twice := convert(MuToA, convert(AToMu, once)); twice != once {
			t.Errorf("PCMA %02x becomes %02x, then %02x", i, once, twice)
		}
	}
}

// As much as ITU-T G.712 §9 wants of a single pair of coder and decoder for tones of these levels: 33 dB.
func TestAToneKeepsItsQuality(t *testing.T) {
	for name, c := range map[string]struct {
		conversion Conversion
		from, to   func(byte) int
	}{"PCMU to PCMA": {MuToA, muValue, aValue}, "PCMA to PCMU": {AToMu, aValue, muValue}} {
		for _, loudness := range []float64{8000, 4000, 1000, 250} {
			var signal, noise float64
			for i := range 8000 {
				want := loudness * math.Sin(2*math.Pi*1020*float64(i)/8000)
				got := float64(c.to(convert(c.conversion, nearest(c.from, want))))
				signal, noise = signal+want*want, noise+(got-want)*(got-want)
			}
			if db := 10 * math.Log10(signal/noise); db < 33 {
				t.Errorf("%s, loudness %.0f: %.1f dB above the noise", name, loudness, db)
			}
		}
	}
}

func TestConversionTakesNoMemoryAndNoneChangesNothing(t *testing.T) {
	speech := make([]byte, 160)
	if n := testing.AllocsPerRun(10, func() { MuToA.Convert(speech) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	before := string(speech)
	None.Convert(speech)
	Conversion(9).Convert(speech)
	if string(speech) != before {
		t.Error("the speech has changed")
	}
}

func BenchmarkConvert(b *testing.B) {
	speech := make([]byte, 160)
	b.SetBytes(int64(len(speech)))
	for b.Loop() {
		MuToA.Convert(speech)
	}
}

func nearest(value func(byte) int, want float64) byte {
	best := byte(0)
	for i := range 256 {
		if math.Abs(float64(value(byte(i)))-want) < math.Abs(float64(value(best))-want) {
			best = byte(i)
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }
