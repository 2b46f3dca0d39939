package edge

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lines joins header lines and a body with CRLF.
func lines(l ...string) string { return strings.Join(l, "\r\n") }

// good is a message that the gate lets through; a table changes one thing in it.
var good = lines(
	"OPTIONS sip:box@192.0.2.2 SIP/2.0",
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1;rport",
	"Max-Forwards: 70",
	"From: \"Office\" <sip:pbx@192.0.2.1>;tag=f1",
	"To: <sip:box@192.0.2.2>",
	"Call-ID: c1@192.0.2.1",
	"CSeq: 7 OPTIONS",
	"Content-Length: 4",
	"", "body")

func TestTheGateKnowsGoodFromBad(t *testing.T) {
	for name, tc := range map[string]struct {
		old, new string // what is replaced in good
		status   int    // 0: let through
		reason   string
	}{
		"unchanged":                   {"", "", 0, "none"},
		"compact names":               {"From: ", "f:", 0, "none"},
		"blanks before the colon":     {"From: ", "From \t: ", 0, "none"},
		"any case":                    {"Call-ID: ", "cALL-iD: ", 0, "none"},
		"folded":                      {"CSeq: 7 OPTIONS", "CSeq: 0007\r\n OPTIONS", 0, "none"},
		"CSeq with a tab":             {"CSeq: 7 OPTIONS", "CSeq: 7\tOPTIONS", 0, "none"},
		"version in lower case":       {"SIP/2.0\r\nVia", "sip/2.0\r\nVia", 0, "none"},
		"unknown header":              {"Max-Forwards: 70", "Max-Forwards: 70\r\nX-%!*_+`'~.: é", 0, "none"},
		"unknown method":              {"OPTIONS", "NEWMETHOD", 0, "none"},
		"no Content-Length":           {"Content-Length: 4\r\n", "", 0, "none"},
		"body longer than said":       {"Content-Length: 4", "Content-Length: 2", 0, "none"},
		"body shorter than said":      {"Content-Length: 4", "Content-Length: 5", 400, "Body shorter than Content-Length"},
		"bare LF":                     {"Max-Forwards: 70\r\n", "Max-Forwards: 70\n", 400, "LF without CR"},
		"bare CR":                     {"Max-Forwards: 70\r\n", "Max-Forwards: 70\r", 400, "CR without LF"},
		"LF inside a value":           {"Office", "Off\nP-Asserted-Identity: x", 400, "LF without CR"},
		"NUL":                         {"Office", "Off\x00ice", 400, "Control character in the header section"},
		"escape":                      {"Office", "Off\x1bice", 400, "Control character in the header section"},
		"DEL":                         {"Office", "Off\x7fice", 400, "Control character in the header section"},
		"no empty line":               {"\r\n\r\nbody", "\r\n", 400, "Header section without an end"},
		"SIP/3.0":                     {"SIP/2.0\r\nVia", "SIP/3.0\r\nVia", 505, "Version Not Supported"},
		"SIP/2.00":                    {"SIP/2.0\r\nVia", "SIP/2.00\r\nVia", 505, "Version Not Supported"},
		"HTTP":                        {"SIP/2.0\r\nVia", "HTTP/1.1\r\nVia", 400, "Malformed start line"},
		"no version":                  {" SIP/2.0\r\nVia", "\r\nVia", 400, "Malformed start line"},
		"two blanks":                  {"OPTIONS sip", "OPTIONS  sip", 400, "Malformed start line"},
		"blank behind":                {"SIP/2.0\r\nVia", "SIP/2.0 \r\nVia", 400, "Malformed start line"},
		"blank in front":              {"OPTIONS sip", " OPTIONS sip", 400, "Malformed start line"},
		"URI in brackets":             {"sip:box@192.0.2.2 SIP", "<sip:box@192.0.2.2> SIP", 400, "Malformed start line"},
		"blank in the URI":            {"sip:box@192.0.2.2 SIP", "sip:box@192.0.2.2; lr SIP", 400, "Malformed start line"},
		"tel URI":                     {"sip:box@192.0.2.2 SIP", "TEL:+33123456789 SIP", 0, "none"},
		"a call for help":             {"sip:box@192.0.2.2 SIP", "URN:service:sos SIP", 0, "none"},
		"a call for the police":       {"sip:box@192.0.2.2 SIP", "urn:service:sos.police SIP", 0, "none"},
		"another service":             {"sip:box@192.0.2.2 SIP", "urn:service:counseling SIP", 416, "Unsupported URI Scheme"},
		"no service":                  {"sip:box@192.0.2.2 SIP", "urn:service:sosx SIP", 416, "Unsupported URI Scheme"},
		"another scheme":              {"sip:box@192.0.2.2 SIP", "soap.beep://192.0.2.2 SIP", 416, "Unsupported URI Scheme"},
		"no scheme":                   {"sip:box@192.0.2.2 SIP", "box SIP", 400, "Malformed start line"},
		"nothing but a scheme":        {"sip:box@192.0.2.2 SIP", "sip: SIP", 400, "Malformed start line"},
		"folded start line":           {"SIP/2.0\r\nVia", "SIP/2.0\r\n Via", 400, "Malformed start line"},
		"empty line in front":         {"OPTIONS sip", "\r\nOPTIONS sip", 400, "Malformed start line"},
		"long start line":             {"sip:box", "sip:" + strings.Repeat("x", 2048), 414, "Start line too long"},
		"method in lower case":        {"OPTIONS sip", "options sip", 501, "Method in lower case"},
		"method with a slash":         {"OPTIONS sip", "OPT/IONS sip", 400, "Malformed start line"},
		"no colon":                    {"Max-Forwards: 70", "Max-Forwards 70", 400, "Malformed header field name"},
		"no name":                     {"Max-Forwards: 70", ": 70", 400, "Malformed header field name"},
		"blank in a name":             {"Max-Forwards: 70", "Max Forwards: 70", 400, "Malformed header field name"},
		"bracket in a name":           {"Max-Forwards: 70", "Max(Forwards): 70", 400, "Malformed header field name"},
		"129 fields":                  {"Max-Forwards: 70", "Max-Forwards: 70" + strings.Repeat("\r\nX: y", 122), 513, "Too many header fields"},
		"one long field":              {"Max-Forwards: 70", "X: " + strings.Repeat("y", 8192), 513, "Header field too long"},
		"one long folded field":       {"Max-Forwards: 70", "X: " + strings.Repeat("y\r\n ", 2100), 513, "Header field too long"},
		"no Via":                      {"Via: ", "X: ", 400, "Missing Via header field"},
		"no From":                     {"From: ", "X: ", 400, "Missing From header field"},
		"no To":                       {"To: ", "X: ", 400, "Missing To header field"},
		"no Call-ID":                  {"Call-ID: ", "X: ", 400, "Missing Call-ID header field"},
		"no CSeq":                     {"CSeq: ", "X: ", 400, "Missing CSeq header field"},
		"empty To":                    {"To: <sip:box@192.0.2.2>", "To: ", 400, "Empty To header field"},
		"two From":                    {"To: ", "From: <sip:x@y>;tag=1\r\nTo: ", 400, "More than one From header field"},
		"two To, one compact":         {"From: ", "t : <sip:x@y>\r\nFrom: ", 400, "More than one To header field"},
		"two Call-ID, one compact":    {"CSeq: ", "i:2\r\nCSeq: ", 400, "More than one Call-ID header field"},
		"two CSeq":                    {"CSeq: ", "cseq: 8 OPTIONS\r\nCSeq: ", 400, "More than one CSeq header field"},
		"two Content-Length":          {"Content-Length: 4", "Content-Length: 4\r\nl: 4", 400, "More than one Content-Length header field"},
		"two Max-Forwards":            {"Max-Forwards: 70", "Max-Forwards: 70\r\nMax-Forwards: 1", 400, "More than one Max-Forwards header field"},
		"two Content-Type":            {"Max-Forwards: 70", "c: a/b\r\nContent-Type: c/d", 400, "More than one Content-Type header field"},
		"two Refer-To":                {"Max-Forwards: 70", "r: <sip:a@b>\r\nRefer-To: <sip:c@d>", 400, "More than one Refer-To header field"},
		"two RAck":                    {"Max-Forwards: 70", "RAck: 1 1 INVITE\r\nrack: 2 1 INVITE", 400, "More than one RAck header field"},
		"two Expires":                 {"Max-Forwards: 70", "Expires: 0\r\nExpires: 3600", 400, "More than one Expires header field"},
		"two Min-SE":                  {"Max-Forwards: 70", "Min-SE: 90\r\nMin-SE: 3600", 400, "More than one Min-SE header field"},
		"two Referred-By":             {"Max-Forwards: 70", "b: <sip:a@b>\r\nReferred-By: <sip:c@d>", 400, "More than one Referred-By header field"},
		"two Subscription-State":      {"Max-Forwards: 70", "Subscription-State: active\r\nSubscription-State: terminated", 400, "More than one Subscription-State header field"},
		"two Via":                     {"Max-Forwards: 70", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKb", 0, "none"},
		"negative Content-Length":     {"Content-Length: 4", "Content-Length: -4", 400, "Malformed Content-Length"},
		"signed Content-Length":       {"Content-Length: 4", "Content-Length: +4", 400, "Malformed Content-Length"},
		"empty Content-Length":        {"Content-Length: 4", "Content-Length:", 400, "Malformed Content-Length"},
		"two numbers":                 {"Content-Length: 4", "Content-Length: 4 4", 400, "Malformed Content-Length"},
		"huge Content-Length":         {"Content-Length: 4", "Content-Length: 99999999999999999999999", 400, "Malformed Content-Length"},
		"Max-Forwards 256":            {"Max-Forwards: 70", "Max-Forwards: 256", 400, "Malformed Max-Forwards"},
		"Max-Forwards in words":       {"Max-Forwards: 70", "Max-Forwards: many", 400, "Malformed Max-Forwards"},
		"CSeq of another method":      {"7 OPTIONS", "7 INVITE", 400, "CSeq method differs from the request's"},
		"CSeq in lower case":          {"7 OPTIONS", "7 options", 400, "CSeq method differs from the request's"},
		"CSeq 2^31":                   {"7 OPTIONS", "2147483648 OPTIONS", 400, "Malformed CSeq"},
		"CSeq negative":               {"7 OPTIONS", "-1 OPTIONS", 400, "Malformed CSeq"},
		"CSeq without a method":       {"7 OPTIONS", "7", 400, "Malformed CSeq"},
		"CSeq without a number":       {"7 OPTIONS", "OPTIONS", 400, "Malformed CSeq"},
		"CSeq with three words":       {"7 OPTIONS", "7 OPTIONS X", 400, "Malformed CSeq"},
		"framing fault goes first":    {"CSeq: 7 OPTIONS\r\nContent-Length: 4", "CSeq: x\r\nContent-Length: x", 400, "Malformed Content-Length"},
		"status line":                 {"OPTIONS sip:box@192.0.2.2 SIP/2.0", "SIP/2.0 200 OK", 0, "none"},
		"status line without a word":  {"OPTIONS sip:box@192.0.2.2 SIP/2.0", "SIP/2.0 200 ", 0, "none"},
		"status line without a blank": {"OPTIONS sip:box@192.0.2.2 SIP/2.0", "SIP/2.0 200", 400, "Malformed status code"},
		"status 700":                  {"OPTIONS sip:box@192.0.2.2 SIP/2.0", "SIP/2.0 700 OK", 400, "Malformed status code"},
		"status 20":                   {"OPTIONS sip:box@192.0.2.2 SIP/2.0", "SIP/2.0 20 OK", 400, "Malformed status code"},
		"status 4294967296":           {"OPTIONS sip:box@192.0.2.2 SIP/2.0", "SIP/2.0 4294967296 OK", 400, "Malformed status code"},
		"response in SIP/7.0":         {"OPTIONS sip:box@192.0.2.2 SIP/2.0", "SIP/7.0 200 OK", 505, "Version Not Supported"},
		"more than a datagram":        {"body", strings.Repeat("x", 65535), 513, "Message larger than 65535 bytes"},
	} {
		text := strings.Replace(good, tc.old, tc.new, 1)
		if name == "unknown method" {
			text = strings.ReplaceAll(good, tc.old, tc.new)
		}
		if tc.old != "" && text == good {
			t.Fatalf("%s: %q is not in the message", name, tc.old)
		}
		s, size := inspectDatagram([]byte(text))
		status := 0
		if s.fault.found() {
			status = s.fault.status()
		}
		if status != tc.status || s.fault.reason() != tc.reason {
			t.Errorf("%s: %d %s, want %d %s", name, status, s.fault.reason(), tc.status, tc.reason)
		}
		if name == "body longer than said" && size != len(text)-2 {
			t.Errorf("%s: message of %d bytes in a datagram of %d", name, size, len(text))
		}
	}
}

func TestEveryHeaderTheGateLooksAtIsFoundByItsName(t *testing.T) {
	for k := kindVia; k < kinds; k++ {
		for _, name := range []string{k.name(), k.String(), strings.ToUpper(k.name())} {
			if got := kindOf([]byte(name)); got != k {
				t.Errorf("%q is taken for %q", name, got)
			}
		}
	}
	for _, name := range []string{"x", "xx", "xia", "xrom", "xvent", "xall-id", "xeplaces", "xontent-type", "xontent-length", "xession-expires", "contact"} {
		if got := kindOf([]byte(name)); got != kindOther && name != "x" {
			t.Errorf("%q is taken for %q", name, got)
		}
	}
}

func TestRefusingAllocatesNothing(t *testing.T) {
	for _, bad := range []string{
		good,
		strings.Replace(good, "7 OPTIONS", "7 INVITE", 1),
		strings.Replace(good, "From: ", "X: ", 1),
		strings.Replace(good, "Office", "\x00", 1),
		strings.Replace(good, "SIP/2.0\r\nVia", "SIP/7.0\r\nVia", 1),
		strings.Repeat("a: b\r\n", 10000),
		strings.Repeat("\xff", 1000),
	} {
		b := []byte(bad)
		if n := testing.AllocsPerRun(100, func() { inspectDatagram(b) }); n != 0 {
			t.Errorf("%.40q: %v allocations", bad, n)
		}
	}
}

func BenchmarkTheGate(b *testing.B) {
	for name, text := range map[string]string{
		"good":    good,
		"bad end": strings.Replace(good, "Content-Length: 4", "Content-Length: x", 1),
		"garbage": strings.Repeat("\xff", 1400),
	} {
		b.Run(name, func(b *testing.B) {
			m := []byte(text)
			b.ReportAllocs()
			b.SetBytes(int64(len(m)))
			for b.Loop() {
				inspectDatagram(m)
			}
		})
	}
}

func TestViaInAnySpellingIsReadAsItsParts(t *testing.T) {
	for odd, tidy := range map[string]string{
		"SIP / 2.0 / UDP  192.0.2.1 : 5060 ; branch = z9hG4bKa ;rport": "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport",
		"SIP/2.0/UDP a;branch=1,SIP/2.0/TCP b;branch=2":                "Via: SIP/2.0/UDP a;branch=1\r\nVia: SIP/2.0/TCP b;branch=2",
		"SIP/2.0/UDP a;x=\"1, 2\\\"\";y , SIP/2.0/TCP b":               "Via: SIP/2.0/UDP a;x=\"1, 2\\\"\";y\r\nVia: SIP/2.0/TCP b",
		"SIP/2.0/TLS\r\n\t[2001:db8::1]:5061;\r\n branch=z9hG4bKb":     "Via: SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bKb",
	} {
		text := strings.Replace(good, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1;rport", "v : "+odd, 1)
		s, size := inspectDatagram([]byte(text))
		if s.fault.found() || !s.viaOdd {
			t.Errorf("%q: %s, odd: %v", odd, s.fault.reason(), s.viaOdd)
		}
		got := string(tidyVia([]byte(text)[:size], s.header))
		if want := strings.Replace(text, "v : "+odd, tidy, 1); got != want {
			t.Errorf("%q became\n%s\nwant\n%s", odd, got, want)
		}
	}
}

func FuzzTheGate(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, "Via: ", "v: SIP / 2.0 / UDP a , ", 1)))
	for _, b := range torture(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, size := inspectDatagram(b)
		if size > len(b) {
			t.Fatalf("message of %d bytes in %d", size, len(b))
		}
		if s.fault.found() {
			if s.fault.status() < 400 || s.fault.reason() == "none" {
				t.Fatalf("fault without status or reason: %v", s.fault)
			}
			return
		}
		h := b[:s.header]
		if bytes.Count(h, []byte("\n")) != bytes.Count(h, []byte("\r\n")) || bytes.Count(h, []byte("\r")) != bytes.Count(h, []byte("\r\n")) {
			t.Fatal("a bare CR or LF passed")
		}
		if again, n := inspectDatagram(tidyVia(b[:size], s.header)); again.fault.found() && again.fault.code != faultTooManyFields &&
			again.fault.code != faultTooLarge && again.fault.code != faultEmpty || n == 0 {
			t.Fatalf("tidied, it has a fault: %s", again.fault.reason())
		}
	})
}

// torture returns the messages of RFC 4475 that are kept in testdata, by name.
func torture(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/torture/*.dat")
	if err != nil {
		t.Fatal(err)
	}
	m := map[string][]byte{}
	for _, f := range files {
		if m[strings.TrimSuffix(filepath.Base(f), ".dat")], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	return m
}
