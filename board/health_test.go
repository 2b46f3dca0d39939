package board

import (
	"fmt"
	"testing"
	"time"
)

func TestAWorryThatComesAndGoesIsOne(t *testing.T) {
	type look struct {
		minute      int
		degrees     float64 // 0: not told
		weak        bool
		wear        int
		worriesThen string
	}
	var h Health
	for _, l := range []look{
		{0, 60, false, 30, "[]"},
		{1, 77.9, false, 30, "[]"},
		{2, 78, false, 70, "[too-hot]"},
		{3, 71, true, 70, "[too-hot weak-supply]"},
		{4, 70, false, 70, "[weak-supply]"},
		{5, 77, false, 80, "[weak-supply worn-out]"},
		{12, 77, true, 80, "[weak-supply worn-out]"},
		{21, 77, false, 80, "[weak-supply worn-out]"},
		{22, 85, false, 80, "[too-hot worn-out]"},
		{23, 0, false, 80, "[worn-out]"},
	} {
		b := Board{UnderVoltage: &l.weak, Wear: &l.wear}
		if l.degrees != 0 {
			b.Temperature = &l.degrees
		}
		if got := fmt.Sprint(h.Judge(b, time.Unix(0, 0).Add(time.Duration(l.minute)*time.Minute))); got != l.worriesThen {
			t.Errorf("minute %d: %s, not %s", l.minute, got, l.worriesThen)
		}
	}
}

func TestAnOldKernelTellsTheSupplyInItsOwnWay(t *testing.T) {
	for bits, want := range map[string]bool{"0\n": false, "50000\n": false, "50005\n": true, "0x1": true} {
		b := Read(plant(t, map[string]string{"devices/platform/soc/soc:firmware/get_throttled": bits}))
		if b.UnderVoltage == nil || *b.UnderVoltage != want {
			t.Errorf("%q is read as %v", bits, b.UnderVoltage)
		}
	}
}

func TestAScreenIsOneThatIsPluggedIn(t *testing.T) {
	for status, want := range map[string]bool{"connected\n": true, "disconnected\n": false} {
		if got := HasScreen(plant(t, map[string]string{"class/drm/card0/dev": "226:0", "class/drm/card0-HDMI-A-1/status": status})); got != want {
			t.Errorf("%q: %v", status, got)
		}
	}
	if HasScreen(plant(t, nil)) {
		t.Error("a board without a socket has a screen")
	}
}
