package stir

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
)

// usual is the call of most tests.
func usual() (Passport, Call) {
	return Passport{Orig: "33123456700", Dest: []string{"33987654321"}, Issued: noon(), Attest: Full, OrigID: "123e4567-e89b-42d3-a456-426614174000"},
		Call{Orig: "33123456700", Dest: "33987654321", ID: "call 1"}
}

// judge takes fields through all stages; fetched tells whether a certificate would have been fetched.
func judge(fields []string, c Call, chains map[string][]*x509.Certificate, anchors *x509.CertPool, seen *Seen, now time.Time) (v Verdict, fetched bool) {
	p, wrong := Read(fields)
	if wrong != nil {
		return *wrong, false
	}
	if wrong = p.Check(c, now); wrong != nil {
		return *wrong, false
	}
	return p.Judge(c, chains, anchors, seen, now), true
}

func mustSign(t testing.TB, s *Signer, p Passport) string {
	t.Helper()
	field, err := s.Sign(p, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return field
}

func TestASignedCallPasses(t *testing.T) {
	a := newAuthority(t)
	s, chain := a.signer(nil)
	for attest, verstat := range map[Attestation]string{Full: "TN-Validation-Passed", Partial: "TN-Validation-Passed-B", Gateway: "TN-Validation-Passed-C"} {
		p, c := usual()
		p.Attest = attest
		v, _ := judge([]string{mustSign(t, s, p)}, c, map[string][]*x509.Certificate{where: chain}, a.pool(), &Seen{}, noon())
		if v.Result != Passed || v.Attest != attest || v.Verstat() != verstat || v.Status != 0 {
			t.Errorf("%s: %+v, verstat %s", attest, v, v.Verstat())
		}
	}
}

// forge signs any two parts, as somebody with the key may.
func forge(s *Signer, header, payload string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	return signed + "." + base64.RawURLEncoding.EncodeToString(es256(s, signed))
}

const (
	goodHeader  = `{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"` + where + `"}`
	goodPayload = `{"attest":"A","dest":{"tn":["33987654321"]},"iat":1772452800,"orig":{"tn":"33123456700"},"origid":"o"}`
	goodInfo    = ";info=<" + where + ">;alg=ES256;ppt=shaken"
)

// What is wrong with a signature itself, whatever its certificate: acceptance case 20.
func TestASignatureThatIsWrongIsRefused(t *testing.T) {
	a := newAuthority(t)
	s, chain := a.signer(nil)
	swap := func(text, old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%s is not in %s", old, text)
		}
		return strings.Replace(text, old, new, 1)
	}
	good := forge(s, goodHeader, goodPayload)
	mac := hmac.New(sha256.New, chain[0].Raw)
	hs := swap(goodHeader, "ES256", "HS256")
	mac.Write([]byte(b64(hs) + "." + b64(goodPayload)))
	hmacked := b64(hs) + "." + b64(goodPayload) + "." + b64(string(mac.Sum(nil))+string(mac.Sum(nil)))
	cases := []struct {
		name    string
		field   string
		status  int
		fetched bool
	}{
		{"it is right", good + goodInfo, 0, true},
		{"a bit of the first part", flip(t, good, 0, 3) + goodInfo, 438, false},
		{"a bit of the second part", flip(t, good, 1, len(goodPayload)-3) + goodInfo, 438, true},
		{"a bit of the signature", flip(t, good, 2, 20) + goodInfo, 438, true},
		{"alg none", forge(s, swap(goodHeader, "ES256", "none"), goodPayload) + ";info=<" + where + ">", 437, false},
		{"alg none, no signature", b64(swap(goodHeader, "ES256", "none")) + "." + b64(goodPayload) + "." + ";info=<" + where + ">", 438, false},
		{"alg HS256", hmacked + ";info=<" + where + ">", 437, false},
		{"alg beside it", good + swap(goodInfo, "ES256", "HS256"), 438, false},
		{"typ", forge(s, swap(goodHeader, `"passport"`, `"JWT"`), goodPayload) + goodInfo, 438, false},
		{"ppt unknown", forge(s, swap(goodHeader, "shaken", "rph"), goodPayload) + ";info=<" + where + ">", 428, false},
		{"ppt beside it", good + swap(goodInfo, "shaken", "div"), 438, false},
		{"no ppt", forge(s, swap(goodHeader, `"ppt":"shaken",`, ""), goodPayload) + ";info=<" + where + ">", 428, false},
		{"something critical", forge(s, swap(goodHeader, `"typ"`, `"crit":["exp"],"typ"`), goodPayload) + goodInfo, 438, false},
		{"attest D", forge(s, goodHeader, swap(goodPayload, `"A"`, `"D"`)) + goodInfo, 438, false},
		{"no attest", forge(s, goodHeader, swap(goodPayload, `"attest":"A",`, "")) + goodInfo, 438, false},
		{"61 s old", forge(s, goodHeader, swap(goodPayload, "1772452800", "1772452739")) + goodInfo, 403, false},
		{"60 s old", forge(s, goodHeader, swap(goodPayload, "1772452800", "1772452740")) + goodInfo, 0, true},
		{"61 s ahead", forge(s, goodHeader, swap(goodPayload, "1772452800", "1772452861")) + goodInfo, 403, false},
		{"60 s ahead", forge(s, goodHeader, swap(goodPayload, "1772452800", "1772452860")) + goodInfo, 0, true},
		{"no time", forge(s, goodHeader, swap(goodPayload, `"iat":1772452800,`, "")) + goodInfo, 438, false},
		{"another caller", forge(s, goodHeader, swap(goodPayload, "33123456700", "33123456701")) + goodInfo, 438, false},
		{"somebody else called", forge(s, goodHeader, swap(goodPayload, "33987654321", "33987654322")) + goodInfo, 438, false},
		{"a caller by URI", forge(s, goodHeader, swap(goodPayload, `"tn":"33123456700"`, `"uri":"sip:a@b.example"`)) + goodInfo, 438, false},
		{"claims by other names", forge(s, goodHeader, swap(goodPayload, `"orig"`, `"Orig"`)) + goodInfo, 438, false},
		{"a diversion that is none", forge(s, goodHeader, swap(goodPayload, `"iat"`, `"div":{"tn":"33123456700"},"iat"`)) + goodInfo, 0, true},
		{"info is not x5u", good + swap(goodInfo, "office.pem", "other.pem"), 436, false},
		{"no info", good + ";alg=ES256;ppt=shaken", 436, false},
		{"a file", at(s, "file:///etc/ssl/office.pem"), 436, false},
		{"in the clear", at(s, "http://certificates.example/office.pem"), 436, false},
		{"a URL with a password", at(s, "https://a:b@certificates.example/office.pem"), 436, false},
		{"the short form", ".." + strings.Split(good, ".")[2] + goodInfo, 438, false},
		{"garbage", "garbage", 438, false},
		{"garbage in three parts", "a.b.c" + goodInfo, 438, false},
		{"nothing", "", 438, false},
		{"too long", good + goodInfo + ";x=" + strings.Repeat("y", maxField), 438, false},
	}
	for cut := 1; cut < len(good); cut += 29 {
		cases = append(cases, struct {
			name    string
			field   string
			status  int
			fetched bool
		}{fmt.Sprintf("cut after %d", cut), good[:cut] + goodInfo, 438, false})
	}
	_, c := usual()
	for _, test := range cases {
		v, fetched := judge([]string{test.field}, c, map[string][]*x509.Certificate{where: chain}, a.pool(), &Seen{}, noon())
		if v.Status != test.status || fetched != test.fetched || (v.Status == 0) != (v.Result == Passed) || (v.Reason == "") != (v.Result == Passed) {
			t.Errorf("%s: %+v, fetched %v; want %d, fetched %v", test.name, v, fetched, test.status, test.fetched)
		}
	}
}

