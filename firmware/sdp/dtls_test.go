package sdp

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"tollgate/firmware/policy"
)

const (
	dtlsM     = "m=audio 5004 UDP/TLS/RTP/SAVP 8"
	printLine = "a=fingerprint:sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2"
)

// dtlsText is a description with a DTLS stream.
func dtlsText(lines ...string) string {
	return strings.Join(append([]string{"v=0", "o=- 1 1 IN IP4 192.0.2.7", "s=-", "c=IN IP4 192.0.2.7", "t=0 0"}, lines...), "\r\n") + "\r\n"
}

func TestWhatAHandshakeGoesByIsRead(t *testing.T) {
	for name, lines := range map[string][]string{
		"in the stream":        {dtlsM, printLine, "a=setup:actpass"},
		"in the session":       {printLine, "a=setup:actpass", dtlsM},
		"mixed, feedback":      {"a=setup:actpass", strings.Replace(dtlsM, "SAVP", "SAVPF", 1), strings.Replace(printLine, "sha", "SHA", 1)},
		"small digits":         {dtlsM, strings.ToLower(printLine), "a=setup:ActPass"},
		"others beside it":     {dtlsM, "a=fingerprint:sha-1 AA:BB", printLine, "a=fingerprint:sha-512 AA:BB", "a=setup:actpass"},
		"the stream's counts":  {"a=fingerprint:sha-256 00", "a=setup:active", dtlsM, printLine, "a=setup:actpass"},
		"only beside no other": {"m=audio 0 RTP/AVP 8", dtlsM, printLine, "a=setup:actpass"},
	} {
		t.Run(name, func(t *testing.T) {
			a, ok := parse(t, dtlsText(lines...)).Audio()
			if !ok || !a.Handshakes() || !a.Secure() || len(a.DTLS.Fingerprints) != 1 || a.DTLS.Setup != SetupEither {
				t.Fatalf("%+v", a)
			}
			if got := "a=fingerprint:sha-256 " + a.DTLS.Fingerprints[0].String(); got != printLine {
				t.Errorf("fingerprint %s", got)
			}
		})
	}
}

func TestAHandshakeThatProvesNothingIsRefused(t *testing.T) {
	for says, lines := range map[string][]string{
		"no fingerprint":             {dtlsM, "a=setup:actpass"},
		"SHA-256 is needed":          {dtlsM, "a=fingerprint:sha-1 " + strings.Repeat("AA:", 19) + "AA", "a=setup:actpass"},
		"32 pairs":                   {dtlsM, printLine + ":00", "a=setup:actpass"},
		"32 pairs of":                {dtlsM, strings.Replace(printLine, ":E2:", ":G2:", 1), "a=setup:actpass"},
		"32 pairs of hex":            {dtlsM, strings.Replace(printLine, ":E2:", "-E2:", 1), "a=setup:actpass"},
		"leaves nobody to begin":     {dtlsM, printLine, "a=setup:holdconn"},
		"nobody to begin the handsh": {dtlsM, printLine, "a=setup:both"},
	} {
		if _, err := Parse([]byte(dtlsText(lines...))); err == nil || Status(err) != 488 || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want a 488 that says %q", lines, err, says)
		}
	}
}

func dtlsAnchor(setup Setup) Anchor {
	return Anchor{
		Origin: &Origin{SessionID: 1 << 21, Address: netip.MustParseAddr("198.51.100.2")}, Local: netip.MustParseAddrPort("198.51.100.2:20000"),
		DTLS: &DTLS{Fingerprints: []Fingerprint{{1, 2, 0xff}}, Setup: setup}, Mux: true,
	}
}

