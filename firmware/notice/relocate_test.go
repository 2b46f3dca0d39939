package notice

import (
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

const elsewhere = "198.51.100.77"

func TestARunningSubscriptionTellsTheCarrierTheNewAddress(t *testing.T) {
	tests := map[string]struct {
		status int
		ends   bool // the subscription does
	}{
		"taken":                        {200, false},
		"refused for now":              {503, false},
		"the carrier knows it no more": {481, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *scene) {
				watcher, source := s.watching()
				s.desk.Moved("carrier-a") // and nothing has changed
				time.Sleep(100 * time.Second)
				s.moveTo(elsewhere)
				s.desk.Moved("carrier-b")
				s.desk.Moved("carrier-a")
				in := source.request(sip.SUBSCRIBE)
				if c := in.Contact().Address; c.Host != elsewhere || c.User != "line-carrier-a" || in.Via().Host != elsewhere || value(in, "Expires") != "200" {
					t.Errorf("told by\n%s", in.Request)
				}
				source.respond(tt.status, "Expires: 200")
				if tt.ends {
					watcher.ended("noresource")
					source.leaves()
					return
				}
				source.send(sip.NOTIFY, summaryType, waiting, "Event: message-summary", "Subscription-State: active;expires=200")
				watcher.request(sip.NOTIFY)
				watcher.in.Refuse(ua.Reply{Status: 200})
				source.expect(200)
				if n := s.a.boxEnd.Count("SUBSCRIBE"); n != 2 {
					t.Errorf("%d SUBSCRIBEs, want the first one and one from the new address", n)
				}
				time.Sleep(240 * time.Second) // it lapses when it was to
				watcher.ended("timeout")
				source.leaves()
			})
		})
	}
}

func TestACarrierThatWatchesLearnsTheNewAddressFromTheNextNotify(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		watcher := s.a.ask(sip.SUBSCRIBE, "+33123456700", "", "", "Event: message-summary", "Expires: 600", "From: sip:+33612345678@carrier-a.example")
		source := s.pbx.gets(sip.SUBSCRIBE)
		source.respond(200, "Expires: 600")
		watcher.state.Established(watcher.expect(200))
		s.moveTo(elsewhere)
		s.desk.Moved("carrier-a")
		time.Sleep(time.Second)
		source.send(sip.NOTIFY, summaryType, waiting, "Event: message-summary", "Subscription-State: active;expires=600")
		in := watcher.request(sip.NOTIFY)
		if in.Contact() == nil || in.Contact().Address.Host != elsewhere || in.Via().Host != elsewhere {
			t.Errorf("told by\n%s", in.Request)
		}
		in.Refuse(ua.Reply{Status: 200})
		source.expect(200)
		if n := s.pbx.boxEnd.Count("SUBSCRIBE"); n != 1 {
			t.Errorf("the office was asked %d times", n)
		}
	})
}
