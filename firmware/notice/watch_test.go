package notice

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/eventbody"
	"tollgate/firmware/ua"
)

const (
	summaryType = "application/simple-message-summary"
	dialogType  = "application/dialog-info+xml"
	waiting     = "Messages-Waiting: yes\r\nMessage-Account: sip:marked-box@203.0.113.9\r\nVoice-Message: 2/1\r\n"
)

// watching brings a subscription of the office to its own mailbox at carrier-a up.
func (s *scene) watching() (watcher, source *exchange) {
	s.t.Helper()
	watcher = s.pbx.ask(sip.SUBSCRIBE, "0123456700", "", "", "Event: message-summary", "Expires: 600", "Accept: "+summaryType, "Supported: eventlist")
	source = s.a.gets(sip.SUBSCRIBE)
	source.respond(200, "Expires: 300")
	watcher.state.Established(watcher.expect(200))
	source.send(sip.NOTIFY, summaryType, waiting, "Event: message-summary", "Subscription-State: active;expires=300")
	watcher.request(sip.NOTIFY)
	watcher.in.Refuse(ua.Reply{Status: 200})
	source.expect(200)
	return watcher, source
}

// ended takes the last notification.
func (x *exchange) ended(reason string) {
	x.a.t.Helper()
	x.request(sip.NOTIFY)
	x.in.Refuse(ua.Reply{Status: 200})
	if got := value(x.in, "Subscription-State"); got != "terminated;reason="+reason {
		x.a.t.Errorf("%s was told %q, want the end because of %s", x.a.peer.Name, got, reason)
	}
}

// leaves takes the SUBSCRIBE that gives a subscription up.
func (x *exchange) leaves() {
	x.a.t.Helper()
	x.request(sip.SUBSCRIBE)
	x.in.Refuse(ua.Reply{Status: 200})
	if value(x.in, "Expires") != "0" {
		x.a.t.Errorf("asked for %s s more, want none", value(x.in, "Expires"))
	}
}

func TestTheOfficeWatchesItsMailboxAtTheCarrier(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		watcher := s.pbx.ask(sip.SUBSCRIBE, "0123456700", "", "", "Event: message-summary;id=7", "Expires: 600")
		source := s.a.gets(sip.SUBSCRIBE)
		in := source.in
		if in.Recipient.String() != "sip:+33123456700@carrier-a.example" || in.From().Address.User != "+33123456700" ||
			value(in, "Event") != "message-summary" || value(in, "Expires") != "600" || value(in, "Accept") != summaryType {
			t.Errorf("asked by\n%s", in.Request)
		}
		if c := in.Contact().Address; c.Host != "198.51.100.2" || c.User != "line-carrier-a" {
			t.Errorf("its Contact is %s", c.String())
		}
		source.respond(202, "Expires: 300")
		res := watcher.expect(200)
		if value(res, "Expires") != "300" || res.Contact().Address.Host != "192.0.2.1" {
			t.Errorf("answered with\n%s", res)
		}
		watcher.state.Established(res)
		source.send(sip.NOTIFY, summaryType, waiting, "Event: message-summary", "Subscription-State: active;expires=250")
		told := watcher.request(sip.NOTIFY)
		if got := string(told.Body()); got != "Messages-Waiting: yes\r\nMessage-Account: sip:0123456700@192.0.2.1\r\nVoice-Message: 2/1\r\n" {
			t.Errorf("told %q", got)
		}
		if value(told, "Event") != "message-summary;id=7" || value(told, "Subscription-State") != "active;expires=250" || value(told, "Content-Type") != summaryType {
			t.Errorf("told by\n%s", told.Request)
		}
		told.Refuse(ua.Reply{Status: 200})
		source.expect(200)

		watcher.send(sip.SUBSCRIBE, "", "", "Event: message-summary;id=7", "Expires: 90")
		source.request(sip.SUBSCRIBE)
		source.respond(200, "Expires: 90")
		if res := watcher.expect(200); value(res, "Expires") != "90" {
			t.Errorf("renewed for %s", value(res, "Expires"))
		}
		watcher.send(sip.SUBSCRIBE, "", "", "Event: message-summary;id=7", "Expires: 0")
		source.request(sip.SUBSCRIBE)
		source.respond(200, "Expires: 0")
		watcher.expect(200)
		source.send(sip.NOTIFY, "", "", "Event: message-summary", "Subscription-State: terminated;reason=timeout")
		watcher.ended("timeout")
		source.expect(200)
		time.Sleep(time.Second)
		if n := s.desk.subscriptions(); n != 0 {
			t.Errorf("%d subscriptions after the end", n)
		}
		source.send(sip.NOTIFY, "", "", "Event: message-summary", "Subscription-State: active")
		source.expect(481)
	})
}

