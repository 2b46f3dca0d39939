package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tollgate/firmware/api"
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

func TestAnEmergencyIsAcknowledgedOnceAndForWhatHasPassed(t *testing.T) {
	m, at := &emergencies{}, time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	m.note(event.EmergencyCalled{At: at, Call: "c1", From: "201", To: "112", Caller: "pbx"})
	m.note(event.EmergencyCalled{At: at, Call: "c2", From: "202", To: "112", Caller: "pbx"})
	ask := api.AcknowledgeRequest{At: at.In(time.FixedZone("elsewhere", 3600)), Call: "c1"}
	for _, who := range []string{"admin", "somebody else"} {
		if seen, err := m.Acknowledge(ask, who); err != nil || seen.Seen == nil || seen.Seen.Who != "admin" || seen.From != "201" {
			t.Errorf("%s has seen %+v, %v", who, seen, err)
		}
	}
	if got := m.latest(); got[0].Seen != nil || got[1].Seen == nil {
		t.Errorf("seen are %+v", got)
	}
	m.note(event.EmergencyException{At: at, Call: "c1", Rule: "trunks.srtp", Reason: "its audio is not encrypted"})
	if got := m.latest(); got[1].Seen != nil {
		t.Error("what has passed since was seen before it was there")
	}
	var no *api.Conflict
	if _, err := m.Acknowledge(api.AcknowledgeRequest{At: at.Add(time.Second), Call: "c1"}, "admin"); !errors.As(err, &no) {
		t.Errorf("an emergency that was never there: %v", err)
	}
}
