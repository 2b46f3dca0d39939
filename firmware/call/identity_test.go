package call

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// identity is what an INVITE says about who calls, as text without tags.
func identity(in *ua.Incoming) string {
	from, _, _ := strings.Cut(in.GetHeaders("From")[0].Value(), ";tag=")
	return "From: " + from + "\n" + fields(in, "P-Asserted-Identity", "Privacy", "Diversion", "History-Info", "Identity")
}

// from is an INVITE of the office with this From and these fields.
func (s *scene) from(from, to string, list ...string) *dialog {
	d := draftTo(to, clearSDP("192.0.2.50"), list...)
	d.From = from
	return s.pbx.send(d)
}

// carrierCalls is an INVITE of carrier-a with this From and these fields; it rings at the PBX.
func (s *scene) carrierCalls(from string, list ...string) (caller, callee *dialog) {
	s.t.Helper()
	d := draftTo("+33123456700", secureSDP("203.0.113.8"), list...)
	d.From, d.Contact, d.Local.Host = from, "sip:gw@203.0.113.7", "203.0.113.7"
	caller = s.a.send(d)
	callee = s.pbx.called()
	callee.respond(180, "")
	caller.expect(180)
	return caller, callee
}

// twoNumbers gives the first trunk a second number.
func twoNumbers(p *policy.Policy) {
	p.Trunks[0].Accounts[0].Numbers = []string{"+33123456700", "+33123456701"}
}

func TestACarrierIsShownNumbersOfItsOwn(t *testing.T) {
	const first, second = "<sip:+33123456700@carrier-a.example>", "<sip:+33123456701@carrier-a.example>"
	for _, c := range []struct {
		name, from string
		fields     []string
		want       string
	}{
		{"a number of the trunk", "sip:0123456701@192.0.2.10", nil, "From: " + second + "\nP-Asserted-Identity: " + second},
		{"an extension", "sip:201@192.0.2.10", nil, "From: " + first + "\nP-Asserted-Identity: " + first},
		{"an extension that prefers a number", "sip:201@192.0.2.10", []string{"P-Preferred-Identity: <sip:0123456701@192.0.2.10>"}, "From: " + second + "\nP-Asserted-Identity: " + second},
		{"an extension for which one is asserted", "sip:201@192.0.2.10", []string{"P-Asserted-Identity: \"Desk\" <tel:+33-1-23-45-67-01>"}, "From: " + second + "\nP-Asserted-Identity: " + second},
		{"somebody else's number", "sip:0698765432@192.0.2.10", nil, "From: " + first + "\nP-Asserted-Identity: " + first},
		{"somebody else's number, asserted too", "sip:0698765432@192.0.2.10", []string{"P-Asserted-Identity: <sip:0698765432@192.0.2.10>", "P-Preferred-Identity: <tel:+33698765432>"},
			"From: " + first + "\nP-Asserted-Identity: " + first},
		{"forged ways", "sip:201@192.0.2.10", []string{"Diversion: <sip:0698765432@192.0.2.10>;reason=no-answer", "History-Info: <sip:0698765432@192.0.2.10>;index=1", "Remote-Party-ID: <sip:0698765432@192.0.2.10>",
			"Identity: aGVhZA.Ym9keQ.c2ln;info=<https://cert.example/p.cer>"}, "From: " + first + "\nP-Asserted-Identity: " + first},
		{"a colleague's call sent on", "sip:0123456701@192.0.2.10", []string{"Diversion: \"Desk\" <sip:0123456700@192.0.2.10>;reason=no-answer;counter=2", "Diversion: <sip:202@192.0.2.10>"},
			"From: " + second + "\nP-Asserted-Identity: " + second + "\nDiversion: " + first + ";reason=no-answer;counter=2;privacy=off"},
		{"the same in the other words", "sip:0123456701@192.0.2.10", []string{"History-Info: <sip:0123456700@192.0.2.10>;index=1, <sip:202@192.0.2.10>;index=1.1, <sip:0472105518@192.0.2.1;cause=302>;index=1.2;mp=1"},
			"From: " + second + "\nP-Asserted-Identity: " + second + "\nHistory-Info: " + first + ";index=1, <sip:+33472105518@carrier-a.example;cause=302>;index=1.1;mp=1"},
		{"a withheld one", "sip:0123456701@192.0.2.10", []string{"Privacy: id"}, "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>\nP-Asserted-Identity: " + second + "\nPrivacy: id"},
		{"an anonymous one that prefers a number", "sip:anonymous@anonymous.invalid", []string{"P-Preferred-Identity: <sip:0123456701@192.0.2.10>"},
			"From: \"Anonymous\" <sip:anonymous@anonymous.invalid>\nP-Asserted-Identity: " + second + "\nPrivacy: id"},
		{"one that wants to be seen", "sip:0123456701@192.0.2.10", []string{"Privacy: none"}, "From: " + second + "\nP-Asserted-Identity: " + second + "\nPrivacy: none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, twoNumbers)
			caller := s.from(c.from, "00472105518", c.fields...)
			callee := s.a.called()
			if diff := cmp.Diff(strings.TrimSpace(c.want), strings.TrimSpace(identity(callee.in))); diff != "" {
				t.Error(diff)
			}
			callee.respond(486, "")
			caller.expect(486)
			noLeak(t, s.a, "698765432", "remote-party-id", "Desk", "cert.example", "192.0.2.1")
		})
	}
}

