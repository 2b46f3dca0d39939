package call

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/field"
	"tollgate/firmware/policy"
	"tollgate/firmware/stir"
	"tollgate/firmware/ua"
)

const certificateAt = "https://certificates.example/operator.pem"

// operator is somebody whose certificate counts, and what is known of its certificate.
type operator struct {
	*stir.Signer
	chain   []*x509.Certificate
	anchors *x509.CertPool
	asked   atomic.Int32
	err     error         // why the certificate cannot be had
	waits   time.Duration // how long the last who asked would have waited
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Operator"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 26}, Value: []byte("\x30\x08\xa0\x06\x16\x041234")}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{chain: []*x509.Certificate{cert}, anchors: x509.NewCertPool()}
	o.anchors.AddCert(cert)
	text := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	if o.Signer, err = stir.NewSigner(text("CERTIFICATE", der), text("PRIVATE KEY", secret), certificateAt); err != nil {
		t.Fatal(err)
	}
	return o
}

// Get is what the box fetches certificates with.
func (o *operator) Get(ctx context.Context, _, _ string) ([]*x509.Certificate, error) {
	o.asked.Add(1)
	if end, ok := ctx.Deadline(); ok {
		o.waits = time.Until(end)
	}
	return o.chain, o.err
}

// identity signs a call of +33698765432 to +33123456700.
func (o *operator) identity(t *testing.T, change func(*stir.Passport)) string {
	t.Helper()
	p := stir.Passport{Orig: "33698765432", Dest: []string{"33123456700"}, Issued: time.Now(), Attest: stir.Full, OrigID: newUUID()}
	if change != nil {
		change(&p)
	}
	field, err := o.Sign(p, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return "Identity: " + field
}

// signedScene has a carrier-a whose calls are judged, and calls to which are signed.
func signedScene(t *testing.T, verify policy.Verifying, change func(*policy.Policy)) (*scene, *operator) {
	t.Helper()
	s, o := newScene(t, change), newOperator(t)
	s.stir = map[string]*Stir{"carrier-a": {Signer: o.Signer, Verify: verify, Anchors: o.anchors}}
	s.desk.o.Certificates = o
	return s, o
}

// says is what a signature of a call claims.
func says(t *testing.T, in *ua.Incoming) string {
	t.Helper()
	var list []string
	for _, h := range field.All(in, "Identity") {
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(h.Value(), ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var c struct {
			Attest    string
			Orig, Div struct{ TN string }
			Dest      struct{ TN []string }
			OrigID    string
			Iat       int64
		}
		if err := json.Unmarshal(payload, &c); err != nil {
			t.Fatal(err)
		}
		if age := time.Since(time.Unix(c.Iat, 0)); age > stir.Freshness || age < -stir.Freshness {
			t.Errorf("it was signed %v ago", age)
		}
		if (len(c.OrigID) == 36) != (c.Attest != "") {
			t.Errorf("attest %q, origid %q", c.Attest, c.OrigID)
		}
		list = append(list, strings.TrimSpace(fmt.Sprint(c.Attest, " ", c.Orig.TN, " ", c.Dest.TN, " ", c.Div.TN)))
	}
	return strings.Join(list, "; ")
}

func TestACallIsSignedForWhomItShows(t *testing.T) {
	clip := func(p *policy.Policy) { p.Trunks[0].ClipNoScreening = true }
	for _, c := range []struct {
		name, from, to string
		fields         []string
		want           string
	}{
		{"a number of ours", "sip:0123456700@192.0.2.10", "00472105518", nil, "A 33123456700 [33472105518]"},
		{"an extension", "sip:201@192.0.2.10", "00472105518", nil, "A 33123456700 [33472105518]"},
		{"a withheld one", "sip:0123456700@192.0.2.10", "00472105518", []string{"Privacy: id"}, "A 33123456700 [33472105518]"},
		{"somebody else's number, which is not shown", "sip:0698765432@192.0.2.10", "00472105518", nil, "A 33123456700 [33472105518]"},
		{"abroad", "sip:201@192.0.2.10", "00012125550123", nil, "A 33123456700 [12125550123]"},
		{"a signature of the office's own", "sip:201@192.0.2.10", "00472105518", []string{"Identity: a.b.c;info=<https://cert.example/p.cer>"}, "A 33123456700 [33472105518]"},
		{"an emergency number, which has no form for it", "sip:201@192.0.2.10", "112", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := signedScene(t, policy.VerifyOff, clip)
			caller := s.from(c.from, c.to, c.fields...)
			callee := s.a.called()
			if got := says(t, callee.in); got != c.want {
				t.Errorf("signed %q, want %q", got, c.want)
			}
			callee.respond(486, "")
			if c.to == "112" {
				s.b.called().respond(486, "")
			}
			caller.expect(486)
		})
	}
	t.Run("a carrier's call that goes out again", func(t *testing.T) {
		s, _ := signedScene(t, policy.VerifyOff, clip)
		caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
		s.pbx.called().redirect("<sip:0699887766@192.0.2.10>")
		target := s.a.called()
		if got := says(t, target.in); got != "C 33612345678 [33699887766]" {
			t.Errorf("signed %q", got)
		}
		target.respond(486, "")
		caller.expect(486)
	})
	t.Run("by another carrier, which wants none", func(t *testing.T) {
		s, _ := signedScene(t, policy.VerifyOff, nil)
		caller := s.from("sip:201@192.0.2.10", "00472105518")
		s.a.called().respond(503, "")
		callee := s.b.called()
		if got := says(t, callee.in); got != "" {
			t.Errorf("signed %q", got)
		}
		callee.respond(486, "")
		caller.expect(486)
	})
}

// What a forwarded call came with goes on with it, and the number that forwards signs that it does (RFC 8946).
func TestAForwardedCallCarriesItsSignatureAndOneOfTheNumberThatForwards(t *testing.T) {
	clip := func(p *policy.Policy) { p.Trunks[0].ClipNoScreening = true }
	for name, c := range map[string]struct {
		verify policy.Verifying
		signed bool
		want   string
	}{
		"a right one":               {policy.VerifyMark, true, "A 33698765432 [33123456700]; 33698765432 [33472105518] 33123456700"},
		"none":                      {policy.VerifyMark, false, "B 33698765432 [33472105518]"},
		"one that nobody looked at": {policy.VerifyOff, true, "B 33698765432 [33472105518]"},
	} {
		t.Run(name, func(t *testing.T) {
			s, o := signedScene(t, c.verify, clip)
			var came []string
			if c.signed {
				came = []string{o.identity(t, nil)}
			}
			caller, callee := s.carrierCalls("sip:+33698765432@carrier-a.example", came...)
			forward := s.from("sip:0698765432@192.0.2.10", "00472105518", "Diversion: <sip:0123456700@192.0.2.10>")
			target := s.a.called()
			if got := says(t, target.in); got != c.want {
				t.Errorf("signed %q, want %q", got, c.want)
			}
			var list []string
			for _, h := range field.All(target.in, "Identity") {
				list = append(list, h.Value())
			}
			is := stir.Call{Orig: "33698765432", Dest: "33472105518"}
			presented, wrong := stir.Read(list)
			if wrong == nil {
				wrong = presented.Check(is, time.Now())
			}
			if wrong != nil {
				t.Fatalf("%+v", wrong)
			}
			if v := presented.Judge(is, map[string][]*x509.Certificate{certificateAt: o.chain}, o.anchors, &stir.Seen{}, time.Now()); v.Result != stir.Passed {
				t.Errorf("whoever gets it finds %+v", v)
			}
			target.respond(486, "")
			forward.expect(486)
			callee.respond(486, "")
			caller.expect(486)
		})
	}
}

func TestThePBXIsToldWhatCameOfASignature(t *testing.T) {
	const from = "sip:+33698765432;verstat=TN-Validation-Passed@carrier-a.example;user=phone"
	wrong := func(p *stir.Passport) { p.Orig = "33698765433" }
	for name, c := range map[string]struct {
		verify  policy.Verifying
		trusted bool
		from    string
		signed  func(*stir.Passport)
		none    bool
		want    string // verstat of From; "": none
		asserts string // of P-Asserted-Identity
	}{
		"right":                             {policy.VerifyMark, false, "sip:+33698765432@carrier-a.example", nil, false, "TN-Validation-Passed", ""},
		"of a gateway":                      {policy.VerifyMark, false, from, func(p *stir.Passport) { p.Attest = stir.Gateway }, false, "TN-Validation-Passed-C", ""},
		"wrong":                             {policy.VerifyMark, false, from, wrong, false, "TN-Validation-Failed", ""},
		"none, and the carrier's word":      {policy.VerifyMark, false, from, nil, true, "No-TN-Validation", ""},
		"wrong, and a trusted one's word":   {policy.VerifyMark, true, from, wrong, false, "TN-Validation-Failed", "TN-Validation-Failed"},
		"none, and a trusted one's word":    {policy.VerifyMark, true, from, nil, true, "TN-Validation-Passed", "TN-Validation-Passed"},
		"nobody looks, a trusted one":       {policy.VerifyOff, true, from, wrong, false, "TN-Validation-Passed", "TN-Validation-Passed"},
		"nobody looks, one who is not":      {policy.VerifyOff, false, from, nil, false, "", ""},
		"right, where others are refused":   {policy.VerifyRefuse, false, from, nil, false, "TN-Validation-Passed", ""},
		"right, where a trusted one is one": {policy.VerifyRefuse, true, from, nil, false, "TN-Validation-Passed", "TN-Validation-Passed"},
	} {
		t.Run(name, func(t *testing.T) {
			s, o := signedScene(t, c.verify, func(p *policy.Policy) { p.Trunks[0].Trusted = c.trusted })
			list := []string{"P-Asserted-Identity: <" + from + ">"}
			if !c.none {
				list = append(list, o.identity(t, c.signed))
			}
			caller, callee := s.carrierCalls(c.from, list...)
			for name, want := range map[string]string{"From": c.want, "P-Asserted-Identity": c.asserts} {
				_, got, _ := strings.Cut(fields(callee.in, name), ";verstat=")
				if got, _, _ = strings.Cut(got, "@"); got != want {
					t.Errorf("%s says %q, want %q", name, got, want)
				}
			}
			if passes := fields(callee.in, "Identity") != ""; passes != (c.trusted && !c.none) {
				t.Errorf("the signature itself: %v", passes)
			}
			callee.respond(486, "")
			caller.expect(486)
		})
	}
}

func TestACallWithoutARightSignatureIsRefusedWhereThePolicySaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*operator)
		signed func(*stir.Passport)
		none   bool
		status int
		reason string
	}{
		"none":                             {nil, nil, true, 428, "a call of carrier-a is not accepted: the call is not signed"},
		"for somebody else":                {nil, func(p *stir.Passport) { p.Dest = []string{"33123456701"} }, false, 438, "a call of carrier-a is not accepted: the signature is for calls to +33123456701"},
		"too old":                          {nil, func(p *stir.Passport) { p.Issued = p.Issued.Add(-2 * time.Minute) }, false, 403, "a call of carrier-a is not accepted: the signature is 2m"},
		"its certificate cannot be had":    {func(o *operator) { o.err = errors.New("its certificate did not come in time") }, nil, false, 436, "a call of carrier-a is not accepted: its certificate did not come in time"},
		"its certificate is not of theirs": {func(o *operator) { *o.anchors = *x509.NewCertPool() }, nil, false, 437, "a call of carrier-a is not accepted: its certificate is not of an authority that is trusted here"},
	} {
		t.Run(name, func(t *testing.T) {
			s, o := signedScene(t, policy.VerifyRefuse, nil)
			if c.change != nil {
				c.change(o)
			}
			var list []string
			if !c.none {
				list = append(list, o.identity(t, c.signed))
			}
			d := draftTo("+33123456700", secureSDP("203.0.113.8"), list...)
			d.From = "sip:+33698765432@carrier-a.example"
			res := s.a.send(d).expect(c.status)
			if got := fields(res, "Reason"); got != fmt.Sprintf("Reason: STIR;cause=%d", c.status) {
				t.Error(got)
			}
			if e := find[event.CallRefused](s); e.Rule != "trunks.stir.verify" || !strings.HasPrefix(e.Reason, c.reason) {
				t.Errorf("refused by %s: %s", e.Rule, e.Reason)
			}
			if c.status == 436 && (o.waits <= 0 || o.waits > certificateTime) {
				t.Errorf("the call would wait %v", o.waits)
			}
			if asked := o.asked.Load() > 0; asked != (c.status == 436 || c.status == 437) {
				t.Errorf("the certificate was asked for: %v", asked)
			}
		})
	}
}

