package header

import (
	"testing"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"

	"tollgate/firmware/policy"
)

func TestRulesActInTheirOrder(t *testing.T) {
	invite := []string{"INVITE"}
	for _, c := range []struct {
		name  string
		rules []policy.HeaderRule
		want  []string
	}{
		{"none", nil, []string{"privacy: id", "Privacy: user", "Call-Info: x"}},
		{"add", []policy.HeaderRule{{Direction: "to", Requests: invite, Action: "add", Name: "Privacy", Value: "none"}},
			[]string{"privacy: id", "Privacy: user", "Call-Info: x", "Privacy: none"}},
		{"set", []policy.HeaderRule{{Direction: "to", Requests: invite, Action: "set", Name: "PRIVACY", Value: "none"}},
			[]string{"Call-Info: x", "PRIVACY: none"}},
		{"remove", []policy.HeaderRule{{Direction: "to", Requests: invite, Action: "remove", Name: "Privacy"}}, []string{"Call-Info: x"}},
		{"one after the other", []policy.HeaderRule{{Direction: "to", Requests: invite, Action: "set", Name: "X-A", Value: "1"},
			{Direction: "to", Requests: invite, Action: "remove", Name: "x-a"}, {Direction: "to", Requests: invite, Action: "remove", Name: "Privacy"}}, []string{"Call-Info: x"}},
		{"another request", []policy.HeaderRule{{Direction: "to", Requests: []string{"BYE"}, Action: "remove", Name: "Privacy"}}, []string{"privacy: id", "Privacy: user", "Call-Info: x"}},
		{"the other way", []policy.HeaderRule{{Direction: "from", Requests: invite, Action: "remove", Name: "Privacy"}}, []string{"privacy: id", "Privacy: user", "Call-Info: x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := message("privacy: id", "Privacy: user", "Call-Info: x")
			got := Rewrite(before, c.rules, policy.DirectionTo)
			got.RemoveHeader("Content-Length")
			if diff := cmp.Diff(c.want, texts(got.Headers())); diff != "" {
				t.Error(diff)
			}
			if len(before.Headers()) != 3 {
				t.Error("the original was changed")
			}
		})
	}
}

func TestRulesForResponsesLeaveRequestsAlone(t *testing.T) {
	back := []string{"INVITE"}
	rules := []policy.HeaderRule{
		{Direction: "from", Responses: back, Action: "remove", Name: "Reason"},
		{Direction: "to", Responses: back, Action: "set", Name: "X-A", Value: "1"},
	}
	request := message("Reason: x")
	for _, d := range []policy.Direction{policy.DirectionTo, policy.DirectionFrom} {
		if got := Rewrite(request, rules, d); got != request {
			t.Errorf("a request was changed: %v", texts(got.Headers()))
		}
	}
	if got := RewriteFields("INVITE", nil, rules); len(got) > 0 {
		t.Errorf("a request to be was changed: %v", texts(got))
	}
	res := sip.NewResponse(180, "Ringing")
	res.AppendHeader(sip.NewHeader("reason", "x"))
	changed := RewriteResponse("INVITE", res, rules)
	changed.RemoveHeader("Content-Length")
	if len(changed.Headers()) != 0 || len(res.Headers()) != 1 {
		t.Errorf("a response became %v, the original %v", texts(changed.Headers()), texts(res.Headers()))
	}
	if got := RewriteResponse("BYE", res, rules); got != res {
		t.Error("a response to another request was changed")
	}
	fields := []sip.Header{sip.NewHeader("x-a", "2")}
	if got := texts(RewriteReply("INVITE", fields, rules)); len(got) != 1 || got[0] != "X-A: 1" || fields[0].Value() != "2" {
		t.Errorf("a reply became %v", got)
	}
}