func TestANumberThatIsNotTheTrunksIsRefusedWhereThePolicySaysSo(t *testing.T) {
	refuse := func(trunks ...int) func(*policy.Policy) {
		return func(p *policy.Policy) {
			twoNumbers(p)
			for _, i := range trunks {
				p.Trunks[i].UnownedNumbers = policy.UnownedRefuse
			}
		}
	}
	t.Run("by every trunk", func(t *testing.T) {
		s := newScene(t, refuse(0, 1))
		caller := s.from("sip:0698765432@192.0.2.10", "00472105518", "P-Asserted-Identity: <sip:0123456701@192.0.2.10>")
		caller.expect(403)
		if e := find[event.CallRefused](s); e.Rule != "trunks.unowned_numbers" || e.Reason != "+33698765432 is no number of trunk carrier-b" {
			t.Errorf("refused by %s: %s", e.Rule, e.Reason)
		}
	})
	t.Run("by the trunk that does not own it", func(t *testing.T) {
		s := newScene(t, refuse(0))
		caller := s.from("sip:0123456800@192.0.2.10", "00472105518")
		callee := s.b.called()
		if got := identity(callee.in); !strings.HasPrefix(got, "From: <sip:+33123456800@") {
			t.Errorf("the other trunk got\n%s", got)
		}
		callee.respond(486, "")
		caller.expect(486)
	})
	for name, c := range map[string]struct{ from, to string }{
		"not an extension":       {"sip:201@192.0.2.10", "00472105518"},
		"not an anonymous one":   {"sip:anonymous@anonymous.invalid", "00472105518"},
		"not an own number":      {"sip:0123456701@192.0.2.10", "00472105518"},
		"not an emergency call":  {"sip:0698765432@192.0.2.10", "112"},
		"nor one behind a digit": {"sip:0698765432@192.0.2.10", "0112"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, refuse(0, 1))
			caller := s.from(c.from, c.to)
			callee := s.a.called()
			if got := identity(callee.in); strings.Contains(got, "698765432") || !strings.Contains(got, "P-Asserted-Identity: <sip:+331234567") {
				t.Errorf("the carrier got\n%s", got)
			}
			callee.respond(486, "")
			if strings.HasSuffix(c.to, "112") { // every trunk is tried
				s.b.called().respond(486, "")
			}
			caller.expect(486)
		})
	}
}

