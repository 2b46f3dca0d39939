package quality

import (
	"math"
	"testing"
	"time"
)

func codec(t *testing.T, name string) Codec {
	t.Helper()
	c, ok := CodecNamed(name)
	if !ok {
		t.Fatalf("no figures for %s", name)
	}
	return c
}

func TestTheDefaultRatingIsThatOfG107(t *testing.T) {
	// G.107 §7.7: "If all parameters are set to the default values, the calculation results in ... R = 93.2".
	got := Rate(codec(t, "PCMA"), 0, 0)
	if math.Abs(got.R-93.2) > 0.05 || math.Abs(got.MOS-4.41) > 0.005 {
		t.Errorf("%+v", got)
	}
}

func TestOpinionsAreThoseOfG107AnnexB(t *testing.T) {
	// Table B.1: the limits between the categories of satisfaction.
	for r, want := range map[float64]float64{90: 4.34, 80: 4.03, 70: 3.60, 60: 3.10, 50: 2.58, 0: 1, -5: 1, 100: 4.5, 120: 4.5} {
		if got := opinion(r); math.Abs(got-want) > 0.008 {
			t.Errorf("R %v: MOS %.3f, want %.2f", r, got, want)
		}
	}
	for r := 0.0; r <= 100; r++ {
		if m := opinion(r); m < 1 || m > 4.5 {
			t.Errorf("R %v: MOS %v", r, m)
		}
	}
}

func TestLossCostsWhatG113Says(t *testing.T) {
	// Ie-eff = Ie + (95 - Ie) Ppl / (Ppl + Bpl), G.107 §7.5, with the figures of G.113 Appendix I.
	for _, c := range []struct {
		codec   string
		percent float64
		want    float64
	}{
		{"PCMA", 0, 0}, {"PCMU", 1, 3.64}, {"pcma", 2, 7.01}, {"PCMA", 5, 15.78}, {"PCMA", 10, 27.07},
		{"G729", 0, 11}, {"G729", 1, 15.2}, {"G729", 5, 28.5}, {"G723", 0, 15}, {"G723", 3, 27.57}, {"GSM-EFR", 2, 20},
	} {
		if got := codec(t, c.codec).impaired(c.percent); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%s, %v %%: %.2f, want %v", c.codec, c.percent, got, c.want)
		}
	}
	if _, ok := CodecNamed("opus"); ok {
		t.Error("a codec without figures has some")
	}
}

func TestAWayThatIsTooLongCosts(t *testing.T) {
	// The absolute delay of G.107 §7.4 by hand at 400 ms: X = log2(4) = 2, Idd = 25 (65^(1/6) - 3 (1+(2/3)^6)^(1/6) + 2).
	idd := 25 * (math.Pow(65, 1./6) - 3*math.Pow(1+math.Pow(2./3, 6), 1./6) + 2)
	echo := delayed(400) - idd
	if echo < 5 || echo > 8 { // with the usual 65 dB, the talker's echo at 400 ms
		t.Errorf("of %.2f, the echo makes %.2f", delayed(400), echo)
	}
	// What G.114 figure 1 shows for the default values, read off to a point or two.
	for ms, want := range map[int]float64{0: 93, 100: 91, 150: 90, 200: 86, 250: 80, 300: 73, 400: 62, 500: 55} {
		if got := Rate(codec(t, "PCMA"), 0, time.Duration(ms)*time.Millisecond).R; math.Abs(got-want) > 2 {
			t.Errorf("%d ms: R %.1f, want %v", ms, got, want)
		}
	}
}

func TestRatingsFallWithEverythingThatIsBad(t *testing.T) {
	for _, c := range codecs {
		before := Rating{R: 101, MOS: 5}
		for i := range 60 {
			now := Rate(c, float64(i)/60, time.Duration(i)*20*time.Millisecond)
			if now.R > before.R || now.MOS > before.MOS || now.R < 0 || now.MOS < 1 {
				t.Errorf("%s at step %d: %+v after %+v", c.Name, i, now, before)
			}
			before = now
		}
	}
}

func TestMouthToEarIsTheSumOfTheWay(t *testing.T) {
	got := MouthToEar(codec(t, "PCMA"), 30*time.Millisecond, 50*time.Millisecond, 5*time.Millisecond)
	if want := 70 * time.Millisecond; got != want {
		t.Errorf("%v, want %v", got, want)
	}
}
