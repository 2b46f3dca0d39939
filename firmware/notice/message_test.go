package notice

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

func TestAMessageOfTheOfficeReachesTheCarrier(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		x := s.pbx.ask(sip.MESSAGE, "00472105518", "text/plain", "Grüße\r\n", "User-Agent: marked")
		got := s.a.gets(sip.MESSAGE)
		in := got.in
		if in.Recipient.String() != "sip:+33472105518@carrier-a.example" || in.From().Address.String() != "sip:+33123456700@carrier-a.example" {
			t.Errorf("to %s from %s", in.Recipient.String(), in.From().Address.String())
		}
		if string(in.Body()) != "Grüße\r\n" || value(in, "Content-Type") != "text/plain;charset=UTF-8" || in.Contact() != nil {
			t.Errorf("it was sent as\n%s", in.Request)
		}
		got.respond(202)
		x.expect(202)
	})
}

func TestAMessageOfACarrierReachesTheOffice(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		x := s.a.ask(sip.MESSAGE, "line-carrier-a", "text/plain;charset=utf-8", "hello", "From: sip:+33612345678@carrier-a.example")
		got := s.pbx.gets(sip.MESSAGE)
		if got.in.Recipient.User != "0123456700" || got.in.From().Address.User != "0612345678" {
			t.Errorf("to %s from %s", got.in.Recipient.User, got.in.From().Address.User)
		}
		got.respond(200)
		x.expect(200)
		withheld := s.a.ask(sip.MESSAGE, "+33123456700", "text/plain", "hello", "From: sip:+33612345678@carrier-a.example", "Privacy: id")
		got = s.pbx.gets(sip.MESSAGE)
		if got.in.From().Address.User != "anonymous" {
			t.Errorf("a withheld sender is shown as %s", got.in.From().Address.User)
		}
		got.respond(404)
		withheld.expect(404)
	})
}

func TestAMessageTriesOneServerAndOneCarrierAfterTheOther(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.twoOfA = true
		x := s.pbx.ask(sip.MESSAGE, "00472105518", "text/plain", "one")
		got := s.a.gets(sip.MESSAGE)
		got.respond(503)
		other := s.b.gets(sip.MESSAGE)
		if other.in.From().Address.User != "+33123456800" {
			t.Errorf("presented to the second carrier: %s", other.in.From().Address.User)
		}
		other.respond(200)
		x.expect(200)
		if want := []string{"dead"}; !slices.Equal(s.avoided, want) {
			t.Errorf("avoided %v, want %v", s.avoided, want)
		}
		s.twoOfA = false
		begun := time.Now()
		x = s.pbx.ask(sip.MESSAGE, "00472105518", "text/plain", "two")
		s.a.gets(sip.MESSAGE) // and no answer
		s.b.gets(sip.MESSAGE).respond(200)
		x.expect(200)
		if took := time.Since(begun); took > 6*time.Second {
			t.Errorf("a silent carrier was waited for %v", took)
		}
	})
}

func TestAChallengeOfTheCarrierIsAnswered(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.accounts = true
		x := s.pbx.ask(sip.MESSAGE, "00472105518", "text/plain", "one")
		s.a.gets(sip.MESSAGE).respond(407, `Proxy-Authenticate: Digest realm="carrier", nonce="1", algorithm=SHA-256, qop="auth"`)
		again := s.a.gets(sip.MESSAGE)
		if !strings.Contains(value(again.in, "Proxy-Authorization"), `username="line-carrier-a"`) {
			t.Errorf("answered with %q", value(again.in, "Proxy-Authorization"))
		}
		again.respond(200)
		x.expect(200)
	})
}