// The office sends a call out while carrier-a's of +33698765432 to +33123456700 rings.
func TestAForwardedCallShowsWhoHasCalledOnlyWhenItIsOne(t *testing.T) {
	const own = "<sip:+33123456700@carrier-a.example>"
	const replaced = "From: " + own + "\nP-Asserted-Identity: " + own
	diversion := func(reason string) string {
		return "\nDiversion: " + own + ";reason=" + reason + ";counter=1;privacy=off"
	}
	for _, c := range []struct {
		name     string
		inbound  []string // fields of the carrier's call
		from     string
		fields   []string
		screened bool
		want     string
	}{
		{"named by Diversion", nil, "0698765432", []string{"Diversion: <sip:0123456700@192.0.2.10>;reason=no-answer"}, false,
			"From: <sip:+33698765432@carrier-a.example>\nP-Asserted-Identity: " + own + diversion("no-answer")},
		{"named by History-Info", nil, "0698765432", []string{"History-Info: <sip:0123456700@192.0.2.10>;index=1, <sip:0472105518@192.0.2.1;cause=302>;index=1.1;mp=1"}, false,
			"From: <sip:+33698765432@carrier-a.example>\nP-Asserted-Identity: " + own + diversion("unknown") +
				"\nHistory-Info: " + own + ";index=1, <sip:+33472105518@carrier-a.example;cause=302>;index=1.1;mp=1"},
		{"named by what the PBX asserts", nil, "0698765432", []string{"P-Asserted-Identity: <sip:0123456700@192.0.2.10>"}, false,
			"From: <sip:+33698765432@carrier-a.example>\nP-Asserted-Identity: " + own + diversion("unknown")},
		{"where the carrier does not take it", nil, "0698765432", []string{"Diversion: <sip:0123456700@192.0.2.10>;reason=user-busy"}, true, replaced + diversion("user-busy")},
		{"nobody named", nil, "0698765432", nil, false, replaced},
		{"another number of ours named", nil, "0698765432", []string{"Diversion: <sip:0123456701@192.0.2.10>"}, false,
			"From: " + own + "\nP-Asserted-Identity: " + own + "\nDiversion: <sip:+33123456701@carrier-a.example>;reason=unknown;counter=1;privacy=off"},
		{"another caller", nil, "0698765433", []string{"Diversion: <sip:0123456700@192.0.2.10>"}, false, replaced + diversion("unknown")},
		{"a caller who is withheld", []string{"Privacy: id"}, "0698765432", []string{"Diversion: <sip:0123456700@192.0.2.10>"}, false, replaced + diversion("unknown")},
		{"withheld by the office", nil, "0698765432", []string{"Diversion: <sip:0123456700@192.0.2.10>", "Privacy: id"}, false,
			"From: \"Anonymous\" <sip:anonymous@anonymous.invalid>\nP-Asserted-Identity: " + own + "\nPrivacy: id" + diversion("unknown")},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, func(p *policy.Policy) {
				twoNumbers(p)
				p.Trunks[0].ClipNoScreening = !c.screened
			})
			caller, callee := s.carrierCalls("sip:+33698765432@carrier-a.example", c.inbound...)
			forward := s.from("sip:"+c.from+"@192.0.2.10", "00472105518", c.fields...)
			target := s.a.called()
			if diff := cmp.Diff(c.want, strings.TrimSpace(identity(target.in))); diff != "" {
				t.Error(diff)
			}
			target.respond(486, "")
			forward.expect(486)
			callee.respond(486, "")
			caller.expect(486)
		})
	}
}

func TestForwardingEndsWithTheCallThatIsForwarded(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) { p.Trunks[0].ClipNoScreening = true })
	caller, callee := s.carrierCalls("sip:+33698765432@carrier-a.example")
	callee.respond(486, "")
	caller.expect(486)
	find[event.CallEnded](s)
	late := s.from("sip:0698765432@192.0.2.10", "00472105518", "Diversion: <sip:0123456700@192.0.2.10>")
	target := s.a.called()
	if got := identity(target.in); strings.Contains(got, "698765432") {
		t.Errorf("the carrier got\n%s", got)
	}
	target.respond(486, "")
	late.expect(486)
}