func TestACarrierWatchesANumberOfTheOffice(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		watcher := s.a.ask(sip.SUBSCRIBE, "+33123456700", "", "", "Event: reg", "Expires: 600", "From: sip:+33612345678@carrier-a.example")
		source := s.pbx.gets(sip.SUBSCRIBE)
		if source.in.Recipient.User != "0123456700" || source.in.From().Address.User != "0612345678" {
			t.Errorf("asked by\n%s", source.in.Request)
		}
		source.respond(200, "Expires: 600")
		watcher.state.Established(watcher.expect(200))
		source.send(sip.NOTIFY, "application/reginfo+xml", `<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">`+
			`<registration aor="sip:0123456700@marked.lan" id="marked1" state="active"><contact id="marked2" state="active" event="registered" expires="50">`+
			`<uri>sip:marked@192.0.2.77</uri></contact></registration></reginfo>`, "Event: reg", "Subscription-State: active;expires=600")
		told := string(watcher.request(sip.NOTIFY).Body())
		if !strings.Contains(told, `aor="sip:+33123456700@198.51.100.2"`) || !strings.Contains(told, "<uri>sip:198.51.100.2:5060</uri>") {
			t.Errorf("told %s", told)
		}
		watcher.in.Refuse(ua.Reply{Status: 200})
		source.expect(200)
		source.send(sip.NOTIFY, "", "", "Event: reg", "Subscription-State: terminated;reason=noresource")
		watcher.ended("noresource")
		source.expect(200)
	})
}

func TestACallThatCrossesTheBoxIsNamedSoThatItCanBePickedUp(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		watcher := s.pbx.ask(sip.SUBSCRIBE, "00472105518", "", "", "Event: dialog", "Accept: application/*")
		source := s.a.gets(sip.SUBSCRIBE)
		if value(source.in, "Expires") != "3600" {
			t.Errorf("asked for %s s", value(source.in, "Expires"))
		}
		source.respond(200, "Expires: 3600")
		watcher.state.Established(watcher.expect(200))
		entry := func(id, tags string) string {
			return `<dialog id="` + id + `" call-id="` + id + `" ` + tags + ` direction="recipient"><state>early</state>` +
				`<remote><identity display="Zoe">sip:+33123456700@marked.example</identity><target uri="sip:marked@203.0.113.8"/></remote></dialog>`
		}
		source.send(sip.NOTIFY, dialogType, `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="3" state="full" entity="sip:marked@203.0.113.9">`+
			entry("marked-outer", `local-tag="marked-tag" remote-tag="box-tag"`)+entry("marked-other", `local-tag="marked-1" remote-tag="marked-2"`)+
			`</dialog-info>`, "Event: dialog", "Subscription-State: active;expires=3600")
		told := string(watcher.request(sip.NOTIFY).Body())
		for _, want := range []string{
			`entity="sip:00472105518@192.0.2.1"`, `call-id="inner" local-tag="inner-box" remote-tag="inner-pbx"`,
			`<identity display="Zoe">sip:0123456700@192.0.2.1</identity><target uri="sip:0123456700@192.0.2.1">`,
		} {
			if !strings.Contains(told, want) {
				t.Errorf("%s is missing in\n%s", want, told)
			}
		}
		if strings.Contains(told, "marked-") || strings.Contains(told, "203.0.113.") {
			t.Errorf("told\n%s", told)
		}
		watcher.in.Refuse(ua.Reply{Status: 200})
		source.expect(200)
		other := regexp.MustCompile(`call-id="(\w+)" local-tag="(\w+)" remote-tag="(\w+)"`).FindStringSubmatch(told)
		for _, c := range []struct{ to, from, want string }{
			{other[2], other[3], "marked-other;to-tag=marked-1;from-tag=marked-2"}, {other[3], other[2], "marked-other;to-tag=marked-2;from-tag=marked-1"},
		} {
			if source, replaces, ok := s.desk.Told(s.pbx.peer, other[1], c.to, c.from); !ok || source != s.a.peer || replaces != c.want {
				t.Errorf("%v is known as %s, %v; want %s", other, replaces, ok, c.want)
			}
		}
		if _, _, ok := s.desk.Told(s.b.peer, other[1], other[2], other[3]); ok {
			t.Error("somebody was told who does not watch")
		}
		go s.desk.Drain(t.Context())
		watcher.ended("deactivated")
		source.leaves()
	})
}

