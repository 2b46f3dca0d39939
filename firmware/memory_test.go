package main

import (
	"testing"
	"time"
)

func TestGarbageIsToldInPercentOfWhatIsAlive(t *testing.T) {
	const mega = 1 << 20
	for _, c := range []struct {
		live, room int64
		percent    int
	}{
		{0, 64 * mega, 800},
		{8 * mega, 64 * mega, 800},
		{64 * mega, 64 * mega, 100},
		{16 * mega, 4 * mega, 25},
		{500 * mega, 4 * mega, 10},
		{8 * mega, 16 * mega, 200},
	} {
		if got := garbagePercent(c.live, c.room); got != c.percent {
			t.Errorf("%d alive, room for %d: %d %%, want %d %%", c.live, c.room, got, c.percent)
		}
	}
}

func TestARestingBoxGivesItsMemoryBackAndABusyOneHasRoom(t *testing.T) {
	const mega = 1 << 20
	r := garbageRoom{most: 64 * mega}
	made := uint64(0)
	look := func(bytes uint64) bool {
		made += bytes
		return r.set(made, 10*mega, time.Second/2)
	}
	if look(20*mega) || r.bytes != 64*mega {
		t.Errorf("at the start, room for %d MB", r.bytes/mega)
	}
	rested := 0
	for n := range 120 { // a minute with next to nothing to do
		if look(16 << 10) {
			if rested++; n < 4 {
				t.Errorf("half of the room is gone after %d ms", 500*(n+1))
			}
		}
	}
	if rested != 4 || r.bytes != leastRoom { // at 32, 16, 8 and 4 MB, or less
		t.Errorf("came to rest %d times, with room for %d bytes", rested, r.bytes)
	}
	if look(4*mega) || r.bytes != 32*mega {
		t.Errorf("at 8 MB a second there is room for %d MB", r.bytes/mega)
	}
	for range 20 {
		if look(50 * mega); r.bytes != 64*mega {
			t.Errorf("under load there is room for %d MB", r.bytes/mega)
		}
	}
	small := garbageRoom{most: 2 * mega}
	if small.set(100*mega, 3*mega, time.Second); small.bytes != leastRoom {
		t.Errorf("on a board with 32 MB: %d", small.bytes)
	}
	large := garbageRoom{most: 64 * mega}
	if large.set(100*mega, 80*mega, time.Second); large.bytes != 80*mega {
		t.Errorf("with 80 MB alive, under load: %d", large.bytes)
	}
}