func TestAForwardedCallIsNotRefusedForItsNumber(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) { p.Trunks[0].UnownedNumbers = policy.UnownedRefuse })
	caller, callee := s.carrierCalls("sip:+33698765432@carrier-a.example")
	forward := s.from("sip:0698765432@192.0.2.10", "00472105518", "Diversion: <sip:0123456700@192.0.2.10>")
	target := s.a.called()
	if got := identity(target.in); !strings.HasPrefix(got, "From: <sip:+33123456700@carrier-a.example>\n") {
		t.Errorf("the carrier got\n%s", got)
	}
	target.respond(486, "")
	forward.expect(486)
	callee.respond(486, "")
	caller.expect(486)
}

func TestAnEmergencyCallShowsTheOfficeAlsoWhenItIsForwarded(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) { p.Trunks[0].ClipNoScreening = true })
	caller, callee := s.carrierCalls("sip:+33698765432@carrier-a.example")
	forward := s.from("sip:0698765432@192.0.2.10", "112", "Diversion: <sip:0123456700@192.0.2.10>")
	target := s.a.called()
	if got := identity(target.in); !strings.HasPrefix(got, "From: <sip:+33123456700@carrier-a.example>\n") {
		t.Errorf("the carrier got\n%s", got)
	}
	target.respond(486, "")
	s.b.called().respond(486, "")
	forward.expect(486)
	callee.respond(486, "")
	caller.expect(486)
}

func TestOneCallIsForwardedAFewTimesAtOnceAtMost(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) {
		p.Trunks[0].ClipNoScreening, p.Trunks[0].Caps.Calls, p.Limits.Calls = true, 0, 20
	})
	caller, callee := s.carrierCalls("sip:+33698765432@carrier-a.example")
	var forwards, targets []*dialog
	for i := range maxForwarded + 1 {
		forwards = append(forwards, s.from("sip:0698765432@192.0.2.10", "00472105518", "Diversion: <sip:0123456700@192.0.2.10>"))
		targets = append(targets, s.a.called())
		if shown := strings.Contains(identity(targets[i].in), "698765432"); shown != (i < maxForwarded) {
			t.Errorf("call %d shows who has called: %v", i+1, shown)
		}
	}
	for i := range targets {
		targets[i].respond(486, "")
		forwards[i].expect(486)
	}
	callee.respond(486, "")
	caller.expect(486)
}

func TestACallThatTheBoxSendsOnNamesTheNumberThatWasCalled(t *testing.T) {
	const own = "<sip:+33123456700@carrier-a.example>"
	for _, clip := range []bool{true, false} {
		clipped := func(p *policy.Policy) { p.Trunks[0].ClipNoScreening = clip }
		from := "From: " + own
		if clip {
			from = "From: <sip:+33612345678@carrier-a.example>"
		}
		want := func(reason string) string {
			return from + "\nP-Asserted-Identity: " + own + "\nDiversion: " + own + ";reason=" + reason + ";counter=1;privacy=off"
		}
		t.Run("overflow", func(t *testing.T) {
			s := overflowScene(t, mobile, notRegistered, clipped)
			caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
			target := s.a.called()
			if diff := cmp.Diff(want("unavailable"), identity(target.in)); diff != "" {
				t.Error(diff)
			}
			target.respond(486, "")
			caller.expect(486)
		})
		t.Run("redirection", func(t *testing.T) {
			s := newScene(t, clipped)
			caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
			s.pbx.called().redirect("<sip:0699887766@192.0.2.10>")
			target := s.a.called()
			if diff := cmp.Diff(want("unconditional"), identity(target.in)); diff != "" {
				t.Error(diff)
			}
			target.respond(486, "")
			caller.expect(486)
		})
		t.Run("transfer", func(t *testing.T) {
			s := newScene(t, clipped)
			caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
			callee := s.pbx.called()
			callee.respond(200, clearSDP("192.0.2.51"))
			caller.ack(caller.expect(200))
			callee.request(sip.ACK)
			callee.referTo("<sip:00699887766@192.0.2.1>")
			callee.expect(202)
			callee.notified("SIP/2.0 100 Trying", "active")
			target := s.a.called()
			if diff := cmp.Diff(want("unknown"), identity(target.in)); diff != "" {
				t.Error(diff)
			}
			target.respond(486, "")
			callee.notified("SIP/2.0 486 Busy Here", "terminated")
		})
	}
}

