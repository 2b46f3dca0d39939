package call

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/field"
	"tollgate/firmware/ua"
)

// draftTo is an INVITE of the PBX with headers of the test's choice.
func draftTo(to, body string, headers ...string) ua.Draft {
	d := ua.Draft{Method: sip.INVITE, URI: "sip:" + to + "@192.0.2.1", From: "sip:201@192.0.2.10", To: "sip:" + to + "@192.0.2.1", FromTag: ua.NewTag(),
		CallID: ua.NewCallID(), Seq: 1, Contact: "sip:x@192.0.2.99", Local: ua.Local{Host: "192.0.2.98", Port: 5060, Transport: "UDP"},
		MaxForwards: ua.MaxForwards, Body: []byte(body), ContentType: sdpType}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		d.Headers = append(d.Headers, sip.NewHeader(name, value))
	}
	return d
}

// session is the one call there is; what is still ending is waited for.
func (s *scene) session() *Session {
	s.t.Helper()
	s.await(1)
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	for _, c := range s.desk.calls {
		return c
	}
	s.t.Fatal("there is no call")
	return nil
}

// await waits until there are so many calls, in whatever state.
func (s *scene) await(calls int) {
	s.t.Helper()
	for begun := time.Now(); s.sessions() != calls; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 5*time.Second {
			s.t.Fatalf("there are %d calls instead of %d", s.sessions(), calls)
		}
	}
}

func valueOf(m field.Message, name string) string {
	if h := field.All(m, name); len(h) == 1 {
		return h[0].Value()
	}
	return ""
}

func TestACallThatBeginsWithoutAnOfferGetsOursWithTheAnswer(t *testing.T) {
	tests := map[string]struct {
		answer string
		talks  bool
	}{
		"answered in the ACK":  {clearSDP("192.0.2.50"), true},
		"no answer in the ACK": {"", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil)
			caller := s.pbx.send(draftTo("00472105518", ""))
			callee := s.a.called()
			if offer := string(callee.in.Body()); !strings.Contains(offer, " RTP/SAVP 8 0 101\r\n") {
				t.Errorf("the carrier did not get an early offer:\n%s", offer)
			}
			callee.respond(183, secureSDP("203.0.113.8"))
			if early := caller.expect(183); len(early.Body()) > 0 {
				t.Errorf("an answer to no offer:\n%s", early.Body())
			}
			callee.respond(200, secureSDP("203.0.113.8"))
			res := caller.expect(200)
			if !strings.Contains(string(res.Body()), " RTP/AVP 8 0 101\r\n") {
				t.Errorf("the 200 has no offer:\n%s", res.Body())
			}
			caller.state.Established(res)
			if err := caller.out.Ack([]byte(tt.answer)); err != nil {
				t.Fatal(err)
			}
			callee.request(sip.ACK)
			if !tt.talks {
				callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
				caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
				return
			}
			if !s.holes.listens("192.0.2.50") || !s.holes.listens("203.0.113.8") {
				t.Error("the answer in the ACK let no media in")
			}
			caller.ask(sip.BYE, "")
			callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
		})
	}
}

func TestAReInviteWithoutAnOfferTellsTheOtherSideOnlyWhatChanges(t *testing.T) {
	for direction, told := range map[string]bool{"a=sendrecv": false, "a=sendonly": true} {
		t.Run(direction, func(t *testing.T) {
			s := newScene(t, nil)
			caller, callee := s.answeredCall()
			out := caller.ask(sip.INVITE, "")
			res := caller.expect(200)
			if !strings.Contains(string(res.Body()), "m=audio ") {
				t.Fatalf("no offer:\n%s", res)
			}
			if err := out.Ack([]byte(clearSDP("192.0.2.50", direction))); err != nil {
				t.Fatal(err)
			}
			if told {
				in := callee.request(sip.INVITE)
				if !hasLine(offerOf(in), direction) {
					t.Errorf("told\n%s", in.Body())
				}
				if err := in.Respond(callee.box, ua.Reply{Status: 200, Body: []byte(secureSDP("203.0.113.8", "a=recvonly")), ContentType: sdpType}); err != nil {
					t.Fatal(err)
				}
				callee.request(sip.ACK)
			}
			caller.ask(sip.BYE, "")
			callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
		})
	}
}

