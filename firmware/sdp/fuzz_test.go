package sdp

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzParse: whatever comes in, reading it does not panic, what is taken can be offered and answered, and what leaves
// can be read again and says the same.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/calls/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, p := range a.Files {
			f.Add(p.Data)
		}
	}
	f.Add([]byte(dtlsText("a=ice-lite", dtlsM, printLine, "a=setup:actpass", "a=ice-ufrag:evtj", "a=ice-pwd:VOkJxbRl1RmTxUk/WvJxBt",
		"a=candidate:1 1 UDP 2130706431 192.0.2.8 50000 typ host")))
	f.Add([]byte(text(cLine, "a=crypto:1 "+aesCM+" inline:"+key30+"|2^31|1:4 WSH=64", "a=rtcp:9 IN IP6 ::1")))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := Parse(in)
		if err != nil {
			if s := Status(err); s != 400 && s != 488 || strings.ContainsAny(err.Error(), "\r\n\x00") {
				t.Fatalf("status %d, %q", s, err)
			}
			return
		}
		out, err := d.Offer(anchor("198.51.100.1", 20000))
		if err != nil {
			return
		}
		sent := parse(t, string(out))
		again, err := sent.Offer(anchor("198.51.100.1", 20000))
		if err != nil || !bytes.Equal(out, again) {
			t.Fatalf("written %q, read and written again %q: %v", out, again, err)
		}
		plain := anchor("198.51.100.1", 20000)
		if d.audio.Handshakes() {
			plain.DTLS = &DTLS{Fingerprints: []Fingerprint{{1}}, Setup: SetupPassive, ICE: d.audio.DTLS.ICE}
			if d.audio.DTLS.Setup == SetupPassive {
				plain.DTLS.Setup = SetupActive
			}
		} else if d.audio.Secure() {
			c, ok := Choose(d.audio.Cryptos, suites)
			if !ok {
				return
			}
			plain.Cryptos = []Crypto{key(t, c.Tag, c.Suite, 'K')}
		}
		answer, err := sent.Answer(d, plain)
		if err != nil {
			t.Fatalf("an offer of our own making is no answer: %v\n%s", err, in)
		}
		if got := parse(t, string(answer)); got.Streams() != d.Streams() {
			t.Fatalf("%d lines in the answer to %d", got.Streams(), d.Streams())
		}
	})
}
