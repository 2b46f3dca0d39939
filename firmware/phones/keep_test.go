package phones

import (
	"maps"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

// A card wears out by what is written to it.
func TestRefreshesOfAnHourAreFewWritesAndARestartForgetsNoPhone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		s.answer = s.granting(600)
		phone := s.phone(policy.UDP, "192.0.2.31:5060")
		for range 60 {
			expectOK(t, s.register(phone, proof).StatusCode)
			time.Sleep(time.Minute)
		}
		if s.writes > 6 {
			t.Errorf("%d writes in an hour of refreshes", s.writes)
		}
		// Cut off, and started again with what was written last: the phone is still known, and not for ever.
		written := maps.Clone(s.records)
		s.p.Close()
		s.records = written
		s.start()
		if known := s.p.State().Registers; len(known) != 1 || !known[0].Expires.After(time.Now()) || known[0].Expires.After(time.Now().Add(anywhere)) {
			t.Errorf("after the power cut: %+v", known)
		}
	})
}

func TestAPhoneThatMovesIsWrittenAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		expectOK(t, s.register(s.phone(policy.UDP, "192.0.2.31:5060"), proof).StatusCode)
		time.Sleep(2 * saveAfter)
		before := s.writes
		expectOK(t, s.register(s.phone(policy.UDP, "192.0.2.32:5060"), proof).StatusCode)
		time.Sleep(2 * saveAfter)
		if s.writes != before+1 {
			t.Errorf("%d writes of a new place", s.writes-before)
		}
	})
}

func expectOK(t *testing.T, status int) {
	t.Helper()
	if status != 200 {
		t.Fatalf("answered %d", status)
	}
}
