package access

import (
	"errors"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"tollgate/firmware/numbering"
)

func TestCredentialsAreReadAsTheyAreWritten(t *testing.T) {
	c, err := parseCredentials(`DIGEST  username = "a \"quoted\" \\ name",realm="tollgate" , nonce=n,uri="sip:1@192.0.2.2",` +
		"\t" + `response=abc, algorithm="MD5", cnonce="c,d=e", qop="auth", nc=0000000A, opaque="", X-new=1`)
	want := credentials{user: `a "quoted" \ name`, realm: "tollgate", nonce: "n", uri: "sip:1@192.0.2.2", response: "abc",
		algorithm: "MD5", cnonce: "c,d=e", qop: "auth", nc: "0000000A", count: 10}
	if err != nil || c != want {
		t.Errorf("%+v, %v; want %+v", c, err, want)
	}
}

func TestFaultyCredentialsAreRefusedWithTheReason(t *testing.T) {
	const rest = `nonce="n", uri="u", response="r", cnonce="c", qop=auth, nc=`
	for text, reason := range map[string]string{
		"":                                 "not Digest",
		"Basic abc":                        "not Digest",
		"Digest":                           "missing",
		"Digest realm":                     "no name or no value",
		`Digest ="x"`:                      "no name or no value",
		`Digest a b="x"`:                   "no name or no value",
		`Digest realm="x`:                  "no end",
		`Digest realm="x\`:                 "no end",
		`Digest realm="x" nonce="y"`:       "comma",
		`Digest realm="x",`:                "comma",
		`Digest realm="x",,nonce="y"`:      "no name",
		`Digest realm="x", REALM="y"`:      "twice",
		"Digest " + rest + "1":             "eight hexadecimal",
		"Digest " + rest + "-0000001":      "eight hexadecimal",
		"Digest " + rest + "0000000g":      "eight hexadecimal",
		"Digest " + rest + "000000001":     "eight hexadecimal",
		`Digest nonce="n", uri="u", qop=x`: "missing",
		"Digest " + strings.Repeat("x", 4e3) + strings.Repeat("y", 200): "longer",
	} {
		if _, err := parseCredentials(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.60q: %v; want ... %s", text, err, reason)
		}
	}
}

func FuzzCredentials(f *testing.F) {
	f.Add(`Digest username="u", realm="tollgate", nonce="n", uri="sip:1@h", response="r", cnonce="c", qop=auth, nc=00000001`)
	f.Add(`digest username="a\"b",nc=ffffffff , qop="auth"`)
	f.Add(`Digest realm="x`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCredentials(text)
		if err != nil {
			return
		}
		// What we read, another implementation must read the same once written plainly. It knows no counters above 31 bits.
		if c.count > 1<<31-1 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) || strings.Contains(text, `\`) {
			return
		}
		again, err := digest.ParseCredentials((&digest.Credentials{
			Username: c.user, Realm: c.realm, Nonce: c.nonce, URI: c.uri, Response: c.response,
			Algorithm: "MD5", Cnonce: c.cnonce, QOP: "auth", Nc: int(c.count),
		}).String())
		if err != nil || again.Username != c.user || again.Nonce != c.nonce || again.Nc != int(c.count) {
			t.Errorf("%q: %+v came back as %+v, %v", text, c, again, err)
		}
	})
}

// FuzzIdentify sends whatever the parser lets through: nothing but a proof of the secret may open the gate, or a call for help.
func FuzzIdentify(f *testing.F) {
	g := digestGate()
	plan, err := numbering.For(digestPolicy().Site.Country)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("INVITE", "sip:0123456789@192.0.2.2", "Digest realm=\"tollgate\", nonce=\"n\", uri=\"sip:0123456789@192.0.2.2\", response=\"r\", cnonce=\"c\", qop=auth, nc=00000001", "")
	f.Add("INVITE", "tel:+33123456789", "Basic x", "tag=1")
	f.Add("OPTIONS", "sip:192.0.2.2", "", "")
	f.Add("INVITE", "teL:112;32:+3;+13", "Basic x", "") // parameters that are none do not stop it
	f.Fuzz(func(t *testing.T, method, uri, auth, toParams string) {
		text := method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\nFrom: <sip:1@h>;tag=1\r\n" +
			"To: <sip:2@h>;" + toParams + "\r\nCall-ID: c\r\nCSeq: 1 " + method + "\r\nAuthorization: " + auth + "\r\nContent-Length: 0\r\n\r\n"
		m, err := sip.ParseMessage([]byte(text))
		req, ok := m.(*sip.Request)
		if err != nil || !ok {
			return
		}
		v := g.Identify(noon, office10, req)
		if v.Action == Accept && opens(req) && !dialsForHelp(plan, req) {
			t.Errorf("%q was accepted without the secret", text)
		}
		if v.Action == Drop || v.Peer != pbx {
			t.Errorf("%q from the PBX: %+v", text, v)
		}
		if _, err := parseCredentials(auth); errors.Is(err, errNotDigest) && v.Rule == RuleWrongDigest {
			t.Logf("header added by the text itself: %q", text)
		}
	})
}

// dialsForHelp tells whether a request opens a call to an emergency number, read as the call will be, and takes no other
// call's place. That nothing else is read as an emergency number is numbering's to show.
func dialsForHelp(plan *numbering.Plan, req *sip.Request) bool {
	called, err := plan.Read(userOf(&req.Recipient), "")
	return err == nil && called.Emergency() && req.Method == sip.INVITE && req.GetHeader("Replaces") == nil
}