func TestHeaderRulesActOnMessages(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.rules = []policy.HeaderRule{
			{Direction: policy.DirectionTo, Requests: []string{"MESSAGE"}, Action: policy.HeaderSet, Name: "X-Customer", Value: "7"},
			{Direction: policy.DirectionFrom, Requests: []string{"MESSAGE"}, Action: policy.HeaderRemove, Name: "Privacy"},
		}
		x := s.pbx.ask(sip.MESSAGE, "00472105518", "text/plain", "one")
		got := s.a.gets(sip.MESSAGE)
		if value(got.in, "X-Customer") != "7" {
			t.Errorf("sent\n%s", got.in.Request)
		}
		got.respond(200)
		x.expect(200)
		x = s.a.ask(sip.MESSAGE, "+33123456700", "text/plain", "two", "From: sip:+33612345678@carrier-a.example", "Privacy: id")
		got = s.pbx.gets(sip.MESSAGE)
		if got.in.From().Address.User != "0612345678" {
			t.Errorf("from %s", got.in.From().Address.User)
		}
		got.respond(200)
		x.expect(200)
	})
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		for name, c := range map[string]struct {
			from             *actor
			to, kind, body   string
			status           int
			header, contains string
		}{
			"another type":       {s.pbx, "00472105518", "text/html", "<b>", 415, "Accept", "text/plain"},
			"another charset":    {s.pbx, "00472105518", "text/plain;charset=latin1", "x", 415, "Accept", "text/plain"},
			"too long":           {s.pbx, "00472105518", "text/plain", strings.Repeat("x", 1301), 413, "", ""},
			"no text":            {s.pbx, "00472105518", "text/plain", "", 400, "", ""},
			"no UTF-8":           {s.pbx, "00472105518", "text/plain", "\xff", 400, "", ""},
			"control characters": {s.pbx, "00472105518", "text/plain", "a\x00b", 400, "", ""},
			"no number":          {s.pbx, "nobody", "text/plain", "x", 484, "", ""},
			"no route":           {s.pbx, "00012125550123", "text/plain", "x", 404, "", ""},
			"no number of ours":  {s.a, "+33472105518", "text/plain", "x", 404, "", ""},
			"another trunk's":    {s.a, "+33123456800", "text/plain", "x", 404, "", ""},
		} {
			res := c.from.ask(sip.MESSAGE, c.to, c.kind, c.body).expect(c.status)
			if c.header != "" && value(res, c.header) != c.contains {
				t.Errorf("%s: %s is %q, want %q", name, c.header, value(res, c.header), c.contains)
			}
		}
		s.pbx.ask(sip.MESSAGE, "00472105518", "text/plain", "x", "Require: teleport").expect(420)
	})
}

func TestMessagesAreAdmittedLikeCallsAndBounded(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		p := officePolicy()
		p.Limits.Calls = 0
		s.gate.Set(p, time.UTC)
		s.pbx.ask(sip.MESSAGE, "00472105518", "text/plain", "x").expect(503)
		x := s.pbx.ask(sip.MESSAGE, "112", "text/plain", "help")
		s.a.gets(sip.MESSAGE).respond(403) // emergency: the next one is asked whatever this one says
		s.b.gets(sip.MESSAGE).respond(200)
		x.expect(200)
		time.Sleep(time.Minute)
		var many []*exchange
		for i := range burst + 10 {
			many = append(many, s.a.ask(sip.MESSAGE, "+33123456700", "text/plain", fmt.Sprint(i)))
		}
		for range burst {
			s.pbx.gets(sip.MESSAGE).respond(200)
		}
		statuses := map[int]int{}
		for _, x := range many {
			statuses[x.next().Response.StatusCode]++
		}
		if statuses[200] != burst || statuses[503] != 10 {
			t.Errorf("answers %v, want %d passed and 10 refused", statuses, burst)
		}
		if rules := s.refused(); !slices.Contains(rules, "limits.calls") || !slices.Contains(rules, "rate") {
			t.Errorf("told %v", rules)
		}
	})
}

func TestAMessageUnderANumberThatIsNotTheTrunksIsRefusedWhereThePolicySaysSo(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.unowned = policy.UnownedRefuse
		s.pbx.ask(sip.MESSAGE, "00472105518", "text/plain", "one", "From: sip:0698765432@192.0.2.10").expect(403)
		x := s.pbx.ask(sip.MESSAGE, "00472105518", "text/plain", "two", "From: sip:0123456800@192.0.2.10")
		got := s.b.gets(sip.MESSAGE) // whose number that is
		got.respond(200)
		x.expect(200)
		for to, from := range map[string]string{"00472105518": "201", "112": "0698765432"} {
			x = s.pbx.ask(sip.MESSAGE, to, "text/plain", "three", "From: sip:"+from+"@192.0.2.10")
			got = s.a.gets(sip.MESSAGE)
			if shown := got.in.From().Address.User; shown != "+33123456700" {
				t.Errorf("%s to %s is shown as %s", from, to, shown)
			}
			got.respond(200)
			x.expect(200)
		}
	})
}
