package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestCallsThatAreOverAreShownToTheAdministratorAlone(t *testing.T) {
	b := newBench(t)
	b.box.ended = []EndedCall{{
		Call:  Call{ID: "c1", From: "+33123456700", Diagnosis: &Diagnosis{Rule: "never came", Sentence: InWords{English: "nothing arrives", French: "rien n’arrive"}}},
		Ended: time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC), Seconds: 61.5, Reason: "hung up by pbx",
	}}
	if r := b.get("/api/v1/calls/ended"); r.Code != http.StatusUnauthorized || strings.Contains(r.Body.String(), "+33123456700") {
		t.Errorf("a stranger gets %d %s", r.Code, r.Body)
	}
	r := b.local(http.MethodGet, "/api/v1/calls/ended", nil)
	var body EndedCalls
	err := json.Unmarshal(r.Body.Bytes(), &body)
	if got := body.Calls; err != nil || len(got) != 1 || got[0].Seconds != 61.5 || got[0].Call.Diagnosis.Sentence.French != "rien n’arrive" {
		t.Errorf("%d %s, %v", r.Code, r.Body, err)
	}
	if !strings.Contains(r.Body.String(), `"tried":[]`) {
		t.Errorf("a list is missing: %s", r.Body)
	}
}
