package header

import (
	"testing"

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
