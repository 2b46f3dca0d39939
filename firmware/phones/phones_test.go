package phones

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

func TestARegistrationPassesWithItsProofAndAContactOfTheBox(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		w := s.phone(policy.UDP, "192.0.2.77:5060")
		res := s.register(w)
		expect(t, res, 401)
		if got := res.GetHeaders("WWW-Authenticate"); len(got) != 1 || got[0].Value() != `Digest realm="cloud.example", nonce="n1", qop="auth"` {
			t.Errorf("challenge %v", got)
		}
		if len(s.p.State().Registers) > 0 {
			t.Error("a phone is bound that has proved nothing")
		}
		expect(t, s.register(w, proof), 200, "<sip:101@192.0.2.77:5060>;expires=600")
		seen := s.requests()
		last := seen[len(seen)-1]
		text := last.String()
		if got := last.GetHeaders("Authorization"); len(got) != 1 || "Authorization: "+got[0].Value() != proof {
			t.Errorf("the proof became %v", got)
		}
		for _, leak := range []string{"192.0.2.77", "of-the-phone", "marked"} {
			if strings.Contains(text, leak) {
				t.Errorf("%s reached the PBX:\n%s", leak, text)
			}
		}
		if last.Recipient.String() != "sip:cloud.example" || !strings.Contains(text, "@198.51.100.10:5060>;expires=3600") || seen[0].CallID().Value() != last.CallID().Value() ||
			seen[0].CSeq().SeqNo >= last.CSeq().SeqNo {
			t.Errorf("the PBX was sent\n%s", text)
		}
		line, ok := s.p.At(tokenOf(t, last))
		if !ok || line.User != "101" || line.Contact != "sip:101@192.0.2.77:5060" || line.MediaAt.IsValid() || line.Away != "" || !slices.Equal(line.Route, []string{"<sip:edge.cloud.example;lr>"}) {
			t.Errorf("bound as %+v", line)
		}
	})
}

func TestTheSameDeviceKeepsItsTokenWhereverItGoes(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		device := func(source, instance string) string {
			s.register(s.phone(policy.UDP, source), proof, "Contact: <sip:101@"+source+`>;+sip.instance="<urn:uuid:`+instance+`>";reg-id=1;q=0.5`)
			seen := s.requests()
			if text := seen[0].String(); !strings.Contains(text, `+sip.instance="<urn:uuid:`+instance+`>"`) || !strings.Contains(text, "reg-id=1") || !strings.Contains(text, "q=0.5") {
				t.Errorf("the PBX was sent\n%s", text)
			}
			return tokenOf(t, seen[0])
		}
		first, moved, other := device("192.0.2.77:5060", "one"), device("192.0.2.78:40000", "one"), device("192.0.2.77:5060", "two")
		if first != moved || first == other {
			t.Errorf("tokens %s, %s and %s", first, moved, other)
		}
		if got := s.p.State().Registers; len(got) != 2 || got[0].Instance != "urn:uuid:two" || got[1].Source.String() != "192.0.2.78:40000" {
			t.Errorf("registered: %+v", got)
		}
	})
}

func TestSeveralContactsAQueryAndTakingBack(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		w := s.phone(policy.UDP, "192.0.2.77:5060")
		a, b := "<sip:101@192.0.2.77:5060;line=1>", "<sip:101@192.0.2.77:5062>"
		expect(t, s.register(w, proof, "Contact: "+a+", "+b), 200, a+";expires=600", b+";expires=600")
		expect(t, s.register(w, proof, "Contact:"), 200, a+";expires=600", b+";expires=600")
		expect(t, s.register(w, proof, "Contact: "+a+";expires=0"), 200)
		if got := s.p.State().Registers; len(got) != 1 {
			t.Errorf("after one was taken back: %+v", got)
		}
		s.requests()
		expect(t, s.register(w, proof, "Contact: *", "Expires: 0"), 200)
		if got := s.requests()[0]; got.GetHeaders("Contact")[0].Value() != "*" || got.GetHeaders("Expires")[0].Value() != "0" || len(s.p.State().Registers) > 0 {
			t.Errorf("all taken back: %+v\n%s", s.p.State().Registers, got)
		}
		expect(t, s.register(w, proof, "Contact: *"), 400)
		expect(t, s.register(w, proof, "Contact: *, "+a, "Expires: 0"), 400)
	})
}