// at is a right signature whose certificate is somewhere else.
func at(s *Signer, url string) string {
	return forge(s, strings.Replace(goodHeader, where, url, 1), goodPayload) + ";info=<" + url + ">;alg=ES256;ppt=shaken"
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// flip changes one bit of a byte of a part, in such a way that it is still base64url.
func flip(t *testing.T, token string, part, at int) string {
	t.Helper()
	parts := strings.Split(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	parts[part] = base64.RawURLEncoding.EncodeToString(b)
	return strings.Join(parts, ".")
}

// Every single bit of what is signed and of the signature counts.
func TestNoBitOfASignatureCanBeChanged(t *testing.T) {
	a := newAuthority(t)
	s, chain := a.signer(nil)
	p, c := usual()
	token, parameters, _ := strings.Cut(mustSign(t, s, p), ";")
	parts := strings.Split(token, ".")
	for part := range parts {
		whole, _ := base64.RawURLEncoding.DecodeString(parts[part])
		for bit := 0; bit < 8*len(whole); bit += 3 {
			b := append([]byte(nil), whole...)
			b[bit/8] ^= 1 << (bit % 8)
			changed := append([]string(nil), parts...)
			changed[part] = base64.RawURLEncoding.EncodeToString(b)
			v, _ := judge([]string{strings.Join(changed, ".") + ";" + parameters}, c, map[string][]*x509.Certificate{where: chain}, a.pool(), &Seen{}, noon())
			if v.Result == Passed {
				t.Fatalf("bit %d of part %d was changed and nobody saw", bit, part)
			}
		}
	}
}

// What is wrong with the certificate: acceptance case 20.
func TestACertificateThatProvesNothingIsRefused(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	none := func(c *x509.Certificate) { c.ExtraExtensions = nil }
	speaks := func(list ...pkix.Extension) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtraExtensions = list }
	}
	broken := pkix.Extension{Id: oidTNAuthList(), Value: []byte{0x30, 0x03, 0xa0, 0x01, 0x16}}
	critical := speaksFor(t, code("1234"))
	critical.Critical = true
	cases := []struct {
		name   string
		by     *authority
		change func(*x509.Certificate)
		status int
	}{
		{"right", a, nil, 0},
		{"a TNAuthList that has to be understood", a, speaks(critical), 0},
		{"no TNAuthList", a, none, 437},
		{"a TNAuthList that cannot be read", a, speaks(broken), 437},
		{"for this number", a, speaks(speaksFor(t, one("33123456700"))), 0},
		{"for another number", a, speaks(speaksFor(t, one("33123456701"))), 437},
		{"for a range with the number", a, speaks(speaksFor(t, from("33123456690", 11))), 0},
		{"for a range that ends before it", a, speaks(speaksFor(t, from("33123456690", 10))), 437},
		{"expired", a, func(c *x509.Certificate) { c.NotAfter = noon().Add(-time.Second) }, 437},
		{"not yet valid", a, func(c *x509.Certificate) { c.NotBefore = noon().Add(time.Minute) }, 437},
		{"of an authority that is not trusted", stranger, nil, 437},
	}
	for _, test := range cases {
		s, chain := test.by.signer(test.change)
		_, c := usual()
		field := forge(s, goodHeader, goodPayload) + goodInfo
		v, _ := judge([]string{field}, c, map[string][]*x509.Certificate{where: chain}, a.pool(), &Seen{}, noon())
		if v.Status != test.status {
			t.Errorf("%s: %+v, want %d", test.name, v, test.status)
		}
		if v, _ = judge([]string{field}, c, nil, a.pool(), &Seen{}, noon()); v.Status != StatusInfo {
			t.Errorf("%s: without its certificate: %+v", test.name, v)
		}
		if v, _ = judge([]string{field}, c, map[string][]*x509.Certificate{where: chain}, nil, &Seen{}, noon()); v.Result == Passed {
			t.Errorf("%s: passed without any authority", test.name)
		}
	}
}

