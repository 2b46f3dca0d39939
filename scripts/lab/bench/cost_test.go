package bench

import (
	"strings"
	"testing"
)

// A host that is slower for some turns slows both systems: what counts is the ratio of each turn.
func TestTheRatioIsThatOfTurnsTakenSideBySide(t *testing.T) {
	ours := []float64{0.8, 1.6, 0.8, 1.6, 0.9}
	theirs := []float64{2, 4, 2, 4, 2}
	r := ratios(ours, theirs)
	if got := r.median(); got != 0.4 {
		t.Errorf("the median is %v", got)
	}
	if got, want := r.spread(), "half of 5 turns 0.40 to 0.40, all 0.40 to 0.45"; got != want {
		t.Errorf("the spread is %q, want %q", got, want)
	}
}

func TestABarHoldsAtTheHighestRateThatTheOtherOneTakes(t *testing.T) {
	var said strings.Builder
	all := []comparison{
		{300, map[Kind][]float64{Box: {1, 1}, Hiding: {2, 2}}},
		{500, map[Kind][]float64{Box: {0.6, 0.6}, Hiding: {2, 2}}},
		{1000, map[Kind][]float64{Box: {0.5, 0.5}}},
	}
	bar, err := Options{Out: &said}.against(Hiding, ofHiding, all)
	if err != nil || !bar.OK || bar.Measured != "0.30 x" || !strings.Contains(bar.Name, "at 500/s") {
		t.Errorf("%+v, %v", bar, err)
	}
	if got := strings.Count(said.String(), "\n"); got != 2 {
		t.Errorf("%d ratios are told:\n%s", got, &said)
	}
	if _, err := (Options{Out: &said}).against(Recording, ofRecording, all); err == nil {
		t.Error("a system without a clean turn is no fault")
	}
}
