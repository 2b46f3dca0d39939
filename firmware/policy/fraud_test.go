package policy

import (
	"strings"
	"testing"
)

// A nought is no bound, and what the store keeps must not turn it into the default again.
func TestABoundThatIsSwitchedOffStaysSwitchedOff(t *testing.T) {
	doc := strings.NewReplacer("sequential: 20", "sequential: 0", "    trunk: 150", "    trunk: 0",
		"weekend: {calls: 15, per_minute: 4, simultaneous: 2, sequential: 8, minutes: 90}", "weekend: {calls: 0, per_minute: 0, simultaneous: 0, sequential: 0, minutes: 0}",
		"  days: 90", "  days: 0").Replace(string(Example()))
	p, err := Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if p.Fraud.Caller.Day.Sequential != 0 || p.Fraud.Budgets.Trunk != 0 || p.Fraud.Caller.Weekend != (FraudLevel{}) || p.Rotation.Days != 0 {
		t.Fatalf("read %+v, %+v", p.Fraud, p.Rotation)
	}
	kept, err := p.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(kept)
	if err != nil || again.Fraud.Caller != p.Fraud.Caller || again.Fraud.Budgets != p.Fraud.Budgets || again.Rotation != p.Rotation {
		t.Errorf("kept %v, %+v", err, again)
	}
}
