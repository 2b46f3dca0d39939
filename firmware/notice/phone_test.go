package notice

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

const of201 = "From: sip:201@hosted.example"

func TestAPhoneWatchesAColleagueByItsPBX(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		refused := s.phone.ask(sip.SUBSCRIBE, "202", "", "", "Event: dialog", "Expires: 600", of201)
		s.hosted.gets(sip.SUBSCRIBE).respond(401, `WWW-Authenticate: Digest realm="hosted.example", nonce="1"`)
		if res := refused.expect(401); value(res, "WWW-Authenticate") == "" {
			t.Errorf("the phone is not asked for proof:\n%s", res)
		}
		watcher := s.phone.ask(sip.SUBSCRIBE, "202", "", "", "Event: dialog", "Expires: 600", of201, `Authorization: Digest username="201"`)
		source := s.hosted.gets(sip.SUBSCRIBE)
		in := source.in
		if in.Recipient.String() != "sip:202@hosted.example" || in.From().Address.String() != "sip:201@hosted.example" ||
			value(in, "Authorization") == "" || value(in, "Route") != "<sip:edge.hosted.example;lr>" || in.Contact().Address.Host != "198.51.100.2" {
			t.Errorf("asked by\n%s", in.Request)
		}
		source.respond(200, "Expires: 600")
		watcher.state.Established(watcher.expect(200))
		source.send(sip.NOTIFY, dialogType, `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:202@203.0.113.9"><dialog id="marked-1">`+
			`<state>confirmed</state><local><identity>sip:202@203.0.113.9</identity><target uri="sip:203@203.0.113.9:5070;marked=1"/></local></dialog></dialog-info>`,
			"Event: dialog", "Subscription-State: active;expires=600")
		told := string(watcher.request(sip.NOTIFY).Body())
		watcher.in.Refuse(ua.Reply{Status: 200})
		if !strings.Contains(told, `<identity>sip:202@hosted.example</identity><target uri="sip:203@hosted.example">`) || strings.Contains(told, "203.0.113.") {
			t.Errorf("told %s", told)
		}
		source.expect(200)
		watcher.send(sip.SUBSCRIBE, "", "", "Event: dialog", "Expires: 0", `Authorization: Digest username="201", nc=2`)
		if again := source.request(sip.SUBSCRIBE); !strings.Contains(value(again, "Authorization"), "nc=2") {
			t.Errorf("renewed by\n%s", again.Request)
		}
		source.respond(401, `WWW-Authenticate: Digest realm="hosted.example", nonce="2"`)
		if res := watcher.expect(401); value(res, "WWW-Authenticate") == "" {
			t.Errorf("the phone is not asked for proof:\n%s", res)
		}
		source.send(sip.NOTIFY, "", "", "Event: dialog", "Subscription-State: terminated;reason=timeout")
		watcher.ended("timeout")
		source.expect(200)
	})
}

func TestThePhonesPBXTellsAndWritesToAPhone(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		x := s.hosted.ask(sip.NOTIFY, "token", summaryType, waiting, "Event: message-summary", "Subscription-State: active", "From: sip:201@hosted.example")
		got := s.phone.gets(sip.NOTIFY)
		if got.in.Recipient.String() != "sip:201@192.0.2.2:5062" || got.in.To().Address.String() != "sip:201@hosted.example" ||
			!strings.Contains(string(got.in.Body()), "Message-Account: sip:201@hosted.example\r\n") {
			t.Errorf("told\n%s", got.in.Request)
		}
		got.respond(200)
		x.expect(200)
		x = s.hosted.ask(sip.MESSAGE, "token", "text/plain", "hello", "From: sip:202@203.0.113.9")
		got = s.phone.gets(sip.MESSAGE)
		if got.in.From().Address.String() != "sip:202@hosted.example" {
			t.Errorf("from %s", got.in.From().Address.String())
		}
		got.respond(200)
		x.expect(200)
		s.hosted.ask(sip.MESSAGE, "nobody", "text/plain", "hello").expect(404)
	})
}

func TestAPhoneWritesByItsPBXAndCallsForHelp(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		x := s.phone.ask(sip.MESSAGE, "202", "text/plain", "hello", of201)
		got := s.hosted.gets(sip.MESSAGE)
		if got.in.Recipient.String() != "sip:202@hosted.example" {
			t.Errorf("to %s", got.in.Recipient.String())
		}
		got.respond(407, `Proxy-Authenticate: Digest realm="hosted.example", nonce="1"`)
		if res := x.expect(407); value(res, "Proxy-Authenticate") == "" {
			t.Errorf("the phone is not asked for proof:\n%s", res)
		}
		s.phone.ask(sip.MESSAGE, "202", "text/plain", "hello", "From: sip:stranger@hosted.example").expect(403)
		help := s.phone.ask(sip.MESSAGE, "112", "text/plain", "help", "From: sip:stranger@hosted.example")
		first := s.a.gets(sip.MESSAGE)
		if first.in.From().Address.User != "+33123456700" || first.in.Recipient.User != "112" {
			t.Errorf("to %s from %s", first.in.Recipient.User, first.in.From().Address.User)
		}
		first.respond(500)
		s.b.gets(sip.MESSAGE).respond(404)
		s.hosted.gets(sip.MESSAGE).respond(200)
		help.expect(200)
		s.phone.ask(sip.NOTIFY, "202", summaryType, waiting, "Event: message-summary", of201).expect(481)
	})
}
