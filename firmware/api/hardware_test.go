package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func (o *office) Hardware() Hardware {
	degrees := 51.5
	return Hardware{Model: "Raspberry Pi 4 Model B", Serial: "beef", Temperature: &degrees, Button: true, Worries: []string{}, Crashes: []Crash{
		{At: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), LastedSeconds: 90, How: "exit code 2", Version: "1.2.3", Text: "panic: as it must", Dismissed: o.dismissed != ""},
	}}
}

func (o *office) Dismiss(who string) error {
	if o.dismissed != "" {
		return &Conflict{Detail: "The program has not ended before its time.", Remedy: "There is nothing to dismiss."}
	}
	o.dismissed = who
	return nil
}

func TestTheEndOfTheProgramIsShownUntilSomebodyHasSeenIt(t *testing.T) {
	b, c := newOwnedBench(t)
	var shown Hardware
	if res := b.get("/api/v1/hardware", c); res.Code != http.StatusOK || json.Unmarshal(res.Body.Bytes(), &shown) != nil {
		t.Fatalf("%d: %s", res.Code, res.Body)
	}
	if len(shown.Crashes) != 1 || shown.Crashes[0].Dismissed || shown.Crashes[0].Text != "panic: as it must" || !shown.Button || *shown.Temperature != 51.5 || shown.Wear != nil {
		t.Errorf("it shows %+v", shown)
	}
	if res := b.post("/api/v1/crashes/dismiss", "", c); res.Code != http.StatusOK || json.Unmarshal(res.Body.Bytes(), &shown) != nil || !shown.Crashes[0].Dismissed {
		t.Errorf("%d: %s", res.Code, res.Body)
	}
	if !strings.HasPrefix(b.box.dismissed, "admin") || !strings.Contains(b.log.String(), "ends of the program dismissed") {
		t.Errorf("dismissed by %q", b.box.dismissed)
	}
	wantProblem(t, b.post("/api/v1/crashes/dismiss", "", c), NotNow)
}

func TestAPolicyThatNeedsAPressSaysSo(t *testing.T) {
	p := newBench(t).server.boxProblem("import", &PressNeeded{Opened: []string{"admission.classes: premium", "admission.countries: DE"}}).(*Problem)
	if p.Type != PressTheButton || p.Status != http.StatusConflict || !strings.Contains(p.Detail, "admission.classes: premium; admission.countries: DE") || !strings.Contains(p.Remedy, "button") {
		t.Errorf("it says %+v", p)
	}
}
