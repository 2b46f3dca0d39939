package main

import (
	"runtime/debug"
	"time"

	"tollgate/firmware/store"
)

// certificateClock is the time by which certificates are judged. A board without a battery begins in 1970, and with that
// time no certificate would be valid yet: no trunk over TLS, and no emergency call. It cannot be earlier than when the
// program was made and when the policy in force was decided. now is the system's clock.
func certificateClock(now func() time.Time, passed ...time.Time) func() time.Time {
	var least time.Time
	for _, t := range passed {
		if t.After(least) {
			least = t
		}
	}
	return func() time.Time {
		if t := now(); t.After(least) {
			return t
		}
		return least
	}
}

// built is when the program's source was committed; zero when that is not known.
func built() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			t, _ := time.Parse(time.RFC3339, s.Value)
			return t
		}
	}
	return time.Time{}
}

// decided is when the confirmed policy came into force; zero when there is none.
func decided(s *store.Store) (time.Time, error) {
	rev, ok, err := s.Confirmed()
	if err != nil || !ok {
		return time.Time{}, err
	}
	return rev.Decided, nil
}
