package header

import (
	"slices"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"
)

// message makes a request with fields as a peer writes them.
func message(fields ...string) *sip.Request {
	req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", Host: "box.example"})
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.AppendHeader(sip.NewHeader(name, value))
	}
	return req
}

func texts(headers []sip.Header) []string {
	var out []string
	for _, h := range headers {
		out = append(out, h.Name()+": "+h.Value())
	}
	return out
}

func TestWhatPassesIsWrittenAfresh(t *testing.T) {
	for _, c := range []struct {
		name, in string
		place    Place
		want     string // "" when nothing passes
	}{
		{"a way to ring", "Alert-Info: <urn:alert:service:auto-answer>;x=y", Invite, "Alert-Info: <urn:alert:service:auto-answer>"},
		{"a provider's own way to ring", "Alert-Info: <urn:alert:source:chief@office.example>", Invite, ""},
		{"a way to ring with an address in it", "Alert-Info: <urn:alert:192.0.2.9>", Invite, ""},
		{"any other URN", "Alert-Info: <urn:uuid:0c67446e-f1a1-11d9-94d3-000a95a0e128>", Invite, ""},
		{"a ring at the PBX's address", "Alert-Info: <http://192.0.2.9/Bellcore-dr3>", Invite, "Alert-Info: <http://anonymous.invalid/Bellcore-dr3>"},
		{"a file at the PBX's address", "Alert-Info: <http://192.0.2.9/tone.wav>", Invite, ""},
		{"a phone that answers by itself", "alert-info: <http://192.0.2.9>;info=alert-autoanswer;delay=0", Invite, "Alert-Info: <http://anonymous.invalid>;info=alert-autoanswer;delay=0"},
		{"the same without a URI", "Alert-Info: info=alert-autoanswer;delay=0", Invite, "Alert-Info: info=alert-autoanswer;delay=0"},
		{"a word alone", "Alert-Info: Bellcore-dr2", Invite, "Alert-Info: Bellcore-dr2"},
		{"a host alone", "Alert-Info: pbx.office.example", Invite, ""},
		{"an address in a parameter", "Alert-Info: <urn:alert:source:internal>;info=192.0.2.9", Invite, "Alert-Info: <urn:alert:source:internal>"},
		{"answer at once", "Call-Info: <sip:192.0.2.9>;answer-after=0", Invite, "Call-Info: <sip:anonymous.invalid>;answer-after=0"},
		{"answer at once, without a URI", "Call-Info: ;answer-after=0", Invite, "Call-Info: ;answer-after=0"},
		{"answer at once, without a semicolon", "Call-Info: answer-after=0", Invite, "Call-Info: answer-after=0"},
		{"a picture", "Call-Info: <https://pbx.office.example/me.png>;purpose=icon", Invite, ""},
		{"a quoted name before the URI", `Call-Info: "a, <b>" <sip:x@y.example>;answer-after=1, <sip:z.example>;purpose=info`, Invite, "Call-Info: <sip:anonymous.invalid>;answer-after=1"},
		{"no ringing in an answer", "Alert-Info: <urn:alert:source:internal>", Answer, ""},
		{"a cause", `Reason: Q.850;cause=17;text="User busy at 192.0.2.9"`, Bye, `Reason: Q.850;cause=17;text="User busy"`},
		{"a cause with where", "Reason: q.850 ; cause=16 ;location=ln", Bye, `Reason: Q.850;cause=16;text="Normal call clearing";location=LN`},
		{"a cause that nobody has a word for", `Reason: Q.850;cause=126;text="x"`, Bye, "Reason: Q.850;cause=126"},
		{"a cause beyond the table", "Reason: Q.850;cause=128", Bye, ""},
		{"answered elsewhere", `Reason: SIP;cause=200;text="at 201"`, Cancel, `Reason: SIP;cause=200;text="Call completed elsewhere"`},
		{"a status in a response", "Reason: SIP;cause=486", Failure, ""},
		{"a cause in a response", "Reason: Q.850;cause=1", Failure, `Reason: Q.850;cause=1;text="Unallocated number"`},
		{"another protocol", `Reason: X.int;reasoncode=0x00000000;add-info=05CC.0001`, Bye, ""},
		{"no reason in an INVITE", "Reason: Q.850;cause=16", Invite, ""},
		{"early media", "P-Early-Media: SendRecv , gated, nonsense", Ringing, "P-Early-Media: sendrecv, gated"},
		{"early media for the one who can", "P-Early-Media: supported", Invite, "P-Early-Media: supported"},
		{"early media after the answer", "P-Early-Media: sendrecv", Answer, ""},
		{"data of the users", "User-to-User: 00C81031;encoding=hex;purpose=isdn-uui;content=isdn-uui;x=y", Invite, "User-to-User: 00C81031;purpose=isdn-uui;content=isdn-uui;encoding=hex"},
		{"data in another encoding", "User-to-User: abcd;encoding=utf8", Invite, ""},
		{"half a byte", "User-to-User: 00C", Bye, ""},
		{"text as data", `User-to-User: "pbx.office.example"`, Bye, ""},
		{"too much data", "User-to-User: " + strings.Repeat("00", 257), Bye, ""},
		{"a folded value with a bare line end", "Call-Info: <sip:x.example>;answer-after=0\nX-Evil: 1", Invite, ""},
		{"what nobody knows", "X-Customer: 1", Invite, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(texts(Carry(message(c.in), c.place)), "\n")
			if got != c.want {
				t.Errorf("%s became %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestListsAreBounded(t *testing.T) {
	long := "Q.850;cause=16" + strings.Repeat(", Q.850;cause=16", 50)
	if n := len(Carry(message("Reason: "+long), Bye)); n != maxReasons {
		t.Errorf("%d reasons pass, want %d", n, maxReasons)
	}
	if n := len(Diversions(message("Diversion: " + strings.Repeat("<sip:1@x>, ", 50) + "<sip:1@x>"))); n != maxDiversions {
		t.Errorf("%d diversions are read, want %d", n, maxDiversions)
	}
	if n := len(Carry(message("Reason: Q.850;cause=16"+strings.Repeat(";a=b", 5000)), Bye)); n != 0 {
		t.Error("a field of 20 kB passes")
	}
}

func TestDiversionsAreReadAndWritten(t *testing.T) {
	in := message(`Diversion: "Desk" <sip:+33123456701@192.0.2.9:5060;user=phone>;reason=No-Answer;counter=2;privacy=off;screen=no, <tel:+33123456702>;reason=sunspots;privacy=full`,
		"Diversion: <sip:192.0.2.9>;reason=unconditional", "Diversion: <sip:201@x>;counter=0x10")
	want := []Diversion{
		{User: "+33123456701", Reason: "no-answer", Count: 2}, {User: "tel:+33123456702", Hidden: true}, {User: "201"},
	}
	got := Diversions(in)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if v := got[0].Write("sip:+33123456701@carrier.example"); v != "<sip:+33123456701@carrier.example>;reason=no-answer;counter=2;privacy=off" {
		t.Error(v)
	}
	if v := got[1].Write("sip:1@x"); v != "<sip:1@x>;reason=unknown;counter=1;privacy=full" {
		t.Error(v)
	}
}

func TestHistoryIsReadAndWritten(t *testing.T) {
	in := message("History-Info: <sip:+33123456701@192.0.2.9?Privacy=history>;index=1, <sip:+33123456702@192.0.2.9;cause=302?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1",
		"History-Info: <tel:+33612345678;cause=777>;index=1.1.1;rc=1.1")
	got := Histories(in)
	want := []Stop{{User: "+33123456701", Hidden: true}, {User: "+33123456702", Cause: 302}, {User: "tel:+33612345678;cause=777"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	const written = "<sip:1@x>;index=1, <sip:2@x;cause=302>;index=1.1;mp=1, <sip:3@x>;index=1.1.1;mp=1.1"
	if v := WriteHistory(got, []string{"sip:1@x", "sip:2@x", "sip:3@x"}); v != written {
		t.Error(v)
	}
}

func TestAssertionsAreRead(t *testing.T) {
	for in, want := range map[string][]Assertion{
		`"Zoe" <sip:+33987654321@carrier.example>, <tel:+33987654321>`:            {{User: "+33987654321"}, {User: "tel:+33987654321"}},
		"<tel:+33987654321;verstat=TN-Validation-Passed>":                         {{User: "tel:+33987654321;verstat=TN-Validation-Passed", Verstat: "TN-Validation-Passed"}},
		"<sip:+33987654321;verstat=no-tn-validation@carrier.example;user=phone>":  {{User: "+33987654321;verstat=no-tn-validation", Verstat: "No-TN-Validation"}},
		"<sip:+33987654321@carrier.example;verstat=TN-Validation-Failed>":         {{User: "+33987654321", Verstat: "TN-Validation-Failed"}},
		"<sip:+33987654321@carrier.example>;verstat=TN-Validation-Passed-A":       {{User: "+33987654321", Verstat: "TN-Validation-Passed-A"}},
		"<sip:+33987654321@carrier.example;verstat=Passed-by-evil.example>":       {{User: "+33987654321"}},
		"sip:+33987654321@carrier.example":                                        {{User: "+33987654321"}},
		"<sip:carrier.example>, <mailto:z@x.example>, <sip:1@x>, <sip:2@x>, <x>,": {{User: "1"}, {User: "2"}},
	} {
		got := Assertions(message("P-Asserted-Identity: "+in), "P-Asserted-Identity")
		if in[0] == '<' && strings.Contains(in, "mailto") {
			want = nil // the first two count, and they are nobody
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
}

func TestASignedIdentityIsKeptWholeOrNotAtAll(t *testing.T) {
	const token = "eyJhbGciOiJFUzI1NiJ9.eyJvcmlnIjp7InRuIjoiMzMifX0.c2lnbmF0dXJl"
	const good = token + ";info=<https://cert.example.org/passport.cer>;alg=ES256;ppt=shaken"
	for in, want := range map[string]bool{
		good: true,
		token + ";info=<https://cert.example.org/p.cer>":       true,
		"..c2lnbmF0dXJl;info=<https://cert.example.org/p.cer>": false,
		token:                                    false,
		token + ";info=<http://192.0.2.9/p.cer>": false,
		token + ";info=<https://cert.example.org/p.cer\x01>":          false,
		"<" + token + ">;info=<https://cert.example.org/p.cer>":       false,
		strings.Repeat("a", 7000) + ".b.c;info=<https://x.example/p>": false,
	} {
		if got := Identities(message("Identity: " + in)); (len(got) == 1) != want {
			t.Errorf("%s gave %q", in, got)
		}
	}
	for _, name := range []string{"Identity", "identity", "y"} {
		if got := Identities(message(name + ": " + good)); len(got) != 1 || got[0] != good {
			t.Errorf("%s: %q became %q", name, good, got)
		}
	}
}

func TestPrivacyIsRead(t *testing.T) {
	for in, want := range map[string]Privacy{
		"id": {Caller: true}, "User; critical": {Caller: true}, "full": {Caller: true, History: true}, "history": {History: true},
		"none": {None: true}, "session": {}, "identity": {},
	} {
		if got := ReadPrivacy(message("privacy: " + in)); got != want {
			t.Errorf("%s is %+v, want %+v", in, got, want)
		}
	}
}

// places are all places.
var places = []Place{Invite, Ringing, Answer, Failure, Bye, Cancel}

// FuzzCarry: whatever comes in, what passes has no control characters, no address and no host, and passes again as it is.
func FuzzCarry(f *testing.F) {
	for _, name := range []string{"Alert-Info", "Call-Info", "Reason", "P-Early-Media", "User-to-User"} {
		f.Add(name, `<http://192.0.2.9/Bellcore-dr3>;info=alert-autoanswer;delay=0, ;answer-after=0`)
		f.Add(name, `Q.850;cause=16;text="a \"b\"", SIP;cause=200, supported, 00C8;encoding=hex, <urn:alert:source:internal>`)
	}
	f.Fuzz(func(t *testing.T, name, in string) {
		for _, p := range places {
			out := Carry(message(name+": "+in), p)
			var again []string
			for _, h := range out {
				if v := h.Value(); !clean(v) || len(v) > 1000 || strings.ContainsAny(strings.NewReplacer(nowhere, "", "Q.850", "").Replace(v), ".@") {
					t.Fatalf("%q became %q", in, v)
				}
				again = append(again, texts(Carry(message(h.Name()+": "+h.Value()), p))...)
			}
			if !slices.Equal(again, texts(out)) {
				t.Fatalf("%q became %q and then %q", in, texts(out), again)
			}
		}
	})
}

// FuzzIdentity: what is read of who calls and by whom is bounded and can be written on one line.
func FuzzIdentity(f *testing.F) {
	f.Add(`"a" <sip:+33987654321;verstat=TN-Validation-Passed@carrier.example?Privacy=history>;index=1;reason=user-busy;counter=3`)
	f.Add("aGVhZA.Ym9keQ.c2ln;info=<https://cert.example.org/p.cer>;ppt=div")
	f.Fuzz(func(t *testing.T, in string) {
		var out []string
		for _, d := range Diversions(message("Diversion: " + in)) {
			out = append(out, d.User, d.Write("sip:1@x"))
		}
		for _, a := range Assertions(message("P-Asserted-Identity: "+in), "P-Asserted-Identity") {
			out = append(out, a.User, a.Verstat)
		}
		stops := Histories(message("History-Info: " + in))
		out = append(out, WriteHistory(stops, make([]string, len(stops))))
		out = append(out, Identities(message("Identity: "+in))...)
		ReadPrivacy(message("Privacy: " + in))
		for _, v := range out {
			if !clean(v) || len(v) > maxValue {
				t.Fatalf("%q gave %q", in, v)
			}
		}
	})
}