// Over NAT a phone must speak up every minute; its PBX hears of it when half of the time that it granted has passed.
func TestRefreshesOfAPhoneBehindARouterAreAnsweredHereWhileTheyAreFresh(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		w := s.phone(policy.UDP, "192.0.2.77:40001")
		inner := "<sip:101@10.0.0.5:5060>"
		contact := "Contact: " + inner
		expect(t, s.register(w, proof, contact), 200, inner+";expires=60")
		s.requests()
		begun := time.Now()
		for time.Since(begun) < 29*time.Minute {
			time.Sleep(50 * time.Second)
			expect(t, s.register(w, proof, contact), 200, inner+";expires=60")
		}
		if got := s.requests(); len(got) != 0 {
			t.Errorf("the PBX was asked %d times in its own first half", len(got))
		}
		time.Sleep(time.Minute)
		s.register(w, proof, contact)
		if got := s.requests(); len(got) != 1 {
			t.Errorf("the PBX was asked %d times when half of its time was over", len(got))
		}
		if line, _ := s.p.From(policy.UDP, netip.MustParseAddrPort(w.source), "101"); line.MediaAt != netip.MustParseAddr("192.0.2.77") {
			t.Errorf("its audio is expected from %v", line.MediaAt)
		}
	})
}

func TestWhatMustNotBeAnsweredHereGoesToThePBX(t *testing.T) {
	for name, c := range map[string]struct {
		transport policy.Transport
		source    string
		headers   []string
	}{
		"another port":         {policy.UDP, "192.0.2.77:40002", nil},
		"another address":      {policy.UDP, "192.0.2.78:40001", nil},
		"another transport":    {policy.TCP, "192.0.2.77:40001", nil},
		"another Contact":      {policy.UDP, "192.0.2.77:40001", []string{"Contact: <sip:101@10.0.0.6>"}},
		"another digest user":  {policy.UDP, "192.0.2.77:40001", []string{strings.Replace(proof, "u101", "u102", 1)}},
		"no credentials":       {policy.UDP, "192.0.2.77:40001", []string{"Authorization:"}},
		"another user":         {policy.UDP, "192.0.2.77:40001", []string{"To: <sip:102@cloud.example>"}},
		"taking back":          {policy.UDP, "192.0.2.77:40001", []string{"Expires: 0"}},
		"a question":           {policy.UDP, "192.0.2.77:40001", []string{"Contact:"}},
		"a further Contact":    {policy.UDP, "192.0.2.77:40001", []string{"Contact: <sip:101@10.0.0.5>, <sip:101@10.0.0.9>"}},
		"a forged instance id": {policy.UDP, "192.0.2.77:40001", []string{`Contact: <sip:101@10.0.0.5>;+sip.instance="<urn:x>"`}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *scene) {
				w := s.phone(policy.UDP, "192.0.2.77:40001")
				s.register(w, proof, "Contact: <sip:101@10.0.0.5>")
				s.requests()
				headers := append([]string{proof, "Contact: <sip:101@10.0.0.5>"}, nil...)
				for _, h := range c.headers {
					field, _, _ := strings.Cut(h, ":")
					headers = slices.DeleteFunc(headers, func(o string) bool { return strings.HasPrefix(o, field+":") })
					headers = append(headers, h)
				}
				s.register(s.phone(c.transport, c.source), headers...)
				if got := s.requests(); len(got) != 1 {
					t.Errorf("the PBX was asked %d times", len(got))
				}
			})
		})
	}
}

func TestWhatThePBXRefusesIsToldInWords(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		w := s.phone(policy.UDP, "192.0.2.77:5060")
		answer := func(status int, header ...string) {
			s.mu.Lock()
			s.answer = func(req *sip.Request) *sip.Response {
				res := sip.NewResponseFromRequest(req, status, "Whatever", nil)
				for _, h := range header {
					name, v, _ := strings.Cut(h, ": ")
					res.AppendHeader(sip.NewHeader(name, v))
				}
				return res
			}
			s.mu.Unlock()
		}
		answer(403)
		expect(t, s.register(w, proof), 403)
		answer(423, "Min-Expires: 7200")
		if res := s.register(w, proof); res.StatusCode != 423 || res.GetHeaders("Min-Expires")[0].Value() != "7200" {
			t.Errorf("too brief: %s", res)
		}
		if got := s.told(); len(got) != 1 || got[0] != `403 refused by the remote PBX: the phones' PBX answers the registration of user "101" with 403 Forbidden` {
			t.Errorf("told %q", got)
		}
		s.back()
		s.requests()
		s.register(w, proof) // asks for an hour; the box knows better by now
		if got := s.requests()[0].String(); !strings.Contains(got, "expires=7200") {
			t.Errorf("after 423 the PBX was sent\n%s", got)
		}
		expect(t, s.register(w, proof, "To: <sip:101@other.example>"), 403)
		expect(t, s.register(w, proof, "Require: gruu"), 420)
		expect(t, s.register(w, proof, "Max-Forwards: 0"), 483)
		expect(t, s.register(w, proof, "To: <sip:cloud.example>"), 400)
		if got := s.told(); len(got) != 2 || !strings.HasPrefix(got[0], `403 phones.domain: a phone registers with "other.example"`) {
			t.Errorf("told %q", got)
		}
	})
}

