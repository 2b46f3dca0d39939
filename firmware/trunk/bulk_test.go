package trunk

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

func bulkPolicy() policy.Trunk {
	p := fleetPolicy()
	p.Registration = policy.RegisterBulk
	p.Accounts[0].Numbers = []string{"+33123456700", "+33123456701", "+33123456702"}
	return p
}

func one1(req *sip.Request, name string) string {
	if h := req.GetHeaders(name); len(h) == 1 {
		return h[0].Value()
	}
	return ""
}

func TestAllNumbersRegisterAtOnceWhereTheCarrierKnowsHow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(func(req *sip.Request) *sip.Response {
			return answer(req, 200, "Contact: "+req.Contact().Value()+";expires=120")
		}, one)
		tr, _, _ := startFleet(t, f, fleetNames(one), bulkPolicy())
		time.Sleep(time.Second)
		req := f.at(one).last()
		if one1(req, "Require") != "gin" || one1(req, "Proxy-Require") != "gin" || one1(req, "Supported") != "path" {
			t.Errorf("not asked for by RFC 6140 §5.2:\n%s", req)
		}
		if c := req.Contact().Value(); c != "<sip:198.51.100.2:5060;transport=tcp;bnc>" {
			t.Errorf("contact %s, want no user and bnc", c)
		}
		if to := req.To().Address.String(); to != "sip:office@sip.carrier.example" {
			t.Errorf("registered %s, want the account", to)
		}
		if s := tr.State(); s.State != Up || time.Until(s.Expires).Round(time.Second) != 119*time.Second {
			t.Errorf("state %+v, want up for the 120 s granted", s)
		}
		if n := f.at(one).count(sip.REGISTER); n != 1 {
			t.Errorf("%d REGISTERs for three numbers, want one", n)
		}
	})
}

func TestEachNumberRegistersWhereTheCarrierDoesNotKnowBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(func(req *sip.Request) *sip.Response {
			if one1(req, "Require") == "gin" {
				return answer(req, 420, "Unsupported: gin")
			}
			lifetime := "600"
			if strings.Contains(req.To().Address.String(), "701") {
				lifetime = "200"
			}
			return answer(req, 200, "Contact: "+req.Contact().Value()+";expires="+lifetime)
		}, one)
		tr, told, _ := startFleet(t, f, fleetNames(one), bulkPolicy())
		time.Sleep(time.Second)
		var aors, contacts []string
		for _, req := range f.at(one).requests()[1:] {
			aors, contacts = append(aors, req.To().Address.User), append(contacts, req.Contact().Address.User)
		}
		want := []string{"+33123456700", "+33123456701", "+33123456702"}
		if !slices.Equal(aors, want) || !slices.Equal(contacts, want) {
			t.Errorf("registered %v at %v, want %v", aors, contacts, want)
		}
		if s := tr.State(); s.State != Up || time.Until(s.Expires).Round(time.Second) != 199*time.Second {
			t.Errorf("state %+v, want up until the first lapse", s)
		}
		if len(told.told()) != 1 || !told.told()[0].Up {
			t.Errorf("facts %+v, want one: up", told.told())
		}
		time.Sleep(100 * time.Second)
		if n := f.at(one).count(sip.REGISTER); n != 7 || one1(f.at(one).last(), "Require") != "" {
			t.Errorf("%d REGISTERs after the refresh, want 7: bulk is not asked for again", n)
		}
	})
}

func TestOneNumberThatIsRefusedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(func(req *sip.Request) *sip.Response {
			switch {
			case one1(req, "Require") == "gin":
				return answer(req, 420, "Unsupported: gin")
			case strings.Contains(req.To().Address.String(), "701"):
				return answer(req, 404)
			}
			return accept(req)
		}, one)
		tr, _, _ := startFleet(t, f, fleetNames(one), bulkPolicy())
		time.Sleep(time.Second)
		if s := tr.State(); s.State != Down || !strings.Contains(s.Reason, "+33123456701") || !strings.Contains(s.Reason, "404") {
			t.Errorf("state %s, %q; want down because of +33123456701", s.State, s.Reason)
		}
	})
}

func TestEachAccountRegistersItsOwnContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(accept, one)
		p := fleetPolicy()
		p.Accounts = append(p.Accounts, policy.Account{User: "branch", Secret: "another-long-secret-0000", Numbers: []string{"+33123456800"}})
		tr, _, _ := startFleet(t, f, fleetNames(one), p)
		time.Sleep(time.Second)
		contacts := map[string]string{}
		for _, req := range f.at(one).requests() {
			contacts[req.To().Address.User] = req.Contact().Address.User
		}
		if contacts["office"] != "office" || contacts["branch"] != "branch" || len(contacts) != 2 {
			t.Errorf("contacts by account: %v, want each its own, by which calls come in", contacts)
		}
		if s := tr.State(); len(s.Accounts) != 2 || s.State != Up {
			t.Errorf("state %+v", s)
		}
	})
}