// Whoever calls back after a call for help is neither refused for his signature nor kept waiting for it.
func TestACallBackAfterACallForHelpIsNotJudgedByItsSignature(t *testing.T) {
	s, o := signedScene(t, policy.VerifyRefuse, nil)
	number, err := s.desk.settings.Plan.Read("+33123456700", "")
	if err != nil {
		t.Fatal(err)
	}
	s.gate.ExpectCallBack(number, time.Now())
	caller, callee := s.carrierCalls("sip:+33698765432@carrier-a.example", o.identity(t, func(p *stir.Passport) { p.Orig = "33698765433" }))
	if o.asked.Load() > 0 || strings.Contains(fields(callee.in, "From"), "verstat") {
		t.Errorf("it was judged: %s", fields(callee.in, "From"))
	}
	callee.respond(486, "")
	caller.expect(486)
}

// Acceptance case 21: nothing is signed, nothing is judged, and calls go on.
func TestWhileTheTimeIsNotKnownNothingIsSignedOrJudgedAndCallsGoOn(t *testing.T) {
	s, o := signedScene(t, policy.VerifyRefuse, nil)
	var known atomic.Bool
	s.desk.o.Timely = known.Load
	out := func(want string) {
		t.Helper()
		caller := s.from("sip:201@192.0.2.10", "00472105518")
		callee := s.a.called()
		if got := says(t, callee.in); got != want {
			t.Errorf("signed %q, want %q", got, want)
		}
		callee.respond(486, "")
		caller.expect(486)
	}
	out("")
	for _, list := range [][]string{nil, {o.identity(t, nil)}, {"Identity: rubbish"}} {
		caller, callee := s.carrierCalls("sip:+33698765432@carrier-a.example", list...)
		if got := fields(callee.in, "From"); !strings.Contains(got, "verstat=No-TN-Validation@") {
			t.Error(got)
		}
		if v := s.session().describe().Signature; v.Result != stir.Unknown || v.Reason == "" {
			t.Errorf("the record says %+v", v)
		}
		callee.respond(200, clearSDP("192.0.2.51"))
		caller.ack(caller.expect(200))
		callee.request(sip.ACK)
		caller.ask(sip.BYE, "")
		callee.request(sip.BYE)
		caller.expect(200)
		s.await(0)
	}
	if o.asked.Load() > 0 {
		t.Error("a certificate was fetched")
	}
	known.Store(true)
	out("A 33123456700 [33472105518]")
}