func TestThereIsRoomForSoManyPhones(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		s.config.Policy.Most = 2
		s.p.Set(s.config)
		user := func(n int) *sip.Response {
			return s.register(s.phone(policy.UDP, fmt.Sprintf("192.0.2.77:%d", 40000+n)), proof, fmt.Sprintf("To: <sip:%d@cloud.example>", n))
		}
		if a, b, c := user(1).StatusCode, user(2).StatusCode, user(3).StatusCode; a != 200 || b != 200 || c != 503 {
			t.Errorf("answers %d, %d and %d", a, b, c)
		}
		if got := s.told(); len(got) != 1 || !strings.HasPrefix(got[0], `503 phones.most: user "3" wants to register, and there are 2 phones already`) {
			t.Errorf("told %q", got)
		}
		time.Sleep(11 * time.Minute)
		if res := user(3); res.StatusCode != 200 {
			t.Errorf("after the others have lapsed: %d", res.StatusCode)
		}
	})
}

func TestPhonesGoOnWhileThePBXIsAway(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		w := s.phone(policy.UDP, "192.0.2.77:5060")
		mine := "<sip:101@192.0.2.77:5060>"
		s.register(w, proof)
		s.away()
		time.Sleep(40 * time.Minute) // OPTIONS stay without an answer meanwhile; the phone's own time is over
		if got := s.told(); len(got) != 1 || got[0] != "reachable false: it does not answer" {
			t.Errorf("told %q", got)
		}
		s.requests()
		expect(t, s.register(w, proof), 200, mine+";expires=60")
		rebooted := s.phone(policy.UDP, "192.0.2.77:50123") // the same device at the same address, from another port
		expect(t, s.register(rebooted, "Contact: "+mine), 200, mine+";expires=60")
		for name, res := range map[string]*sip.Response{
			"a stranger":      s.register(s.phone(policy.UDP, "192.0.2.99:5060"), proof, "To: <sip:199@cloud.example>"),
			"another address": s.register(s.phone(policy.UDP, "192.0.2.99:5060"), proof),
			"another user":    s.register(w, strings.Replace(proof, "u101", "u102", 1)),
		} {
			if res.StatusCode != 503 || len(res.GetHeaders("Retry-After")) != 1 {
				t.Errorf("%s: %s", name, res.StartLine())
			}
		}
		if got := s.requests(); len(got) > 0 {
			t.Errorf("the PBX was sent %d registrations while it was away", len(got))
		}
		if lines := s.p.Of("101"); len(lines) != 1 || lines[0].Away != "" {
			t.Errorf("phones of 101: %+v", lines)
		}
		s.told()
		s.back()
		time.Sleep(12 * time.Second)
		if got := s.told(); len(got) != 1 || got[0] != "reachable true: " || s.p.Away() != "" {
			t.Errorf("told %q", got)
		}
		expect(t, s.register(rebooted, "Contact: "+mine), 401) // handed back: it has to prove itself
		expect(t, s.register(rebooted, "Contact: "+mine, proof), 200, mine+";expires=600")
		if got := s.requests(); len(got) != 2 {
			t.Errorf("after it is back the PBX was asked %d times", len(got))
		}
	})
}

func TestOneLostPacketIsNoOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		w := s.phone(policy.UDP, "192.0.2.77:5060")
		s.register(w, proof)
		s.mu.Lock()
		s.answer = nil // registrations are lost, OPTIONS are answered
		s.mu.Unlock()
		begun := time.Now()
		res := s.register(w, proof, "Contact: <sip:101@192.0.2.77:5060>;expires=3600, <sip:101@192.0.2.77:5060;line=2>")
		if took := time.Since(begun); res.StatusCode != 200 && res.StatusCode != 503 || took > 6*time.Second {
			t.Errorf("answered %d after %v", res.StatusCode, took)
		}
		time.Sleep(time.Minute)
		if got := s.told(); slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, "reachable") }) || s.p.Away() != "" {
			t.Errorf("told %q", got)
		}
	})
}

