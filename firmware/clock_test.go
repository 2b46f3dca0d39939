package main

import (
	"testing"
	"time"
)

func TestCertificatesAreNotJudgedByAClockThatHasNotBeenSet(t *testing.T) {
	made, confirmed := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	system := time.Unix(7, 0) // a board without a battery
	clock := certificateClock(func() time.Time { return system }, made, confirmed)
	if got := clock(); !got.Equal(confirmed) {
		t.Errorf("%v, want the latest time known to have passed, %v", got, confirmed)
	}
	system = confirmed.AddDate(0, 1, 0)
	if got := clock(); !got.Equal(system) {
		t.Errorf("%v, want the system's clock once it is set, %v", got, system)
	}
	if got := certificateClock(func() time.Time { return system }, time.Time{})(); !got.Equal(system) {
		t.Errorf("%v where nothing is known", got)
	}
}
