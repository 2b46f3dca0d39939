package ua

import (
	"slices"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

func TestARequestInADialogFollowsRouteSetAndTarget(t *testing.T) {
	d := Dialog{
		Local: Local{Host: "198.51.100.2", Port: 5061, Transport: "TLS"}, CallID: "c", LocalTag: "l", RemoteTag: "r", LocalSeq: 7,
		LocalURI: "sip:+33123456700@sip.carrier.example", RemoteURI: "sip:+33987654321@sip.carrier.example",
		Contact: "sip:trunk@198.51.100.2:5061;transport=tls", RemoteTarget: "sip:gw@203.0.113.5:5061;transport=tls",
		Route: []string{"<sip:p1.carrier.example;lr>", "<sip:p2.carrier.example;lr>"},
	}
	got := d.Request(sip.BYE).String()
	got = got[:strings.Index(got, ";branch=")] + got[strings.Index(got, "\r\nRoute"):]
	want := strings.ReplaceAll(`BYE sip:gw@203.0.113.5:5061;transport=tls SIP/2.0
Via: SIP/2.0/TLS 198.51.100.2:5061;rport
Route: <sip:p1.carrier.example;lr>
Route: <sip:p2.carrier.example;lr>
Max-Forwards: 70
From: <sip:+33123456700@sip.carrier.example>;tag=l
To: <sip:+33987654321@sip.carrier.example>;tag=r
Call-ID: c
CSeq: 8 BYE
Content-Length: 0

`, "\n", "\r\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestHeaderListsAreSplitOutsideQuotesAndBrackets(t *testing.T) {
	tests := map[string][]string{
		"<sip:a;lr>, <sip:b;lr>":            {"<sip:a;lr>", "<sip:b;lr>"},
		`"x, y" <sip:a>,<sip:b,c>;p=1`:      {`"x, y" <sip:a>`, "<sip:b,c>;p=1"},
		`"quoted \", still" <sip:a>, sip:b`: {`"quoted \", still" <sip:a>`, "sip:b"},
		" , ,":                              nil,
	}
	for in, want := range tests {
		if got := splitList(in); !slices.Equal(got, want) {
			t.Errorf("splitList(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzHeaderList(f *testing.F) {
	f.Add(`"a, b" <sip:a;lr>, <sip:b>`)
	f.Add(`"\`)
	f.Fuzz(func(t *testing.T, s string) {
		for _, v := range splitList(s) {
			if strings.TrimSpace(v) == "" {
				t.Errorf("empty value from %q", s)
			}
		}
	})
}

func TestADisplayNameCannotBreakOutOfItsQuotes(t *testing.T) {
	got := nameAddr("a\" <sip:evil@x>\r\nX: y\\", "sip:a@b", "t")
	want := `"a\" <sip:evil@x>X: y\\" <sip:a@b>;tag=t`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheGrantedLifetimeIsReadFromOurOwnContact(t *testing.T) {
	res := sip.NewResponse(200, "OK")
	res.AppendHeader(sip.NewHeader("Contact", `<sip:other@192.0.2.9>;expires=60, <sip:trunk@198.51.100.2:5061;transport=tls>;expires=240`))
	res.AppendHeader(sip.NewHeader("Expires", "3600"))
	if got, ok := Expires(res, "trunk"); !ok || got != 240 {
		t.Errorf("got %d, %v; want 240", got, ok)
	}
	if got, ok := Expires(res, "nobody"); !ok || got != 3600 {
		t.Errorf("without a Contact of ours: %d, %v; want the Expires header's 3600", got, ok)
	}
}
