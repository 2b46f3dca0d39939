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
		{300, 2, map[Kind][]float64{Box: {1, 1}, Hiding: {2, 2}}},
		{500, 2, map[Kind][]float64{Box: {0.6, 0.6}, Hiding: {2, 2}}},
		{1000, 2, map[Kind][]float64{Box: {0.5, 0.5}}},
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

func TestCleanTurnsCountWhateverComesAfterThem(t *testing.T) {
	var said strings.Builder
	o := Options{Out: &said}
	mostly := comparison{500, 5, map[Kind][]float64{Box: {1, 1, 0, 1, 1}, Hiding: {2, 0, 4, 5, 4}}}
	bar, err := o.against(Hiding, ofHiding, []comparison{mostly})
	if err != nil || bar.Measured != "0.25 x" || !strings.Contains(bar.Name, "half of 3 turns") {
		t.Errorf("%+v, %v", bar, err)
	}
	seldom := comparison{1000, 5, map[Kind][]float64{Box: {1, 1, 1, 1, 1}, Hiding: {2, 0, 2, 0}}}
	if bar, err = o.against(Hiding, ofHiding, []comparison{mostly, seldom}); err != nil || !strings.Contains(bar.Name, "at 500/s") {
		t.Errorf("a rate that is beyond a system is compared at: %+v, %v", bar, err)
	}
	absent := comparison{500, 5, map[Kind][]float64{Box: {1, 0, 0}, Hiding: {2, 2, 2, 2, 2}}}
	if _, err = o.against(Hiding, ofHiding, []comparison{absent}); err == nil {
		t.Error("a box that has missed most of its turns is no fault")
	}
}