// An authority whose certificate is used as a signer's must not vouch, nor one that is signed by a mere signer.
func TestASignersCertificateIssuesNoOthers(t *testing.T) {
	a := newAuthority(t)
	first, chain := a.signer(nil)
	key := newKey(t, first.key.Curve)
	leaf := (&authority{t: t, cert: chain[0], key: first.key}).issue(key, nil)
	s := &Signer{key: key, leaf: leaf, url: where}
	p, c := usual()
	v, _ := judge([]string{mustSign(t, s, p)}, c, map[string][]*x509.Certificate{where: {leaf, chain[0], a.cert}}, a.pool(), &Seen{}, noon())
	if v.Status != StatusUnsupported {
		t.Errorf("%+v", v)
	}
}

func TestASignatureServesOneCall(t *testing.T) {
	a := newAuthority(t)
	s, chain := a.signer(nil)
	p, c := usual()
	field := mustSign(t, s, p)
	chains, seen := map[string][]*x509.Certificate{where: chain}, &Seen{}
	try := func(id string, after time.Duration) int {
		c.ID = id
		v, _ := judge([]string{field}, c, chains, a.pool(), seen, noon().Add(after))
		return v.Status
	}
	if got := []int{try("call 1", 0), try("call 1", time.Second), try("call 2", 2*time.Second), try("call 2", 59*time.Second), try("call 2", 61*time.Second)}; fmt.Sprint(got) != "[0 0 438 438 403]" {
		t.Errorf("the first call, the same again, another, later, too late: %v", got)
	}
	// Of one text there are several signatures: with a key, and by arithmetic without one.
	again := forge(s, goodHeader, goodPayload)
	first, _ := judge([]string{again + goodInfo}, c, chains, a.pool(), seen, noon())
	c.ID = "call 3"
	second, _ := judge([]string{malleate(t, again) + goodInfo}, c, chains, a.pool(), seen, noon())
	if first.Result != Passed || second.Status != StatusInvalid {
		t.Errorf("%+v, %+v", first, second)
	}
}