func TestANotificationMayOvertakeTheAnswer(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		watcher := s.pbx.ask(sip.SUBSCRIBE, "0123456700", "", "", "Event: message-summary", "Expires: 600")
		source := s.a.gets(sip.SUBSCRIBE)
		source.send(sip.NOTIFY, summaryType, waiting, "Event: message-summary", "Subscription-State: active;expires=200")
		res := watcher.expect(200)
		watcher.state.Established(res)
		watcher.request(sip.NOTIFY).Refuse(ua.Reply{Status: 200})
		source.expect(200)
		source.respond(200, "Expires: 200")
		stranger := *source.state // another branch of a fork
		stranger.LocalTag = "other"
		real := source.state
		source.state = &stranger
		source.send(sip.NOTIFY, summaryType, waiting, "Event: message-summary", "Subscription-State: active;expires=200")
		source.expect(481)
		source.state = real
		source.send(sip.NOTIFY, "", "", "Event: message-summary", "Subscription-State: terminated")
		watcher.request(sip.NOTIFY).Refuse(ua.Reply{Status: 200})
		source.expect(200)
	})
}

func TestARenewalWaitsForTheAnswerThatWasOvertaken(t *testing.T) {
	renewed := func(s *scene) (watcher, source *exchange) {
		watcher = s.pbx.ask(sip.SUBSCRIBE, "0123456700", "", "", "Event: message-summary", "Expires: 600")
		source = s.a.gets(sip.SUBSCRIBE)
		first := source.in
		source.send(sip.NOTIFY, summaryType, waiting, "Event: message-summary", "Subscription-State: active;expires=200")
		watcher.state.Established(watcher.expect(200))
		watcher.request(sip.NOTIFY).Refuse(ua.Reply{Status: 200})
		source.expect(200)
		source.in = first
		watcher.send(sip.SUBSCRIBE, "", "", "Event: message-summary", "Expires: 100")
		synctest.Wait()
		return watcher, source
	}
	play(t, func(t *testing.T, s *scene) {
		watcher, source := renewed(s)
		watcher.send(sip.SUBSCRIBE, "", "", "Event: message-summary", "Expires: 90") // a second one does not wait
		if res := watcher.expect(500); value(res, "Retry-After") != "1" {
			t.Errorf("refused without a time: %s", res)
		}
		source.respond(200, "Expires: 200")
		if in := source.request(sip.SUBSCRIBE); value(in, "Expires") != "100" {
			t.Errorf("asked for %s s, want 100", value(in, "Expires"))
		}
		source.respond(200, "Expires: 100")
		if res := watcher.expect(200); value(res, "Expires") != "100" {
			t.Errorf("granted %s s, want 100", value(res, "Expires"))
		}
		source.send(sip.NOTIFY, "", "", "Event: message-summary", "Subscription-State: terminated")
		watcher.request(sip.NOTIFY).Refuse(ua.Reply{Status: 200})
		source.expect(200)
	})
	play(t, func(t *testing.T, s *scene) {
		watcher, source := renewed(s)
		source.respond(404)
		watcher.request(sip.NOTIFY).Refuse(ua.Reply{Status: 200})
		watcher.expect(481)
	})
}

func TestASilentSubscriptionEnds(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		watcher := s.pbx.ask(sip.SUBSCRIBE, "0123456700", "", "", "Event: message-summary", "Expires: 600")
		source := s.a.gets(sip.SUBSCRIBE)
		source.respond(200, "Expires: 600")
		watcher.state.Established(watcher.expect(200))
		begun := time.Now()
		watcher.ended("timeout") // nothing was ever told
		source.leaves()
		if took := time.Since(begun); took < 30*time.Second || took > 40*time.Second {
			t.Errorf("after %v", took)
		}
	})
	play(t, func(t *testing.T, s *scene) {
		watcher, source := s.watching()
		begun := time.Now()
		watcher.ended("timeout") // nobody renews it, and the source forgets to say so
		source.leaves()
		if took := time.Since(begun); took < 300*time.Second || took > 340*time.Second {
			t.Errorf("after %v", took)
		}
	})
}