func TestWhatATrunkAssertsIsShownToThePBXWhenTheTrunkIsTrusted(t *testing.T) {
	const signed = "aGVhZA.Ym9keQ.c2ln;info=<https://cert.example/p.cer>;alg=ES256;ppt=shaken"
	said := []string{
		"P-Asserted-Identity: \"Zoe\" <sip:+33698765432;verstat=TN-Validation-Passed@marked-host.example;user=phone>, <tel:+33698765432>", "Identity: " + signed,
		"Diversion: <sip:+33472105518@marked-host.example>;reason=no-answer, <sip:+33472105519@marked-host.example>;privacy=full",
		"History-Info: <sip:+33472105518@marked-host.example>;index=1, <sip:+33123456700@198.51.100.2;cause=302>;index=1.1;mp=1",
	}
	const from = "sip:+33698765432;verstat=TN-Validation-Passed@carrier-a.example;user=phone"
	const told = "P-Asserted-Identity: <sip:0698765432;verstat=TN-Validation-Passed@192.0.2.1;user=phone>\n"
	const ways = "\nDiversion: <sip:0472105518@192.0.2.1>;reason=no-answer;counter=1;privacy=off"
	const hiddenWay = "\nDiversion: <sip:0472105519@192.0.2.1>;reason=unknown;counter=1;privacy=full"
	const history = "\nHistory-Info: <sip:0472105518@192.0.2.1>;index=1, <sip:0123456700@192.0.2.1;cause=302>;index=1.1;mp=1"
	const anonymous = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>\n"
	for _, c := range []struct {
		name       string
		trunk, pbx bool
		privacy    string
		want       string
	}{
		{"nobody trusted", false, false, "", "From: <sip:0698765432@192.0.2.1>"},
		{"only the PBX trusted", false, true, "", "From: <sip:0698765432@192.0.2.1>"},
		{"nobody trusted, withheld", false, true, "Privacy: id", anonymous},
		{"a trusted trunk", true, false, "", "From: <sip:0698765432;verstat=TN-Validation-Passed@192.0.2.1;user=phone>\n" + told[:len(told)-1] + ways + history + "\nIdentity: " + signed},
		{"a trusted trunk, withheld", true, false, "Privacy: id", anonymous + ways[1:] + history},
		{"both trusted, withheld", true, true, "Privacy: id", anonymous + told + "Privacy: id" + ways + hiddenWay + history + "\nIdentity: " + signed},
		{"a trusted trunk, hidden history", true, false, "Privacy: history", "From: <sip:0698765432;verstat=TN-Validation-Passed@192.0.2.1;user=phone>\n" + told + "Identity: " + signed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, func(p *policy.Policy) { p.Trunks[0].Trusted, p.PBX.Trusted = c.trunk, c.pbx })
			list := said
			if c.privacy != "" {
				list = append([]string{c.privacy}, said...)
			}
			caller, callee := s.carrierCalls(from, list...)
			if diff := cmp.Diff(strings.TrimSpace(c.want), strings.TrimSpace(identity(callee.in))); diff != "" {
				t.Error(diff)
			}
			callee.respond(486, "")
			caller.expect(486)
			noLeak(t, s.pbx, "marked-host", "198.51.100.", "203.0.113.")
		})
	}
}
