package call

import (
	"strings"
	"testing"

	"tollgate/firmware/policy"
)

// twoAccounts gives carrier-a a second account with a number of its own.
func twoAccounts(p *policy.Policy) {
	p.Trunks[0].Accounts = append(p.Trunks[0].Accounts, policy.Account{User: "branch", Numbers: []string{"+33123456701", "+33123456702"}})
}

func TestTheNumberPresentedChoosesTheAccount(t *testing.T) {
	for from, account := range map[string]string{
		"0123456700": "office", "0123456702": "branch",
		"201": "office", // an extension is no number of any account: the first one's is shown
	} {
		s := newScene(t, twoAccounts)
		caller := s.pbx.dial(from, "00472105518", clearSDP("192.0.2.50"))
		callee := s.a.called()
		if got := callee.in.Contact().Address.User; got != account {
			t.Errorf("a call from %s leaves with the contact of account %s, want %s", from, got, account)
		}
		if shown := callee.in.From().Address.User; account == "branch" && shown != "+33123456702" {
			t.Errorf("a call from %s shows %s", from, shown)
		}
		callee.respond(486, "")
		caller.expect(486)
	}
}

func TestTheContactCalledChoosesTheAccount(t *testing.T) {
	for called, want := range map[string]string{
		"office": "0123456700", "branch": "0123456701", // the first number of the account whose contact is called
		"+33123456702": "0123456702", // as with bulk registration: the number itself
	} {
		s := newScene(t, twoAccounts)
		caller := s.a.dial("+33472105518", called, secureSDP("203.0.113.8"))
		callee := s.pbx.called()
		if got := callee.in.Recipient.User; got != want {
			t.Errorf("a call to %s reaches the PBX as %s, want %s", called, got, want)
		}
		callee.respond(180, "")
		res := caller.expect(180)
		if c := res.Contact(); c == nil || strings.HasPrefix(called, "+") == (c.Address.User != "") {
			t.Errorf("a call to %s is answered with contact %v", called, c)
		}
		callee.respond(486, "")
		caller.expect(486)
	}
}