func TestAWatcherThatIsGoneEndsTheSubscription(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		watcher, source := s.watching()
		source.send(sip.NOTIFY, summaryType, waiting, "Event: message-summary", "Subscription-State: active;expires=300")
		watcher.request(sip.NOTIFY).Refuse(ua.Reply{Status: 481})
		source.expect(481)
	})
	play(t, func(t *testing.T, s *scene) {
		watcher, source := s.watching()
		source.send(sip.NOTIFY, summaryType, waiting, "Event: message-summary", "Subscription-State: active;expires=300")
		watcher.request(sip.NOTIFY) // and no answer
		var leaves, answered bool
		for !leaves || !answered {
			switch e := source.next(); {
			case e.Request != nil:
				leaves = value(e.Request, "Expires") == "0"
				e.Request.Refuse(ua.Reply{Status: 200})
			default:
				answered = true // with 408, or by the end of its own transaction
			}
		}
	})
}

func TestASourceThatHasForgottenEndsTheSubscription(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		watcher, source := s.watching()
		watcher.send(sip.SUBSCRIBE, "", "", "Event: message-summary", "Expires: 600")
		source.request(sip.SUBSCRIBE).Refuse(ua.Reply{Status: 481})
		watcher.expect(481)
	})
	play(t, func(t *testing.T, s *scene) {
		watcher, source := s.watching()
		watcher.send(sip.SUBSCRIBE, "", "", "Event: message-summary", "Expires: 600")
		source.request(sip.SUBSCRIBE)
		source.respond(423, "Min-Expires: 1800")
		if res := watcher.expect(423); value(res, "Min-Expires") != "1800" {
			t.Errorf("answered with\n%s", res)
		}
		watcher.send(sip.SUBSCRIBE, "", "", "Event: dialog", "Expires: 600")
		watcher.expect(403)
		watcher.send(sip.SUBSCRIBE, "", "", "Event: message-summary", "Expires: 5")
		watcher.expect(423)
		watcher.send(sip.INFO, "", "")
		watcher.expect(405)
		source.send(sip.NOTIFY, "", "", "Event: message-summary", "Subscription-State: terminated;reason=giveup;retry-after=9")
		watcher.request(sip.NOTIFY).Refuse(ua.Reply{Status: 200})
		if got := value(watcher.in, "Subscription-State"); got != "terminated;reason=giveup;retry-after=9" {
			t.Errorf("told %q", got)
		}
		source.expect(200)
	})
}

func TestNothingStaysUnansweredAtTheEnd(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		watcher, source := s.watching()
		watcher.send(sip.SUBSCRIBE, "", "", "Event: message-summary", "Expires: 600")
		source.request(sip.SUBSCRIBE) // and no answer
		source.send(sip.NOTIFY, "", "", "Event: message-summary", "Subscription-State: terminated;reason=noresource")
		watcher.ended("noresource")
		source.expect(200)
		watcher.expect(481)
	})
}

func TestNotificationsThatDoNotFitAreRefused(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		_, source := s.watching()
		state := "Subscription-State: active;expires=300"
		for name, c := range map[string]struct {
			kind, body string
			headers    []string
			status     int
		}{
			"another package":       {summaryType, waiting, []string{"Event: dialog", state}, 489},
			"no package":            {summaryType, waiting, []string{state}, 489},
			"no state":              {summaryType, waiting, []string{"Event: message-summary"}, 400},
			"another type":          {"text/plain", waiting, []string{"Event: message-summary", state}, 415},
			"a body that is none":   {summaryType, "hello", []string{"Event: message-summary", state}, 400},
			"a body in a container": {summaryType, waiting, []string{"Event: message-summary", state, "Content-Encoding: gzip"}, 415},
		} {
			source.send(sip.NOTIFY, c.kind, c.body, c.headers...)
			if e := source.next(); e.Response == nil || e.Response.StatusCode != c.status {
				t.Errorf("%s: %s, want %d", name, shown(e), c.status)
			}
		}
		source.state.LocalSeq -= 3
		source.send(sip.NOTIFY, summaryType, waiting, "Event: message-summary", state)
		source.expect(500)
		source.state.LocalSeq += 10
		source.send(sip.NOTIFY, summaryType, "hello", "Event: message-summary", "Subscription-State: terminated")
		source.expect(400)
	})
}