func TestWhatWasSeenIsBoundedAndForgotten(t *testing.T) {
	seen := &Seen{}
	for i := range maxSeen + 100 {
		if !seen.note(fmt.Sprint(i), "c", noon()) {
			t.Fatal(i)
		}
	}
	if len(seen.calls) > maxSeen || len(seen.order) > maxSeen {
		t.Errorf("%d, %d are kept", len(seen.calls), len(seen.order))
	}
	seen.note("later", "c", noon().Add(time.Hour))
	if len(seen.calls) != 1 {
		t.Errorf("%d are kept an hour later", len(seen.calls))
	}
}

func TestAForwardedCallIsFollowedByItsDiversions(t *testing.T) {
	a := newAuthority(t)
	s, chain := a.signer(nil)
	chains := map[string][]*x509.Certificate{where: chain}
	p, c := usual()
	hop := func(div, dest string, after time.Duration) string {
		return mustSign(t, s, Passport{Orig: p.Orig, Dest: []string{dest}, Div: div, Issued: noon().Add(after)})
	}
	first := mustSign(t, s, p)
	two := []string{hop("33611111111", "33622222222", 40*time.Second), first, hop("33987654321", "33611111111", 20*time.Second)}
	cases := []struct {
		name   string
		fields []string
		dest   string
		status int
	}{
		{"in any order", two, "33622222222", 0},
		{"of a call sent on once", []string{first, two[2]}, "33611111111", 0},
		{"for somebody on the way", two, "33611111111", 438},
		{"the last one left out", two[1:2], "33622222222", 438},
		{"one in the middle left out", two[:2], "33622222222", 438},
		{"without that of the caller", two[2:], "33611111111", 438},
		{"six of them", append([]string{first}, ring(hop, 6)...), "33600000006", 438},
		{"five of them", append([]string{first}, ring(hop, 5)...), "33600000005", 0},
		{"after a long time", []string{first, hop("33987654321", "33611111111", 301*time.Second)}, "33611111111", 403},
	}
	for _, test := range cases {
		c.Dest = test.dest
		now := noon().Add(40 * time.Second)
		if test.name == "after a long time" {
			now = noon().Add(301 * time.Second)
		}
		if v, _ := judge(test.fields, c, chains, a.pool(), &Seen{}, now); v.Status != test.status {
			t.Errorf("%s: %+v, want %d", test.name, v, test.status)
		}
	}
	// Who speaks for the number that sends on need not speak for the caller's, and the other way round.
	own, ownChain := a.signer(func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{speaksFor(t, one("33987654321"))} })
	own.url = "https://certificates.example/other.pem"
	c.Dest = "33611111111"
	chains[own.url] = ownChain
	div := mustSign(t, own, Passport{Orig: p.Orig, Dest: []string{c.Dest}, Div: "33987654321", Issued: noon()})
	if v, _ := judge([]string{first, div}, c, chains, a.pool(), &Seen{}, noon()); v.Result != Passed {
		t.Errorf("%+v", v)
	}
	if _, err := own.Sign(Passport{Orig: p.Orig, Dest: []string{c.Dest}, Div: "33987654320", Issued: noon()}, rand.Reader); err == nil {
		t.Error("a diversion of a number that the certificate does not speak for was signed")
	}
}

