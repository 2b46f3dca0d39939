package site_test

import (
	"strings"
	"testing"

	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/site"
)

// TestAnEmergencyCallFindsTheOneTrunkThatLives has two trunks of which one says nothing and one refuses connections; the
// third must encrypt, and its carrier cannot.
func TestAnEmergencyCallFindsTheOneTrunkThatLives(t *testing.T) {
	s := open(t, site.Wishes{SRTP: "required"})
	far, err := s.Answer("tls")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if err := s.Dial(t.Context(), far, "tls", branch.Emergency); err != nil {
		t.Error(err)
	}
	if far.Declined != 1 {
		t.Errorf("SRTP was declined %d times, want once", far.Declined)
	}
	if said := s.Box.Process.Output(); !strings.Contains(said, "emergency exception") || !strings.Contains(said, "rule=trunks.srtp") {
		t.Error("the box does not say that the audio was clear")
	}
	if err := s.Box.AwaitRest(t.Context()); err != nil {
		t.Error(err)
	}
}