func TestSubscriptionsThatCannotBeAreRefused(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		for name, c := range map[string]struct {
			from    *actor
			to      string
			headers []string
			status  int
		}{
			"another package":                    {s.pbx, "0123456700", []string{"Event: presence"}, 489},
			"the refer package":                  {s.pbx, "0123456700", []string{"Event: refer"}, 489},
			"no package":                         {s.pbx, "0123456700", nil, 489},
			"two packages":                       {s.pbx, "0123456700", []string{"Event: dialog", "Event: reg"}, 489},
			"too short":                          {s.pbx, "0123456700", []string{"Event: dialog", "Expires: 59"}, 423},
			"no number":                          {s.pbx, "0123456700", []string{"Event: dialog", "Expires: soon"}, 400},
			"a watcher that takes nothing of it": {s.pbx, "0123456700", []string{"Event: dialog", "Accept: text/plain"}, 406},
			"nobody's number":                    {s.a, "+33472105518", []string{"Event: dialog"}, 404},
			"no route":                           {s.pbx, "00012125550123", []string{"Event: dialog"}, 404},
			"an extension":                       {s.pbx, "0123456700", []string{"Event: dialog", "Require: teleport"}, 420},
		} {
			res := c.from.ask(sip.SUBSCRIBE, c.to, "", "", c.headers...).expect(c.status)
			switch {
			case c.status == 489 && value(res, "Allow-Events") != strings.Join(eventbody.Packages(), ", "):
				t.Errorf("%s: Allow-Events is %q", name, value(res, "Allow-Events"))
			case c.status == 423 && value(res, "Min-Expires") != "60":
				t.Errorf("%s: Min-Expires is %q", name, value(res, "Min-Expires"))
			}
		}
		s.away = "the PBX has not registered yet"
		s.a.ask(sip.SUBSCRIBE, "+33123456700", "", "", "Event: dialog").expect(480)
		declined := s.pbx.ask(sip.SUBSCRIBE, "0123456700", "", "", "Event: dialog")
		s.a.gets(sip.SUBSCRIBE).respond(489, "Allow-Events: message-summary, marked")
		if res := declined.expect(489); value(res, "Allow-Events") != "message-summary" {
			t.Errorf("Allow-Events is %q", value(res, "Allow-Events"))
		}
	})
}

func TestAFetchTellsOnce(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		watcher := s.pbx.ask(sip.SUBSCRIBE, "line-carrier-a", "", "", "Event: message-summary", "Expires: 0")
		source := s.a.gets(sip.SUBSCRIBE)
		if source.in.Recipient.User != "line-carrier-a" {
			t.Errorf("asked for %s, want the account", source.in.Recipient.User)
		}
		source.respond(200, "Expires: 0")
		watcher.state.Established(watcher.expect(200))
		source.send(sip.NOTIFY, summaryType, waiting, "Event: message-summary", "Subscription-State: terminated;reason=timeout")
		watcher.ended("timeout")
		if !strings.Contains(string(watcher.in.Body()), "Message-Account: sip:line-carrier-a@192.0.2.1\r\n") {
			t.Errorf("told %q", watcher.in.Body())
		}
		source.expect(200)
	})
}

func TestASubscriptionTriesOneServerAfterTheOther(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.twoOfA, s.accounts = true, true
		watcher := s.pbx.ask(sip.SUBSCRIBE, "00472105518", "", "", "Event: dialog")
		s.a.gets(sip.SUBSCRIBE).respond(503)
		s.b.gets(sip.SUBSCRIBE).respond(401, `WWW-Authenticate: Digest realm="carrier", nonce="1", algorithm=SHA-256, qop="auth"`)
		source := s.b.gets(sip.SUBSCRIBE)
		if !strings.Contains(value(source.in, "Authorization"), `username="line-carrier-b"`) {
			t.Errorf("answered with %q", value(source.in, "Authorization"))
		}
		source.respond(200, "Expires: 100")
		watcher.state.Established(watcher.expect(200))
		source.send(sip.NOTIFY, "", "", "Event: dialog", "Subscription-State: pending;expires=100")
		if watcher.request(sip.NOTIFY); value(watcher.in, "Subscription-State") != "pending;expires=100" {
			t.Errorf("told %q", value(watcher.in, "Subscription-State"))
		}
		watcher.respond(200)
		source.expect(200)
		if want := []string{"dead"}; !slices.Equal(s.avoided, want) {
			t.Errorf("avoided %v, want %v", s.avoided, want)
		}
	})
}

