package api

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestWrongPasswordsMakeASourceWaitLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, addr := newBackoff(), netip.MustParseAddr("192.0.2.66")
		for i := range freeAttempts {
			if wait := b.begin(addr); wait != 0 {
				t.Fatalf("attempt %d waits %v", i+1, wait)
			}
		}
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
			want *= time.Second
			if got := b.begin(addr); got != want {
				t.Fatalf("waits %v, want %v", got, want)
			}
			time.Sleep(want - time.Millisecond)
			if got := b.begin(addr); got != time.Millisecond {
				t.Fatalf("shortly before the end waits %v", got)
			}
			time.Sleep(time.Millisecond)
			if got := b.begin(addr); got != 0 {
				t.Fatalf("after waiting %v waits %v more", want, got)
			}
		}
	})
}

func TestASourceThatWasQuietOrRightStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, addr := newBackoff(), netip.MustParseAddr("192.0.2.66")
		free := func(attempts int) bool {
			for range attempts {
				if b.begin(addr) != 0 {
					return false
				}
			}
			return true
		}
		exhaust := func() {
			for b.begin(addr) == 0 {
			}
		}
		exhaust()
		time.Sleep(forgetAfter + time.Second)
		if !free(2) {
			t.Error("not forgotten after an hour")
		}
		exhaust()
		b.succeed(addr)
		if !free(2) {
			t.Error("not forgotten after a right password")
		}
	})
}

func TestOneSourceDoesNotSlowDownAnother(t *testing.T) {
	b := newBackoff()
	for b.begin(netip.MustParseAddr("192.0.2.66")) == 0 {
	}
	if wait := b.begin(netip.MustParseAddr("192.0.2.67")); wait != 0 {
		t.Errorf("the neighbour waits %v", wait)
	}
}

func TestAHostCannotEscapeByItsManyIPv6Addresses(t *testing.T) {
	b := newBackoff()
	waits := 0
	for i := range 20 {
		if b.begin(netip.MustParseAddr(fmt.Sprintf("2001:db8:1:2::%x", i+1))) > 0 {
			waits++
		}
	}
	if waits != 20-freeAttempts {
		t.Errorf("%d of 20 attempts had to wait", waits)
	}
	if wait := b.begin(netip.MustParseAddr("2001:db8:1:3::1")); wait != 0 {
		t.Error("another network waits too")
	}
}

func TestManySourcesTakeLittleMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, guesser := newBackoff(), netip.MustParseAddr("192.0.2.66")
		addr := netip.MustParseAddr("198.51.100.1")
		for range 3 * maxSources {
			time.Sleep(time.Millisecond)
			b.begin(addr)
			addr = addr.Next()
			b.begin(guesser)
		}
		if len(b.bySource) > maxSources {
			t.Errorf("%d sources are kept", len(b.bySource))
		}
		if b.begin(guesser) == 0 {
			t.Error("the one who goes on guessing was forgotten for others")
		}
	})
}
