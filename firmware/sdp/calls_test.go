package sdp

import (
	"bytes"
	"flag"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"tollgate/firmware/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestACallsDescriptionsAreWrittenAfresh plays the offer and the answer of real peers across the border and compares
// what leaves on either side. Besides, it checks that nothing that only the other side should know leaves.
func TestACallsDescriptionsAreWrittenAfresh(t *testing.T) {
	files, err := filepath.Glob("testdata/calls/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { playCall(t, file) })
	}
}

func playCall(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := newPlay(t, string(a.Comment))
	offerIn, answerIn := parse(t, part(a, "offer from caller")), parse(t, part(a, "answer from callee"))
	offerOut, answerOut := p.cross(offerIn, answerIn)
	got := &txtar.Archive{Comment: a.Comment, Files: []txtar.File{
		{Name: "offer from caller", Data: []byte(part(a, "offer from caller"))},
		{Name: "offer to callee", Data: unix(offerOut)},
		{Name: "answer from callee", Data: []byte(part(a, "answer from callee"))},
		{Name: "answer to caller", Data: unix(answerOut)},
	}}
	if *update {
		if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, _ := os.ReadFile(file)
	if diff := cmp.Diff(string(want), string(txtar.Format(got))); diff != "" {
		t.Errorf("the descriptions differ from %s (-want +got):\n%s", file, diff)
	}
	noLeak(t, part(a, "offer from caller"), offerOut)
	noLeak(t, part(a, "answer from callee"), answerOut)
}

// noLeak checks that no word of in that tells its author stands in out.
func noLeak(t *testing.T, in string, out []byte) {
	t.Helper()
	for _, l := range strings.Split(in, "\n") {
		kind, value, _ := strings.Cut(l, "=")
		name, rest, _ := strings.Cut(value, ":")
		known := []string{"rtpmap", "fmtp", "ptime", "maxptime", "sendrecv", "sendonly", "recvonly", "inactive", "rtcp-mux", "zrtp-hash"}
		if !strings.Contains("osiuecbka", kind) || kind == "a" && (slices.Contains(known, name) || isFaxAttribute(name)) {
			continue
		}
		for _, word := range strings.FieldsFunc(rest+" "+value, func(r rune) bool { return strings.ContainsRune(" :|=", r) }) {
			if len(word) > 4 && strings.Contains(string(out), word) && !strings.HasPrefix(word, "AES_CM_128_HMAC_SHA1_80") {
				t.Errorf("%q of line %q leaks into\n%s", word, l, out)
			}
		}
	}
}

// isFaxAttribute tells what of T.38 passes.
func isFaxAttribute(name string) bool {
	return slices.ContainsFunc(faxAttributes, func(known string) bool { return strings.EqualFold(known, name) })
}

// play holds the two anchors of a call as a golden's comment describes them.
type play struct {
	t              *testing.T
	caller, callee Anchor
	callerSuites   []policy.Suite
}

func newPlay(t *testing.T, comment string) *play {
	p := &play{t: t, caller: anchor("192.0.2.1", 20100), callee: anchor("198.51.100.1", 20200)}
	p.caller.Mux, p.callee.Mux = true, false
	_, wish, _ := strings.Cut(comment, "towards: ")
	if strings.HasPrefix(wish, "pbx") {
		p.caller, p.callee = p.callee, p.caller
	}
	if strings.Contains(comment, "from: srtp") {
		p.callerSuites = []policy.Suite{policy.SuiteAEADAES128GCM, policy.SuiteAESCM128SHA180}
	}
	options := strings.Split(strings.TrimSpace(wish), ", ")
	for _, o := range options[1:] {
		switch words := strings.Fields(o); words[0] {
		case "codecs":
			p.callee.Codecs = words[1:]
		case "across":
			p.caller.Codecs = words[1:]
		case "events": // of the callee, then of the caller
			p.callee.Events, p.caller.Events = eventsOf[words[1]], eventsOf[words[2]]
		case "zrtp":
			p.callee.ZRTP, p.caller.ZRTP = true, true
		case "swap":
			p.callee.Swap = true
		case "ptime": // of the callee, then of the caller
			p.caller.Ptime, _ = strconv.Atoi(words[1])
			p.callee.Ptime, _ = strconv.Atoi(words[2])
		case "srtp":
			for i, s := range words[1:] {
				p.callee.Cryptos = append(p.callee.Cryptos, key(t, i+1, policy.Suite(s), byte('A'+i)))
			}
		}
	}
	return p
}

var eventsOf = map[string]Events{"pass": EventsPass, "none": EventsNone, "own": EventsOwn}

// cross does what a call does with an offer and its answer.
func (p *play) cross(offer, answer *Description) (offerOut, answerOut []byte) {
	p.t.Helper()
	offer, err := offer.Only(p.caller.Codecs)
	if err != nil {
		p.t.Fatalf("Only: %v", err)
	}
	offerOut, err = offer.Offer(p.callee)
	if err != nil {
		p.t.Fatalf("Offer: %v", err)
	}
	sent := parse(p.t, string(offerOut))
	if err := answer.Answers(sent); err != nil {
		p.t.Fatalf("Answers: %v", err)
	}
	if len(p.callee.Cryptos) > 0 {
		if _, err := Accepted(p.callee.Cryptos, answer.audio); err != nil {
			p.t.Fatalf("Accepted: %v", err)
		}
	}
	if p.callerSuites != nil {
		c, ok := Choose(offer.audio.Cryptos, p.callerSuites)
		if !ok {
			p.t.Fatalf("Choose found none of %v", offer.audio.Cryptos)
		}
		p.caller.Cryptos = []Crypto{key(p.t, c.Tag, c.Suite, 'Z')}
	}
	answerOut, err = answer.Answer(offer, p.caller)
	if err != nil {
		p.t.Fatalf("Answer: %v", err)
	}
	for _, out := range [][]byte{offerOut, answerOut} {
		if bytes.Count(out, []byte("\n")) != bytes.Count(out, []byte("\r\n")) || !bytes.HasSuffix(out, []byte("\r\n")) {
			p.t.Errorf("not every line ends with CRLF:\n%q", out)
		}
	}
	return offerOut, answerOut
}

// anchor makes the anchor of a leg whose address is ours.
func anchor(addr string, port uint16) Anchor {
	a := netip.MustParseAddr(addr)
	return Anchor{
		Origin: &Origin{SessionID: 1000, Address: a},
		Local:  netip.AddrPortFrom(a, port),
		RTCP:   netip.AddrPortFrom(a, port+1),
	}
}

// key makes a key that a person recognises in a golden.
func key(t testing.TB, tag int, s policy.Suite, letter byte) Crypto {
	t.Helper()
	c, err := NewCrypto(tag, s, same(letter))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// same is a source of bytes that are all alike.
type same byte

func (s same) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(s)
	}
	return len(b), nil
}

var _ io.Reader = same(0)

func parse(t testing.TB, s string) *Description {
	t.Helper()
	d, err := Parse([]byte(s))
	if err != nil {
		t.Fatalf("Parse: %v\n%s", err, s)
	}
	return d
}

func part(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func unix(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }
