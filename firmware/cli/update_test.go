package cli

import (
	"strings"
	"testing"
	"time"

	"tollgate/firmware/api"
)

func TestWhatBecameOfTheLastUpdateIsToldWithARemedy(t *testing.T) {
	at := time.Date(2026, 3, 10, 1, 31, 0, 0, time.UTC)
	for _, c := range []struct {
		update api.UpdateAttempt
		want   string
	}{
		{api.UpdateAttempt{Outcome: "waiting"}, "1.1.0 waits for the next start, or has yet to prove itself; since 2026-03-10 01:31 UTC"},
		{api.UpdateAttempt{Outcome: "kept"}, "1.1.0 has proved itself and was kept, 2026-03-10 01:31 UTC"},
		{api.UpdateAttempt{Outcome: "fell_back"}, "1.1.0 FELL BACK, 2026-03-10 01:31 UTC. It was cut off before it could say why"},
		{api.UpdateAttempt{Outcome: "fell_back", Check: api.CheckPolicy, Why: "the policy is not in force"}, "UTC: the policy is not in force. The new system does not take this policy."},
		{api.UpdateAttempt{Outcome: "fell_back", Check: api.CheckPage, Why: "the page answers 500"}, "UTC: the page answers 500. Bring it once more."},
	} {
		c.update.Release, c.update.At = "1.1.0", at
		if got := updated(c.update, time.UTC); !strings.Contains(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestWhatKeepsTelephonesFromAnAddressIsTold(t *testing.T) {
	for _, c := range []struct {
		lending api.Lending
		want    string
	}{
		{api.Lending{Lends: true, First: "192.0.2.100", Last: "192.0.2.119", Size: 20, Free: 3}, "17 of 20 addresses lent on eth0, 192.0.2.100 to 192.0.2.119"},
		{api.Lending{Other: "192.0.2.66"}, "LENDS NOTHING: another server, 192.0.2.66, answers on eth0"},
		{api.Lending{Problem: "network is down"}, "LENDS NOTHING on eth0: network is down"},
		{api.Lending{}, "looks first whether another server answers on eth0"},
	} {
		c.lending.Interface = "eth0"
		if got := lent(c.lending); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
