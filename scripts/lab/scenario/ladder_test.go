package scenario

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/scripts/lab/capture"
)

func TestALadderThatCannotBeReadIsAnError(t *testing.T) {
	for _, ladder := range []string{"INVITE", "z:INVITE ->", "wait | ", "wait soon |"} {
		if _, err := read(ladder); err == nil {
			t.Errorf("%q was read", ladder)
		}
	}
}

func TestALadderIsReadForEachPeer(t *testing.T) {
	parts, err := read("INVITE{Require: 100rel} -> b:INVITE{uri tel:->}\n486 <- b:486\nwait 20 |\n")
	if err != nil {
		t.Fatal(err)
	}
	tell := func(steps []step) string {
		var words []string
		for _, s := range steps {
			words = append(words, [...]string{"sends", "receives", "waits"}[s.kind]+" "+s.name+strings.Join(s.wishes, "+"))
		}
		return strings.Join(words, ", ")
	}
	for peer, want := range map[string]string{
		office: "sends INVITERequire: 100rel, receives 486, sends ACK, waits ",
		backup: "receives INVITEuri tel:->, sends 486, receives ACK",
	} {
		if got := tell(parts[peer]); got != want {
			t.Errorf("%s: %q, want %q", peer, got, want)
		}
	}
}

func TestAResponseBelongsToTheLastOpenRequestOrTheNamedOne(t *testing.T) {
	parts, err := read("<- INVITE\n -> 180\n <- CANCEL\n -> 200\n -> 487\n <- INVITE\n <- INFO\n -> 200/INVITE\n -> 200\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range parts[carrier] {
		if s.response() {
			got = append(got, s.name+" "+s.about.method)
		}
	}
	if want := "180 INVITE, 200 CANCEL, 487 INVITE, 200 INVITE, 200 INFO"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// trace is what sipp writes: a call that was answered, with one repetition.
const trace = `----------------------------------------------- 2026-11-22 10:00:00.000001
UDP message sent (10 bytes):

INVITE sip:a@b SIP/2.0
Call-ID: 1-77-hidden-office

----------------------------------------------- 2026-11-22 10:00:00.000002
UDP message received [10] bytes :

SIP/2.0 180 Ringing
Call-ID: 1-77-hidden-office
Contact: <sip:box@192.0.2.2>

----------------------------------------------- 2026-11-22 10:00:00.000003
UDP message received [10] bytes :

SIP/2.0 180 Ringing
Call-ID: 1-77-hidden-office
Contact: <sip:box@192.0.2.2>

----------------------------------------------- 2026-11-22 10:00:00.000004
TCP message received [10] bytes :

SIP/2.0 200 OK
Call-ID: 1-77-hidden-office

m=audio 4 RTP/AVP 8
a=inactive
`

func TestATraceIsHeldAgainstItsLadder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trace")
	if err := os.WriteFile(file, []byte(trace), 0o600); err != nil {
		t.Fatal(err)
	}
	all := readTrace(file)
	if len(all) != 3 {
		t.Fatalf("%d messages, want 3 without the repetition", len(all))
	}
	tests := map[string]bool{
		"180, 200":                     true,
		"180":                          false,
		"180, 200, BYE":                false,
		"183, 200":                     false,
		"180{Contact: ^<sip:box}, 200": true,
		"180{Contact: carrier}, 200":   false,
		"180{no Contact}, 200":         false,
		"180{no sdp}, 200{sdp}":        true,
		"180, 200{sdp inactive}":       true,
		"180, 200{sdp sendonly}":       false,
		"180, 200{no sdp}":             false,
		"180, 200{has RTP/AVP 8}":      true,
		"180, 200{has RTP/AVP 0}":      false,
		"180, 200{lacks RTP/AVP 8}":    false,
	}
	for text, want := range tests {
		parts, err := read("INVITE ->\n" + strings.ReplaceAll(text, ", ", " <-\n") + " <-\n")
		if err != nil {
			t.Fatal(err)
		}
		if err := compare(parts[office][1:], all[1:]); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWhatTheBoxMustNotShowIsEveryNameAndAddressOfTheOtherSide(t *testing.T) {
	w := &world{peers: map[string]peer{
		office:  {name: office, address: netip.MustParseAddr("192.0.2.3")},
		carrier: {name: carrier, address: netip.MustParseAddr("2001:db8:198::10")},
	}}
	var words []string
	for _, word := range append(w.words(true), w.words(false)...) {
		words = append(words, word.Text)
	}
	if got, want := strings.Join(words, " "), "hidden-carrier 2001:db8:198: hidden-office 192.0.2."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestANameAtTheSeamOfTwoPacketsIsFound(t *testing.T) {
	box, far := netip.MustParseAddrPort("198.51.100.2:5060"), netip.MustParseAddrPort("198.51.100.10:5060")
	all := conversations([]capture.Packet{
		{Protocol: capture.TCP, Source: box, Destination: far, Payload: []byte("User-Agent: hidden-")},
		{Protocol: capture.TCP, Source: far, Destination: box, Payload: []byte("what the carrier says is its own business: hidden-office")},
		{Protocol: capture.TCP, Source: box, Destination: far, Payload: []byte("office/7.1")},
	}, func(p capture.Packet) bool { return p.Source == box })
	found := 0
	for _, c := range all {
		if bytes.Contains(c.bytes, []byte("hidden-office")) {
			found += c.packets
		}
	}
	if len(all) != 1 || found != 2 {
		t.Errorf("%d conversations, the name in %d packets", len(all), found)
	}
}