func TestRingingIsReliableOnTheLegThatWantsIt(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.send(draftTo("00472105518", clearSDP("192.0.2.50"), "Require: 100rel"))
	callee := s.a.called()
	callee.respond(180, "") // the carrier knows nothing of it
	callee.respond(183, secureSDP("203.0.113.8"))
	first := caller.expect(180)
	rseq, ok := ua.RSeq(first)
	if !ok {
		t.Fatalf("180 is not reliable:\n%s", first)
	}
	caller.expect(180) // again, as nothing acknowledges it
	caller.state.Established(first)
	prack := caller.state.Prack(rseq, 1)
	out, err := caller.box.Send(t.Context(), prack, box, s.pbx.end, caller.state, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for range 2 { // the PRACK's 200 and the 183 that waited for it
		e := caller.next()
		got = append(got, e.Response.StatusCode)
		if e.Sent != out {
			if next, _ := ua.RSeq(e.Response); next != rseq+1 {
				t.Errorf("RSeq %d after %d", next, rseq)
			}
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, []int{183, 200}) {
		t.Errorf("after the PRACK: %v", got)
	}
	callee.respond(200, secureSDP("203.0.113.8"))
	for {
		if e := caller.next(); e.Response.StatusCode == 200 {
			caller.ack(e.Response)
			break
		}
	}
	callee.request(sip.ACK)
}

func TestACalleesReliableRingingIsAcknowledgedOnce(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	if !ua.Lists(callee.in.GetHeaders("Supported"), "100rel") {
		t.Error("100rel is not offered to the carrier")
	}
	early := ua.Reply{Status: 183, Contact: "sip:gw@203.0.113.7", Body: []byte(secureSDP("203.0.113.8")), ContentType: sdpType}
	s.a.boxEnd.Lose = func(m string) bool { return strings.HasPrefix(m, "PRACK ") } // so that the 183 is repeated
	if err := callee.in.RespondReliably(callee.box, early); err != nil {
		t.Fatal(err)
	}
	if _, reliable := ua.RSeq(caller.expect(183)); reliable {
		t.Error("the office never asked for reliable ringing")
	}
	time.Sleep(2 * time.Second)
	if n := s.a.end.Count("SIP/2.0 183"); n < 2 {
		t.Fatalf("183 was sent %d times: nothing was repeated", n)
	}
	var prack string
	for _, m := range s.a.boxEnd.Sent() {
		if strings.HasPrefix(m, "PRACK ") && !strings.Contains(m, prack) {
			t.Errorf("a second PRACK:\n%s", m)
		} else if strings.HasPrefix(m, "PRACK ") {
			prack = strings.SplitN(m, "\r\n", 3)[1] // its Via: retransmissions have the same
		}
	}
	if !strings.Contains(s.a.boxEnd.Last("PRACK "), "\r\nRAck: ") {
		t.Errorf("no RAck:\n%s", s.a.boxEnd.Last("PRACK "))
	}
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
}

func TestUpdateIsAnsweredOrPassedOn(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	refresh := caller.ask(sip.UPDATE, "")
	if e := caller.next(); e.Sent != refresh || e.Response.StatusCode != 200 || len(e.Response.Body()) != 0 {
		t.Errorf("a bare UPDATE: %s", shown(e))
	}
	caller.ask(sip.UPDATE, clearSDP("192.0.2.50", "a=inactive"))
	in := callee.request(sip.INVITE) // what every carrier takes
	if !hasLine(offerOf(in), "a=inactive") {
		t.Errorf("passed on:\n%s", in.Body())
	}
	if err := in.Respond(callee.box, ua.Reply{Status: 200, Body: []byte(secureSDP("203.0.113.8", "a=inactive")), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	if res := caller.expect(200); !hasLine(strings.Split(string(res.Body()), "\r\n"), "a=inactive") {
		t.Errorf("answered\n%s", res)
	}
	callee.request(sip.ACK)
}

func TestASessionRefreshTroublesNobodyElse(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	for _, side := range []struct {
		d    *dialog
		body string
	}{{caller, clearSDP("192.0.2.50")}, {callee, secureSDP("203.0.113.8")}} {
		out := side.d.ask(sip.INVITE, side.body)
		side.d.expect(200)
		if err := out.Ack(nil); err != nil {
			t.Fatal(err)
		}
	}
	caller.ask(sip.BYE, "")
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200}) // and nothing before it
}

func TestSessionTimersAreAgreedOnForEachLeg(t *testing.T) {
	s := newScene(t, nil)
	short := s.pbx.send(draftTo("00472105518", clearSDP("192.0.2.50"), "Supported: timer", "Session-Expires: 60"))
	if res := short.expect(422); valueOf(res, "Min-SE") != "90" {
		t.Errorf("422 with Min-SE %q", valueOf(res, "Min-SE"))
	}
	caller := s.pbx.send(draftTo("00472105518", clearSDP("192.0.2.50"), "Supported: timer", "Session-Expires: 600;refresher=uac"))
	first := s.a.called()
	if got := valueOf(first.in, "Session-Expires"); got != "1800" {
		t.Errorf("the carrier is asked for %q: the caller's timer is not its business", got)
	}
	if err := first.in.Respond(first.box, ua.Reply{Status: 422, Headers: []sip.Header{sip.NewHeader("Min-SE", "3600")}}); err != nil {
		t.Fatal(err)
	}
	callee := s.a.called()
	if got := valueOf(callee.in, "Session-Expires") + " " + valueOf(callee.in, "Min-SE"); got != "3600 3600" {
		t.Errorf("asked again with %s", got)
	}
	if callee.in.CallID().Value() != first.in.CallID().Value() || callee.in.CSeq().SeqNo != first.in.CSeq().SeqNo+1 {
		t.Error("asked again as another call (RFC 4028 §7.3)")
	}
	if err := callee.in.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(secureSDP("203.0.113.8")), ContentType: sdpType,
		Headers: []sip.Header{sip.NewHeader("Session-Expires", "3600;refresher=uac"), sip.NewHeader("Require", "timer")}}); err != nil {
		t.Fatal(err)
	}
	res := caller.expect(200)
	if got := valueOf(res, "Session-Expires"); got != "600;refresher=uac" || !ua.Lists(res.GetHeaders("Require"), "timer") {
		t.Errorf("the caller was granted %q", got)
	}
	caller.ack(res)
	callee.request(sip.ACK)

	c := s.session()
	c.inbox.Post(refreshDue{c.callee}) // half of an hour later
	update := callee.request(sip.UPDATE)
	if got := valueOf(update, "Session-Expires"); got != "3600;refresher=uac" || len(update.Body()) != 0 {
		t.Errorf("refreshed with %q:\n%s", got, update.Body())
	}
	update.Refuse(ua.Reply{Status: 200, Headers: []sip.Header{sip.NewHeader("Session-Expires", "3600;refresher=uac")}})
	time.Sleep(50 * time.Millisecond)

	c.callee.allow = nil // a carrier that takes no UPDATE
	c.inbox.Post(refreshDue{c.callee})
	in := callee.request(sip.INVITE)
	if got := valueOf(in, "Session-Expires"); got != "3600;refresher=uac" || len(in.Body()) == 0 {
		t.Errorf("refreshed with %q:\n%s", got, in.Body())
	}
	if err := in.Respond(callee.box, ua.Reply{Status: 200, Body: []byte(secureSDP("203.0.113.8")), ContentType: sdpType,
		Headers: []sip.Header{sip.NewHeader("Session-Expires", "3600;refresher=uac")}}); err != nil {
		t.Fatal(err)
	}
	callee.request(sip.ACK)

	c.inbox.Post(sessionExpired{c.caller})
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	if e := find[event.CallEnded](s); e.Reason != "pbx did not renew the session in time" {
		t.Errorf("told %+v", e)
	}
}

