package credential

import (
	"math"
	"testing"
)

func TestPatternsAreWorthWhatItTakesToTryThem(t *testing.T) {
	for password, want := range map[string]float64{
		"":              0,
		"x":             math.Log2(26),
		"password":      0, // the first
		"Password":      1,
		"p4$$w0rd":      0,
		"PASSWORD":      1,
		"zzzzzzzz":      math.Log2(26 * 8 / 2), // two halves
		"zzzzzzz":       math.Log2(26 * 7),
		"abcdefgh":      math.Log2(8),
		"hgfedcba":      math.Log2(26) + math.Log2(8) + 1,
		"1987":          math.Log2(151),
		"23/11/1987":    math.Log2(151) + math.Log2(31*12) + 2,
		"1987-11-23":    math.Log2(151) + math.Log2(31*12) + 2,
		"23111987":      math.Log2(151) + math.Log2(31*12),
		"\u00e9\u00e8%": 3 * math.Log2(26+33),
	} {
		if got := estimate(password); got > want+0.01 || got < want/2 {
			t.Errorf("%q: %.2f bits, want %.2f", password, got, want)
		}
	}
}

func TestNeighbouringKeysOfEachKeyboardAreSoonGuessed(t *testing.T) {
	for _, password := range []string{"mnbvcxz", "azertyuiop", "mlkjhgf", "yxcvbnm,", "aoeuidhtns", "789632", "^&*()_+"} {
		if got := estimate(password); got > 25 {
			t.Errorf("%q: %.1f bits", password, got)
		}
	}
}

func BenchmarkWeak(b *testing.B) {
	for b.Loop() {
		Weak("gVt7sYd2mNx4kQp9wRz3bHc6", "office")
	}
}
