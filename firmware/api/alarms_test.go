package api

import (
	"strings"
	"testing"
	"time"
)

func TestAnEmergencyIsAcknowledgedByAPersonAndTheLogKeepsIt(t *testing.T) {
	b, c := newOwnedBench(t)
	at := time.Date(2026, 3, 10, 9, 0, 0, 123456789, time.UTC)
	ask := AcknowledgeRequest{At: at, Call: "c1"}
	got := body[Emergency](t, b.post("/api/v1/emergencies/acknowledge", ask, c))
	if !got.At.Equal(at) || got.Seen == nil || got.Seen.Who != "admin at 192.0.2.10" {
		t.Errorf("acknowledged %+v", got)
	}
	if line := b.log.String(); !strings.Contains(line, `msg="emergency acknowledged" who="admin at 192.0.2.10"`) || !strings.Contains(line, "call=c1") || !strings.Contains(line, "to=112") {
		t.Errorf("the log says %q", line)
	}
	wantProblem(t, b.post("/api/v1/emergencies/acknowledge", ask), NotLoggedIn)
	b.box.err = &Conflict{Detail: "There is no such emergency.", Remedy: "Look at the overview."}
	wantProblem(t, b.post("/api/v1/emergencies/acknowledge", ask, c), NotNow)
}