// ring are so many diversions, one after the other.
func ring(hop func(div, dest string, after time.Duration) string, count int) (fields []string) {
	last := "33987654321"
	for i := range count {
		next := fmt.Sprintf("3360000000%d", i+1)
		fields = append(fields, hop(last, next, time.Second))
		last = next
	}
	return fields
}

func TestNumbersAreComparedInCanonicalForm(t *testing.T) {
	for in, want := range map[string]string{"+33123456700": "33123456700", "33-1.23 45(67)00": "33123456700", "": "", "alice": "", "+3361234567890123456789": "", "*67": "*67"} {
		if got := Canonical(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"33123456789", "33123456789", true},
		{"3310200123456789", "33123456789", true}, // with the portability prefix of French operators
		{"3310200123456789", "33123456780", false},
		{"4410200123456789", "44123456789", false},
		{"331020123456789", "33123456789", false},
		{"", "", false},
	} {
		if got := same(c.a, c.b); got != c.want || same(c.b, c.a) != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
	a := newAuthority(t)
	s, chain := a.signer(nil)
	p, c := usual()
	p.Dest = []string{"3310200987654321"}
	if v, _ := judge([]string{mustSign(t, s, p)}, c, map[string][]*x509.Certificate{where: chain}, a.pool(), &Seen{}, noon()); v.Result != Passed {
		t.Errorf("%+v", v)
	}
}

func TestThereIsAnAttestationForEveryCaller(t *testing.T) {
	for _, c := range []struct {
		identified, owned bool
		want              Attestation
	}{{true, true, Full}, {true, false, Partial}, {false, true, Gateway}, {false, false, Gateway}} {
		if got := Attest(c.identified, c.owned); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func FuzzIdentity(f *testing.F) {
	a := newAuthority(f)
	s, chain := a.signer(nil)
	p, c := usual()
	field := mustSign(f, s, p)
	f.Add(field)
	f.Add(forge(s, goodHeader, goodPayload) + goodInfo)
	f.Add("a.b.c;info=<https://x.example>;alg=;ppt=div")
	f.Fuzz(func(t *testing.T, in string) {
		v, _ := judge([]string{in}, c, map[string][]*x509.Certificate{where: chain}, a.pool(), &Seen{}, noon())
		word, _, _ := strings.Cut(in, ";")
		good, _, _ := strings.Cut(field, ";")
		if v.Result == Passed && strings.TrimSpace(word) != good && !strings.HasPrefix(strings.TrimSpace(word), forge2(goodHeader, goodPayload)) {
			t.Errorf("passed: %q", in)
		}
		if v.Result != Passed && v.Reason == "" {
			t.Errorf("no reason: %+v", v)
		}
	})
}

// forge2 is what is signed of a PASSporT.
func forge2(header, payload string) string { return b64(header) + "." + b64(payload) + "." }

func FuzzTNAuthList(f *testing.F) {
	f.Add(speaksFor(f, code("1234"), from("33123456700", 100), one("33123456999")).Value, "33123456710")
	f.Add([]byte{0x30, 0x03, 0xa0, 0x01, 0x16}, "")
	f.Fuzz(func(t *testing.T, der []byte, number string) {
		l, err := ParseTNAuthList(der)
		if err == nil && len(l.Codes)+len(l.Ranges) == 0 {
			t.Error("it speaks for nobody and was read")
		}
		l.Covers(number)
	})
}
