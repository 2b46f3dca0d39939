package api

import (
	"net/http"
	"testing"
)

// money is the judgement of fraud in tests of the API.
type money struct{ *office }

func (m money) Fraud() FraudState { return m.Overview().Fraud }

func (m money) Release(r ReleaseRequest, who string) (FraudBlock, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.who = who
	return FraudBlock{Kind: r.Kind, Of: r.Of, Rule: "fraud.budgets.caller"}, m.err
}

func (m money) Rates() Rates {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Rates{Count: 1, Text: m.imported}
}

func (m money) SetRates(text, who string) (Rates, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.imported, m.who = text, who
	return Rates{Count: 1, Who: who, Text: text}, m.err
}

func TestWhatIsBlockedAgainstFraudIsShownAndReleasedByPeople(t *testing.T) {
	b, c := newOwnedBench(t)
	b.box.change(func(o *Overview) {
		o.Fraud = FraudState{Mode: "act", Spent: 1200, Blocks: []FraudBlock{{Kind: "caller", Of: "12", Rule: "fraud.budgets.caller"}}}
	})
	if got := body[FraudState](t, b.get("/api/v1/fraud", c)); len(got.Blocks) != 1 || got.Blocks[0].Of != "12" || got.Alarms == nil {
		t.Errorf("shown %+v", got)
	}
	if got := body[FraudBlock](t, b.post("/api/v1/fraud/release", ReleaseRequest{Kind: "caller", Of: "12"}, c)); got.Of != "12" || b.box.who != "admin at 192.0.2.10" {
		t.Errorf("released %+v by %q", got, b.box.who)
	}
	wantProblem(t, b.post("/api/v1/fraud/release", ReleaseRequest{Kind: "everybody", Of: "12"}, c), Malformed)
	wantProblem(t, b.post("/api/v1/fraud/release", ReleaseRequest{Kind: "caller", Of: "12"}), NotLoggedIn)
	b.box.err = &Conflict{Detail: "The caller 13 is not blocked.", Remedy: "Look at the list."}
	wantProblem(t, b.local(http.MethodPost, "/api/v1/fraud/release", ReleaseRequest{Kind: "caller", Of: "13"}), NotNow)
}

func TestRatesAreBroughtByPeople(t *testing.T) {
	b, c := newOwnedBench(t)
	const text = "prefix;minute\n+49;0,02\n"
	if got := body[Rates](t, b.post("/api/v1/rates", RatesRequest{Text: text}, c)); got.Count != 1 || b.box.imported != text {
		t.Errorf("brought %+v", got)
	}
	if got := body[Rates](t, b.get("/api/v1/rates", c)); got.Text != text {
		t.Errorf("shown %+v", got)
	}
	wantProblem(t, b.get("/api/v1/rates"), NotLoggedIn)
	b.box.err = &Conflict{Detail: "The list has faults:\nline 2: prefix.", Remedy: "Correct these lines; nothing was changed."}
	wantProblem(t, b.post("/api/v1/rates", RatesRequest{Text: "x"}, c), NotNow)
}