// Some calls fail while the PBX is well: it is asked, and nobody else notices.
func TestFailedCallsAloneAreNoOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		for range 20 {
			s.p.Failed("it does not answer")
		}
		time.Sleep(time.Minute)
		if got := s.told(); len(got) > 0 || s.p.Away() != "" {
			t.Errorf("told %q", got)
		}
		s.away()
		s.p.Failed("it does not answer")
		time.Sleep(7 * time.Second)
		if s.p.Away() == "" {
			t.Error("7 s after a failed call nobody has noticed that the PBX is away")
		}
	})
}

func TestWithoutSurvivalNobodyGoesOn(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		s.config.Policy.Survival = policy.SurvivalOff
		s.p.Set(s.config)
		w := s.phone(policy.UDP, "192.0.2.77:5060")
		s.register(w, proof)
		s.away()
		time.Sleep(2 * time.Minute)
		if res := s.register(w, proof); res.StatusCode != 503 || len(res.GetHeaders("Retry-After")) != 1 {
			t.Errorf("answered %s", res.StartLine())
		}
	})
}

func TestAPhoneThatSpokeThroughTLSDoesNotSurviveInTheClear(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		device := `Contact: <sip:101@10.0.0.5>;+sip.instance="<urn:x>"`
		s.register(s.phone(policy.TLSTransport, "192.0.2.77:40001"), proof, device)
		s.away()
		time.Sleep(2 * time.Minute)
		expect(t, s.register(s.phone(policy.TLSTransport, "192.0.2.77:40002"), proof, device), 200, "<sip:101@10.0.0.5>;expires=60")
		expect(t, s.register(s.phone(policy.UDP, "192.0.2.77:40003"), proof, device), 503)
	})
}

func TestABranchOfAHundredPhonesBehindOneAddress(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		for round := range 2 {
			for n := range 100 {
				w := s.phone(policy.UDP, fmt.Sprintf("192.0.2.77:%d", 40000+n))
				to := fmt.Sprintf("To: <sip:%d@cloud.example>", 200+n)
				if res := s.register(w, proof, to, "Contact: <sip:x@10.0.0.5:5060>", fmt.Sprintf("Call-ID: %d", n)); res.StatusCode != 200 {
					t.Fatalf("round %d, phone %d: %s", round, n, res.StartLine())
				}
			}
		}
		if got, asked := s.p.State().Registers, len(s.requests()); len(got) != 100 || !got[0].BehindNAT || asked != 100 {
			t.Errorf("%d phones are registered, the PBX was asked %d times", len(got), asked)
		}
	})
}

func TestARestartKeepsPhonesReachable(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		w := s.phone(policy.UDP, "192.0.2.77:40001")
		contact := "Contact: <sip:101@10.0.0.5:5060>"
		s.register(w, proof, contact)
		token := tokenOf(t, s.requests()[0])
		s.p.Close()
		s.start()
		line, ok := s.p.At(token)
		if !ok || line.Away != "" || !s.p.Bound(policy.UDP, netip.MustParseAddrPort(w.source), "101") {
			t.Fatalf("after a restart: %+v", line)
		}
		if _, err := line.Path.Conn(context.Background()); err != nil || s.dialed[0].Addr.String() != w.source || s.dialed[0].Owner != "phone 192.0.2.77" {
			t.Errorf("it is called at %v: %v", s.dialed, err)
		}
		expect(t, s.register(w, proof, contact), 200, "<sip:101@10.0.0.5:5060>;expires=60")
		if got := s.requests(); len(got) != 0 {
			t.Errorf("the PBX was asked %d times", len(got))
		}
		s.config.Policy.Domain = "other.example"
		s.p.Set(s.config)
		if got := s.p.State().Registers; len(got) > 0 {
			t.Errorf("with another PBX: %+v", got)
		}
	})
}