func TestAHandshakeIsOfferedAndAnswered(t *testing.T) {
	clear := parse(t, text(cLine))
	body, err := clear.Offer(dtlsAnchor(SetupEither))
	if err != nil {
		t.Fatal(err)
	}
	offer := parse(t, string(body))
	if a, _ := offer.Audio(); a.Proto != "UDP/TLS/RTP/SAVP" || a.DTLS.Setup != SetupEither || a.DTLS.Fingerprints[0] != (Fingerprint{1, 2, 0xff}) || a.Keyed() {
		t.Errorf("the offer reads as %+v:\n%s", a, body)
	}
	for _, setup := range []Setup{SetupActive, SetupPassive} {
		answered, err := clear.Answer(offer, dtlsAnchor(setup))
		if err != nil {
			t.Fatal(err)
		}
		answer := parse(t, string(answered))
		if a, _ := answer.Audio(); a.DTLS == nil || a.DTLS.Setup != setup || a.Proto != "UDP/TLS/RTP/SAVP" {
			t.Errorf("the answer reads as %+v", a)
		}
		if err := answer.Answers(offer); err != nil {
			t.Error(err)
		}
	}
}

func TestAnAnswerNeverLeavesTheWayTheKeysAreMade(t *testing.T) {
	clear := parse(t, text(cLine))
	dtlsOffer := parse(t, dtlsText(dtlsM, printLine, "a=setup:active"))
	sdesOffer := parse(t, describeOffer(protoSAVP, "a=crypto:1 "+aesCM+" inline:"+key30))
	withKey := dtlsAnchor(SetupPassive)
	withKey.DTLS, withKey.Cryptos = nil, []Crypto{key(t, 1, policy.SuiteAESCM128SHA180, 'A')}
	none := withKey
	none.Cryptos = nil
	for name, c := range map[string]struct {
		offer  *Description
		anchor Anchor
	}{
		"SDES to DTLS":            {dtlsOffer, withKey},
		"nothing to DTLS":         {dtlsOffer, none},
		"DTLS to SDES":            {sdesOffer, dtlsAnchor(SetupPassive)},
		"DTLS to clear":           {clear, dtlsAnchor(SetupPassive)},
		"two who begin":           {dtlsOffer, dtlsAnchor(SetupActive)},
		"actpass is no answer":    {dtlsOffer, dtlsAnchor(SetupEither)},
		"both ways in one anchor": {dtlsOffer, func() Anchor { a := dtlsAnchor(SetupPassive); a.Cryptos = withKey.Cryptos; return a }()},
	} {
		if body, err := clear.Answer(c.offer, c.anchor); err == nil {
			t.Errorf("%s:\n%s", name, body)
		}
	}
	if err := sdesOffer.Answers(dtlsOffer); err == nil {
		t.Error("an answer with SDES to an offer of DTLS is taken")
	}
}

// describeOffer is a description with a stream of any transport.
func describeOffer(proto string, lines ...string) string {
	return dtlsText(append([]string{"m=audio 5004 " + proto + " 8"}, lines...)...)
}

// RFC 8643 §3.1: the keys stand in RTP/AVP, and who does not know them goes on in the clear.
func TestKeysAreOfferedInAClearStreamWhereThatIsWanted(t *testing.T) {
	ours := key(t, 1, policy.SuiteAESCM128SHA180, 'A')
	a := dtlsAnchor("")
	a.DTLS, a.Cryptos, a.Opportunistic = nil, []Crypto{ours}, true
	fresh := a
	fresh.Codecs = []string{"PCMA"}
	made, err := Fresh(fresh, nil)
	if err != nil {
		t.Fatal(err)
	}
	passed, err := parse(t, text(cLine)).Offer(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range [][]byte{made, passed} {
		audio, _ := parse(t, string(body)).Audio()
		if audio.Proto != protoAVP || audio.Secure() || !audio.Keyed() || !bytes.Equal(audio.Cryptos[0].Key, ours.Key) {
			t.Errorf("offered\n%s", body)
		}
	}
	// The answer follows the offer: its transport, with the key that was chosen or without.
	offer := parse(t, describeOffer(protoAVP, "a=crypto:1 "+aesCM+" inline:"+key30))
	keyed, err := parse(t, text(cLine)).Answer(offer, a)
	if err != nil {
		t.Fatal(err)
	}
	if audio, _ := parse(t, string(keyed)).Audio(); audio.Proto != protoAVP || len(audio.Cryptos) != 1 {
		t.Errorf("answered\n%s", keyed)
	}
}
