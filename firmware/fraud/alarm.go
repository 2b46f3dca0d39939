package fraud

import (
	"fmt"
	"strings"
	"time"

	"tollgate/firmware/policy"
)

// Alarm is something that was found out, told once for each period.
type Alarm struct {
	At        time.Time
	Rule      string             // the key of the policy that decided, such as fraud.caller.night.calls, or fraud.baseline.abroad
	Of        string             // the caller, prefix, trunk ... it is about; "" for all calls
	Caller    string             // of the call that it was found out by; "" when a running call's money was gone
	Number    string             // that the call went to
	Action    policy.FraudAction // what was done about it, or would have been
	Simulated bool               // nothing was done
	Reason    string             // a sentence for the administrator
}

// Refusal says why a call may not go.
type Refusal struct{ Rule, Reason string }

// Cut is a running call that has to end.
type Cut struct {
	ID           uint64
	Rule, Reason string
}

// finding is what a rule has found out, before anything is done about it.
type finding struct {
	rule   string
	of     accountKey
	reason string
	action policy.FraudAction
	quiet  int64 // the same is told again when this is another number
	rare   bool  // it is about money for what is not usual
}

// subject names what an account is of, for a sentence.
func (k accountKey) subject(name string) string {
	switch k.scope {
	case ofCaller, ofCallerUsual:
		return "caller " + orUnknown(k.name)
	case ofPrefix:
		return "prefix " + k.name + inBrackets(name)
	case ofLand:
		return k.name + inBrackets(name)
	case ofTrunk:
		return "trunk " + k.name
	}
	return "the office"
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func inBrackets(name string) string {
	if name == "" {
		return ""
	}
	return " (" + name + ")"
}

// sentence says which level was reached.
func (e excess) sentence(who string) string {
	when := map[Period]string{Day: "by day", Night: "at night", Weekend: "at the weekend"}[e.period]
	format := map[string]string{
		"calls":        "%s has %d calls that cost, %s at most %d are allowed",
		"per_minute":   "%s has %d calls that cost within a minute, %s at most %d are allowed",
		"simultaneous": "%s has %d calls that cost at once, %s at most %d are allowed",
		"sequential":   "%s has %d calls one after the other to the same prefix, %s at most %d are allowed",
		"minutes":      "%s has %d minutes of calls that cost, %s at most %d are allowed",
	}[e.what]
	return fmt.Sprintf(format, who, e.value, when, e.limit)
}

// budgetKey is the key of the policy for the budget of an account.
func (s scope) budgetKey() string {
	return "fraud.budgets." + [scopes]string{
		ofCaller: "caller", ofCallerUsual: "caller", ofPrefix: "prefix", ofLand: "unfamiliar", ofUnusual: "unusual", ofTrunk: "trunk",
		ofDay: "day", ofNight: "night", ofNightUsual: "night",
	}[s]
}

// gone says that the money of an account is.
func (k accountKey) gone(name string, limit, rate Money) string {
	money := strings.TrimSuffix(limit.String(), ".00 €")
	if money != limit.String() {
		money += " €"
	}
	day := fmt.Sprintf("%s has used its %s of the day", k.subject(name), money)
	night := fmt.Sprintf("the calls of the night or weekend have used their %s", money)
	what := map[scope]string{
		ofPrefix:  fmt.Sprintf("calls to %s have used their %s of the day", k.subject(name), money),
		ofLand:    fmt.Sprintf("calls to %s, where the office does not usually call, have used their %s", k.subject(name), money),
		ofUnusual: fmt.Sprintf("calls to premium numbers and to where the office does not usually call have used their %s of the day", money),
		ofDay:     fmt.Sprintf("the calls of the day have used their %s", money),
		ofCaller:  day, ofCallerUsual: day, ofTrunk: day, ofNight: night, ofNightUsual: night,
	}[k.scope]
	if rate > 0 {
		what += fmt.Sprintf("; this call may cost %s a minute", rate)
	}
	return what
}
