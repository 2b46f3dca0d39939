package api

import (
	"net/http"
	"testing"
)

func TestBansAreListedMadeAndLiftedByPeople(t *testing.T) {
	b, c := newOwnedBench(t)
	b.box.change(func(o *Overview) { o.Bans = []Ban{{Source: "203.0.113.7", Rule: "scanner", Times: 2}} })
	type list struct{ Bans []Ban }
	if got := body[list](t, b.get("/api/v1/bans", c)); len(got.Bans) != 1 || got.Bans[0].Source != "203.0.113.7" || got.Bans[0].Until != nil {
		t.Errorf("listed %+v", got)
	}
	if got := body[Ban](t, b.post("/api/v1/bans", BanRequest{Source: "203.0.113.0/24", Minutes: 5, Reason: "scans"}, c)); got.Source != "203.0.113.0/24" ||
		b.box.who != "admin at 192.0.2.10" || b.box.why != "scans" {
		t.Errorf("banned %+v by %q because %q", got, b.box.who, b.box.why)
	}
	if got := body[Ban](t, b.post("/api/v1/bans/lift", LiftRequest{Source: "203.0.113.7"}, c)); got.Source != "203.0.113.7" {
		t.Errorf("lifted %+v", got)
	}
	wantProblem(t, b.post("/api/v1/bans", BanRequest{Source: "203.0.113.0/24", Minutes: -5}, c), Malformed)
	wantProblem(t, b.post("/api/v1/bans", BanRequest{Source: "203.0.113.0/24"}), NotLoggedIn)
	b.box.err = &Conflict{Detail: "It cannot be banned.", Remedy: "Name one."}
	wantProblem(t, b.post("/api/v1/bans", BanRequest{Source: "0.0.0.0/0"}, c), NotNow)
	wantProblem(t, b.local(http.MethodPost, "/api/v1/bans/lift", LiftRequest{Source: "203.0.113.9"}), NotNow)
}