func TestWhereAPhoneIsCalled(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		pathOf := func(transport policy.Transport, source, contact string) (*wire, ua.Path) {
			w := s.phone(transport, source)
			s.register(w, proof, "Contact: "+contact)
			line, ok := s.p.At(tokenOf(t, s.requests()[0]))
			if !ok {
				t.Fatal("not bound")
			}
			return w, line.Path
		}
		at := func(p ua.Path) string {
			s.dialed = nil
			c, err := p.Conn(context.Background())
			if err != nil {
				return "nowhere"
			}
			if len(s.dialed) > 0 {
				return "dials " + s.dialed[0].Addr.String()
			}
			return "by the connection of " + c.(*wire).source
		}
		_, direct := pathOf(policy.UDP, "192.0.2.77:41000", "<sip:101@192.0.2.77:5070>")
		_, routed := pathOf(policy.UDP, "192.0.2.78:41000", "<sip:101@10.0.0.5:5060>")
		stream, tcp := pathOf(policy.TCP, "192.0.2.79:41000", "<sip:101@192.0.2.79:5060;transport=tcp>")
		routedStream, routedTCP := pathOf(policy.TCP, "192.0.2.80:41000", "<sip:101@10.0.0.5:5060;transport=tcp>")
		for want, p := range map[string]ua.Path{
			"dials 192.0.2.77:5070": direct, "dials 192.0.2.78:41000": routed,
			"by the connection of 192.0.2.79:41000": tcp, "by the connection of 192.0.2.80:41000": routedTCP,
		} {
			if got := at(p); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		close(stream.end)
		close(routedStream.end)
		if a, b := at(tcp), at(routedTCP); a != "dials 192.0.2.79:5060" || b != "nowhere" {
			t.Errorf("after the connections ended: %s and %s", a, b)
		}
		if a, _ := s.p.At(tcp.(path).token); a.Away != "" {
			t.Errorf("a phone that can be connected to: %q", a.Away)
		}
		if b, _ := s.p.At(routedTCP.(path).token); b.Away != "the phone of user 101 has lost its connection" {
			t.Errorf("a phone that cannot: %q", b.Away)
		}
	})
}

func TestTheWayToPhonesBehindRoutersIsKeptOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		s.register(s.phone(policy.UDP, "192.0.2.77:40001"), proof, "Contact: <sip:101@10.0.0.5>")
		s.register(s.phone(policy.UDP, "192.0.2.78:5060"), proof, "To: <sip:102@cloud.example>")
		time.Sleep(55 * time.Second)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.pinged) != 2 || s.pinged[0] != "192.0.2.77:40001" {
			t.Errorf("pinged %v within 55 s", s.pinged)
		}
	})
}

func TestWhoMayCall(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		s.register(s.phone(policy.UDP, "192.0.2.77:40001"), proof)
		s.register(s.phone(policy.TLSTransport, "192.0.2.78:40001"), proof, "To: <sip:102@cloud.example>", `Contact: <sip:102@10.0.0.5>`)
		for _, c := range []struct {
			transport    policy.Transport
			source, user string
			want         bool
		}{
			{policy.UDP, "192.0.2.77:40001", "101", true},
			{policy.UDP, "192.0.2.77:40001", "anonymous", true},
			{policy.UDP, "192.0.2.77:49999", "101", true}, // a connection made anew
			{policy.TCP, "192.0.2.77:49999", "101", true},
			{policy.UDP, "192.0.2.77:49999", "anonymous", false},
			{policy.UDP, "192.0.2.77:49999", "102", false},
			{policy.UDP, "192.0.2.99:40001", "101", false},
			{policy.TLSTransport, "192.0.2.78:50000", "102", true},
			{policy.UDP, "192.0.2.78:50000", "102", false},
		} {
			if got := s.p.Bound(c.transport, netip.MustParseAddrPort(c.source), c.user); got != c.want {
				t.Errorf("%s %s as %s: %v", c.transport, c.source, c.user, got)
			}
		}
	})
}

func TestManyPhonesAtOnceDoNoHarm(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		var all sync.WaitGroup
		for n := range 20 {
			all.Go(func() {
				for range 20 {
					s.p.Bound(policy.UDP, netip.AddrPortFrom(netip.MustParseAddr("192.0.2.77"), uint16(n)), "101")
					s.p.State()
					s.p.Set(s.config)
				}
			})
		}
		s.register(s.phone(policy.UDP, "192.0.2.77:40001"), proof)
		all.Wait()
	})
}

func FuzzReadContact(f *testing.F) {
	for _, seed := range []string{`<sip:101@10.0.0.5:5060;ob>;expires=60;+sip.instance="<urn:x>";reg-id=1;q=0.3`, `"A" <sips:x@[2001:db8::1]>`, "sip:x@y;expires=z", "sip:0;+sip.instAnCe=\r", "<", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		c, err := readContact(value, time.Hour)
		if err != nil {
			return
		}
		c.token = "token"
		written := c.value(ua.Local{Host: "198.51.100.10", Port: 5060, Transport: "udp"}, c.expires)
		if strings.ContainsAny(written, "\r\n\x00") || c.expires < 0 {
			t.Errorf("%q became %q", value, written)
		}
		if again, err := readContact(written, time.Hour); err != nil || again.instance != c.instance || again.regID != c.regID || again.q != c.q {
			t.Errorf("%q is read back as %+v: %v", written, again, err)
		}
	})
}
