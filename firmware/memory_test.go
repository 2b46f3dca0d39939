package main

import "testing"

func TestGarbageMayGatherUpToAFixedAmountOrAsMuchAsIsAlive(t *testing.T) {
	const mega = 1 << 20
	for _, c := range []struct {
		live, room int64
		percent    int
	}{
		{0, 64 * mega, 800},
		{8 * mega, 64 * mega, 800},
		{64 * mega, 64 * mega, 100},
		{500 * mega, 64 * mega, 100},
		{8 * mega, 16 * mega, 200},
	} {
		if got := garbagePercent(c.live, c.room); got != c.percent {
			t.Errorf("%d alive, room for %d: %d %%, want %d %%", c.live, c.room, got, c.percent)
		}
	}
}
