package main

import (
	"fmt"
	"testing"
	"time"

	"tollgate/firmware/event"
)

func TestAnEmergencyCallStandsWithWhatPassedForIt(t *testing.T) {
	m, at := &emergencies{}, time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	m.note(event.EmergencyException{At: at, Rule: "wrong digest", Reason: "its digest is wrong"})
	m.note(event.EmergencyCalled{At: at, Call: "c1", From: "201", To: "112", Caller: "pbx"})
	shown := m.latest()
	for range 2 { // the same thing twice is told once
		m.note(event.EmergencyException{At: at, Call: "c1", Rule: "trunks.srtp", Reason: "its audio is not encrypted"})
	}
	m.note(event.CallAnswered{Call: "c1"}) // of no concern
	got := m.latest()
	if len(got) != 2 || got[0].To != "112" || got[0].Source != "pbx" || len(got[0].Exceptions) != 1 || got[0].Exceptions[0].Rule != "trunks.srtp" {
		t.Errorf("got %+v", got)
	}
	if got[1].Call != "" || got[1].Exceptions[0].Rule != "wrong digest" {
		t.Errorf("what passed before the call: %+v", got[1])
	}
	if len(shown[0].Exceptions) != 0 {
		t.Error("what was shown before has changed")
	}
}

func TestOnlyTheLatestEmergenciesAreKept(t *testing.T) {
	m := &emergencies{}
	for i := range 3 * emergenciesKept {
		m.note(event.EmergencyCalled{Call: fmt.Sprint(i)})
	}
	for i := range 3 * exceptionsKept {
		m.note(event.EmergencyException{Call: fmt.Sprint(3*emergenciesKept - 1), Reason: fmt.Sprint(i)})
	}
	if got := m.latest(); len(got) != emergenciesKept || len(got[0].Exceptions) != exceptionsKept {
		t.Errorf("%d are kept, the first with %d exceptions", len(got), len(got[0].Exceptions))
	}
}
