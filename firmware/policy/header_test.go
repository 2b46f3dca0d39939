package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAHeaderRuleIsForInvitesUnlessItSaysOtherwise(t *testing.T) {
	p := mustParse(t, strings.Replace(small, "    accounts:", "    headers: [{direction: to, action: set, name: X-Customer, value: \"1\"}]\n    accounts:", 1))
	if diff := cmp.Diff([]string{"INVITE"}, p.Trunks[0].Headers[0].Requests); diff != "" {
		t.Error(diff)
	}
}

func TestAHeaderRuleForResponsesIsForNothingElseUnlessItSaysSo(t *testing.T) {
	rule := func(more string) HeaderRule {
		return mustParse(t, strings.Replace(small, "    accounts:", "    headers: [{direction: to, "+more+"action: set, name: X-Customer, value: \"1\"}]\n    accounts:", 1)).Trunks[0].Headers[0]
	}
	if got := rule("responses: [INVITE], ").String(); got != "to responses to INVITE set X-Customer: 1" {
		t.Errorf("got %s", got)
	}
	if got := rule("responses: [INVITE], requests: [INVITE, BYE], ").String(); got != "to INVITE BYE responses to INVITE set X-Customer: 1" {
		t.Errorf("got %s", got)
	}
}

func TestDiffShowsHeaderRulesAndSwitches(t *testing.T) {
	const rules = "    trusted: true\n    headers: [{direction: to, requests: [INVITE, BYE], action: set, name: X-Customer, value: \"1\"}, {direction: from, action: remove, name: Privacy}]\n    accounts:"
	got := changes(Diff(mustParse(t, small), mustParse(t, strings.Replace(small, "    accounts:", rules, 1))))
	want := []string{"trunks[carrier-a].trusted: added true",
		"trunks[carrier-a].headers: added to INVITE BYE set X-Customer: 1, from INVITE remove Privacy"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A word where a switch is expected, or a switch where a word is, is a fault: "trusted: no" must not mean yes to anybody.
func TestASwitchIsTrueOrFalse(t *testing.T) {
	for doc, want := range map[string]string{
		"    trusted: no\n    accounts:":          "is text where true or false is expected",
		"    trusted: 1\n    accounts:":           "is a number where true or false is expected",
		"    health: true\n    accounts:":         "is true or false where text is expected",
		"    outbound_proxy: true\n    accounts:": "is true or false where a list is expected",
	} {
		_, err := Parse([]byte(strings.Replace(small, "    accounts:", doc, 1)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", strings.TrimSpace(doc), err, want)
		}
	}
}