func TestSubscriptionsAreBounded(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		for i := range maxOfOne {
			if i > 0 && i%burst == 0 {
				time.Sleep(5 * time.Second) // no faster than one may; nobody answers the notifications for longer than this takes
			}
			s.pbx.ask(sip.SUBSCRIBE, "0123456700", "", "", "Event: message-summary", "Expires: 3600")
			source := s.a.gets(sip.SUBSCRIBE)
			source.respond(200, "Expires: 3600")
			source.send(sip.NOTIFY, "", "", "Event: message-summary", "Subscription-State: active;expires=3600")
		}
		time.Sleep(6 * time.Second)
		if n := s.desk.subscriptions(); n != maxOfOne {
			t.Fatalf("%d subscriptions, want %d", n, maxOfOne)
		}
		s.pbx.ask(sip.SUBSCRIBE, "0123456700", "", "", "Event: message-summary").expect(503)
		if rules := s.refused(); !slices.Contains(rules, "subscriptions") {
			t.Errorf("told %v", rules)
		}
		other := s.a.ask(sip.SUBSCRIBE, "+33123456700", "", "", "Event: message-summary")
		s.pbx.gets(sip.SUBSCRIBE).respond(486) // it is another's to fill
		other.expect(486)
	})
}

func TestWaitingMessagesAreToldWithoutASubscription(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		for _, c := range []struct {
			from, to *actor
			user     string
			uri      string
			account  string
		}{
			{s.a, s.pbx, "line-carrier-a", "sip:0123456700@192.0.2.10", "sip:0123456700@192.0.2.10"},
			{s.pbx, s.b, "0123456800", "sip:+33123456800@carrier-b.example", "sip:+33123456800@carrier-b.example"},
		} {
			x := c.from.ask(sip.NOTIFY, c.user, summaryType, waiting, "Event: message-summary", "Subscription-State: active")
			got := c.to.gets(sip.NOTIFY)
			if got.in.Recipient.String() != c.uri || !strings.Contains(string(got.in.Body()), "Message-Account: "+c.account+"\r\n") {
				t.Errorf("told\n%s", got.in.Request)
			}
			if value(got.in, "Event") != "message-summary" || value(got.in, "Subscription-State") != "active" {
				t.Errorf("told by\n%s", got.in.Request)
			}
			got.respond(200)
			x.expect(200)
		}
		for _, c := range []struct {
			from       *actor
			user, body string
			event      string
			status     int
		}{
			{s.a, "+33472105518", waiting, "message-summary", 404},
			{s.pbx, "0472105518", waiting, "message-summary", 404},
			{s.a, "+33123456700", "hello", "message-summary", 400},
			{s.a, "+33123456700", "", "dialog", 481},
			{s.a, "+33123456700", "", "refer", 481},
		} {
			x := c.from.ask(sip.NOTIFY, c.user, summaryType, c.body, "Event: "+c.event, "Subscription-State: active")
			if e := x.next(); e.Response == nil || e.Response.StatusCode != c.status {
				t.Errorf("%s about %s: %s, want %d", c.event, c.user, shown(e), c.status)
			}
		}
		s.a.ask(sip.NOTIFY, "+33123456700", "", "").expect(489)
	})
}

func TestASubscriptionStateIsReadAndWritten(t *testing.T) {
	for text, want := range map[string]string{
		"active;expires=60":                          "active;expires=60",
		"Active ; Expires = 60":                      "active;expires=60",
		"waiting-room;expires=5":                     "active;expires=5",
		"terminated;reason=marked;retry-after=3":     "terminated;retry-after=3",
		"terminated;reason=probation;retry-after=10": "terminated;reason=probation;retry-after=10",
		"pending;expires=x":                          "pending",
	} {
		req := sip.NewRequest(sip.NOTIFY, sip.Uri{})
		req.AppendHeader(sip.NewHeader("Subscription-State", text))
		got, ok := readStanding(&ua.Incoming{Request: req})
		if h := got.header().Value(); !ok || h != want {
			t.Errorf("%q is passed on as %q, %v; want %q", text, h, ok, want)
		}
	}
	for _, c := range []struct{ text, name, id string }{
		{"dialog", "dialog", ""}, {"dialog ; ID = a7", "dialog", "a7"}, {"dialog;id=<x>", "dialog", ""}, {"dialog;sla;id=1", "dialog", "1"},
	} {
		req := sip.NewRequest(sip.NOTIFY, sip.Uri{})
		req.AppendHeader(sip.NewHeader("Event", c.text))
		if name, id, ok := readEvent(req); !ok || name != c.name || id != c.id {
			t.Error(fmt.Sprintf("%q is read as", c.text), name, id, ok)
		}
	}
}