func TestATimerRefreshesAtHalfAndExpiresBeforeTheEnd(t *testing.T) {
	tests := map[string]struct {
		ours bool
		at   time.Duration
	}{
		"the box refreshes":  {ours: true, at: 45 * time.Second},
		"the peer refreshes": {ours: false, at: 60 * time.Second}, // 90 - min(32, 90/3) (RFC 4028 §10)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Session{inbox: ua.New(nil, nil).NewInbox()}
				l := &Leg{}
				begun := time.Now()
				s.arm(l, 90*time.Second, tt.ours)
				e, err := s.inbox.Next(context.Background())
				if err != nil || time.Since(begun) != tt.at {
					t.Errorf("after %v (%v), want %v", time.Since(begun), err, tt.at)
				}
				if _, due := e.Note.(refreshDue); due != tt.ours {
					t.Errorf("note %T", e.Note)
				}
				s.arm(l, 90*time.Second, tt.ours)
				s.arm(l, 0, false)
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				defer cancel()
				if _, err := s.inbox.Next(ctx); err == nil {
					t.Error("a stopped timer went off")
				}
			})
		})
	}
}

func TestKeyPressesArePassedOnAndNothingElse(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	if err := callee.in.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(secureSDP("203.0.113.8")), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	send := func(kind, body string) *ua.Outgoing {
		out, err := caller.box.Send(t.Context(), caller.state.RequestWith(sip.INFO, []byte(body), kind), box, s.pbx.end, caller.state, nil)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	press := send("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n")
	in := callee.request(sip.INFO)
	if string(in.Body()) != "Signal=5\r\nDuration=160\r\n" || in.BodyType() != "application/dtmf-relay" {
		t.Errorf("passed on: %s", in.Request)
	}
	in.Refuse(ua.Reply{Status: 200})
	if e := caller.next(); e.Sent != press || e.Response.StatusCode != 200 {
		t.Errorf("answered %s", shown(e))
	}
	send("application/x-secret", "office internals")
	caller.expect(415)
	noLeak(t, s.a, "office internals")
}

func TestAnUnknownExtensionIsNamed(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.send(draftTo("00472105518", clearSDP("192.0.2.50"), "Require: 100rel, teleport"))
	if res := caller.expect(420); valueOf(res, "Unsupported") != "teleport" {
		t.Errorf("Unsupported: %q", valueOf(res, "Unsupported"))
	}
}

func TestSessionExpiresIsReadInEverySpelling(t *testing.T) {
	tests := map[string]struct {
		seconds   int
		refresher string
		ok        bool
	}{
		"1800":                        {1800, "", true},
		"1800;refresher=uac":          {1800, "uac", true},
		" 90 ; Refresher=UAS ; x=y ":  {90, "uas", true},
		"4294967296":                  {0, "", false},
		"-5":                          {0, "", false},
		"":                            {0, "", false},
		"1800;refresher":              {1800, "", true},
		"1800;refresher=uac;extra=10": {1800, "uac", true},
	}
	for value, want := range tests {
		m := sip.NewResponse(200, "OK")
		m.AppendHeader(sip.NewHeader("Session-Expires", value))
		interval, refresher, ok := readSessionExpires(m)
		if int(interval/time.Second) != want.seconds || refresher != want.refresher || ok != want.ok {
			t.Errorf("%q: %v %q %v, want %+v", value, interval, refresher, ok, want)
		}
	}
}

func FuzzSessionExpires(f *testing.F) {
	f.Add("1800;refresher=uac")
	f.Fuzz(func(t *testing.T, value string) {
		m := sip.NewResponse(200, "OK")
		m.AppendHeader(sip.NewHeader("Session-Expires", value))
		if interval, _, ok := readSessionExpires(m); ok && (interval < 0 || interval > 1<<31*time.Second) {
			t.Errorf("%q: %s", value, strconv.Itoa(int(interval)))
		}
	})
}

func TestKeyPressesWaitForASlowPeerInOrder(t *testing.T) {
	const presses = 3 * infoWindow
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	for i := range presses {
		req := caller.state.RequestWith(sip.INFO, []byte("Signal="+strconv.Itoa(i)), "application/dtmf-relay")
		if _, err := caller.box.Send(t.Context(), req, box, s.pbx.end, caller.state, nil); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(300 * time.Millisecond)
	if n := s.a.boxEnd.Count("INFO "); n != infoWindow {
		t.Errorf("%d key presses are on their way, want %d", n, infoWindow)
	}
	for i := range presses {
		in := callee.request(sip.INFO)
		if got := string(in.Body()); got != "Signal="+strconv.Itoa(i) {
			t.Fatalf("press %d is %s", i, got)
		}
		in.Refuse(ua.Reply{Status: 200})
	}
	for range presses {
		caller.expect(200)
	}
}
