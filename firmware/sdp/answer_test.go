package sdp

import (
	"crypto/rand"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/firmware/policy"
)

func TestAnAnswerHasTheLinesOfItsOffer(t *testing.T) {
	offer := parse(t, strings.Join([]string{"v=0", cLine,
		"m=image 6000 udptl t38", "m=audio 4000 RTP/AVP 8 0", "m=video 0 RTP/AVP 96", "m=audio 4004 RTP/AVP 8",
		"m=application 6002 TCP/BFCP *"}, "\r\n"))
	out, err := parse(t, text(cLine)).Answer(offer, anchor("198.51.100.1", 20000))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range strings.Split(string(out), "\r\n") {
		if strings.HasPrefix(l, "m=") {
			got = append(got, l)
		}
	}
	want := []string{"m=image 0 udptl t38", "m=audio 20000 RTP/AVP 8", "m=video 0 RTP/AVP 96", "m=audio 0 RTP/AVP 8",
		"m=application 0 TCP/BFCP *"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines differ (-want +got):\n%s", diff)
	}
}

func TestAnAnswerGivesNoMoreThanTheOfferAsksFor(t *testing.T) {
	for _, c := range []struct{ offer, answer, want Direction }{
		{SendRecv, SendRecv, SendRecv}, {SendRecv, RecvOnly, RecvOnly}, {SendRecv, Inactive, Inactive},
		{SendOnly, SendRecv, RecvOnly}, {SendOnly, RecvOnly, RecvOnly}, {SendOnly, SendOnly, Inactive},
		{RecvOnly, SendRecv, SendOnly}, {RecvOnly, SendOnly, SendOnly}, {RecvOnly, RecvOnly, Inactive},
		{Inactive, SendRecv, Inactive}, {Inactive, RecvOnly, Inactive},
	} {
		offer, answer := parse(t, text(cLine, "a="+string(c.offer))), parse(t, text(cLine, "a="+string(c.answer)))
		out, err := answer.Answer(offer, anchor("198.51.100.1", 20000))
		if err != nil {
			t.Fatal(err)
		}
		if a, _ := parse(t, string(out)).Audio(); a.Direction != c.want {
			t.Errorf("offer %s, answer %s: wrote %s, want %s", c.offer, c.answer, a.Direction, c.want)
		}
	}
}

func TestTheAnchorMayChooseTheDirection(t *testing.T) {
	a := anchor("198.51.100.1", 20000)
	a.Direction = Inactive
	out, err := parse(t, text(cLine)).Offer(a)
	if err != nil || !strings.Contains(string(out), "a=inactive\r\n") {
		t.Errorf("wrote %q, %v", out, err)
	}
}

func TestNothingIsWrittenThatCannotWork(t *testing.T) {
	srtp := strings.Replace(text(cLine, "a=crypto:4 "+aesCM+" inline:"+key30), "RTP/AVP", "RTP/SAVP", 1)
	keyed := func(tag int, s policy.Suite) Anchor {
		a := anchor("198.51.100.1", 20000)
		a.Cryptos = []Crypto{key(t, tag, s, 'K')}
		return a
	}
	two := keyed(4, policy.SuiteAESCM128SHA180)
	two.Cryptos = append(two.Cryptos, key(t, 5, policy.SuiteAESCM128SHA180, 'L'))
	onlyGSM := anchor("198.51.100.1", 20000)
	onlyGSM.Codecs = []string{"GSM"}
	plain, rejects := anchor("198.51.100.1", 20000), strings.Replace(text(cLine), "4000", "0", 1)
	for name, c := range map[string]struct {
		offer, answer string
		anchor        Anchor
		says          string
	}{
		"SRTP in the clear":       {srtp, text(cLine), plain, "has no key"},
		"a key nobody offered":    {text(cLine), text(cLine), keyed(4, policy.SuiteAESCM128SHA180), "no crypto line 4"},
		"another tag":             {srtp, text(cLine), keyed(5, policy.SuiteAESCM128SHA180), "no crypto line 5"},
		"another suite":           {srtp, text(cLine), keyed(4, policy.SuiteAEADAES128GCM), "for AEAD_AES_128_GCM"},
		"two keys":                {srtp, text(cLine), two, "one crypto line"},
		"a rejected stream":       {text(cLine), rejects, plain, "rejects the audio"},
		"an answer to no audio":   {rejects, text(cLine), plain, "no audio stream"},
		"no codec in common":      {text(cLine), strings.Replace(text(cLine), "AVP 8", "AVP 9", 1), plain, "no allowed codec"},
		"no codec allowed":        {text(cLine), text(cLine), onlyGSM, "no allowed codec"},
		"DTMF without any speech": {text(cLine), strings.Replace(text(cLine), "AVP 8", "AVP 13", 1), plain, "no allowed codec"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, c.answer).Answer(parse(t, c.offer), c.anchor)
			if err == nil || Status(err) != 488 || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want a 488 with %q", err, c.says)
			}
		})
	}
	if _, err := parse(t, text(cLine)).Offer(onlyGSM); err == nil || Status(err) != 488 {
		t.Errorf("an offer without a codec: %v", err)
	}
	if _, err := parse(t, rejects).Offer(plain); err == nil || Status(err) != 488 {
		t.Errorf("an offer without audio: %v", err)
	}
}

func TestOpportunisticEncryptionKeepsItsTransport(t *testing.T) {
	offer := parse(t, text(cLine, "a=crypto:4 "+aesCM+" inline:"+key30)) // RTP/AVP with a key: RFC 8643
	a := anchor("198.51.100.1", 20000)
	a.Cryptos = []Crypto{key(t, 4, policy.SuiteAESCM128SHA180, 'K')}
	out, err := parse(t, text(cLine)).Answer(offer, a)
	if err != nil || !strings.Contains(string(out), " RTP/AVP 8\r\n") || !strings.Contains(string(out), "a=crypto:4 ") {
		t.Errorf("wrote %q, %v", out, err)
	}
}

func TestAnAnchorThatIsNotCompleteIsNoOnesFault(t *testing.T) {
	good := func() Anchor { return anchor("198.51.100.1", 20000) }
	none, noOrigin, noAddress, twice := good(), good(), good(), good()
	none.Local = netip.AddrPort{}
	noOrigin.Origin = nil
	noAddress.Origin = &Origin{}
	twice.Cryptos = []Crypto{key(t, 1, policy.SuiteAESCM128SHA180, 'A'), key(t, 1, policy.SuiteAESCM128SHA180, 'B')}
	for _, a := range []Anchor{none, noOrigin, noAddress, twice} {
		if out, err := parse(t, text(cLine)).Offer(a); err == nil {
			t.Errorf("wrote %q", out)
		}
	}
}

func TestTheVersionGrowsOnlyWhenOurDescriptionChanges(t *testing.T) {
	origin, err := NewOrigin(netip.MustParseAddr("198.51.100.1"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, a := origin.SessionID, anchor("198.51.100.1", 20000)
	if id == 0 || id > 1<<31-1 {
		t.Errorf("session identifier %d does not fit into 31 bits", id)
	}
	for i, step := range []struct {
		in   string
		want uint64
	}{
		{text(cLine), 1},
		{text(cLine), 1}, // a session refresh
		{strings.Replace(text(cLine), "- 1 1", "- 1 9", 1), 1}, // theirs changed, ours did not
		{text(cLine, "a=sendonly"), 2},
		{text("c=IN IP4 192.0.2.99", "a=sendonly"), 2}, // their address is not in ours
		{text(cLine), 3},
	} {
		saved, _ := json.Marshal(origin) // as over a restart
		restored := Origin{}
		if err := json.Unmarshal(saved, &restored); err != nil {
			t.Fatal(err)
		}
		a.Origin = &restored
		if _, err := parse(t, step.in).Offer(a); err != nil {
			t.Fatal(err)
		}
		if restored.Version != step.want || restored.SessionID != id {
			t.Errorf("step %d: %d version %d, want %d version %d", i, restored.SessionID, restored.Version, id, step.want)
		}
		origin = restored
	}
}

func TestARefusedOfferLeavesTheVersion(t *testing.T) {
	a := anchor("198.51.100.1", 20000)
	a.Codecs = []string{"GSM"}
	if _, err := parse(t, text(cLine)).Offer(a); err == nil || a.Origin.Version != 0 {
		t.Errorf("version %d after %v", a.Origin.Version, err)
	}
}

func TestAnswersChecksAPeersAnswer(t *testing.T) {
	offer := parse(t, text(cLine, "a=x"))
	secure := strings.Replace(text(cLine, "a=crypto:4 "+aesCM+" inline:"+key30), "RTP/AVP", "RTP/SAVP", 1)
	video := strings.Replace(text(cLine), "m=audio", "m=video 0 RTP/AVP 1\r\nm=audio", 1)
	for says, c := range map[string]struct{ answer, offer string }{
		"2 media lines, the offer 1": {text(cLine, "m=audio 4002 RTP/AVP 8"), text(cLine)},
		"rejects":                    {strings.Replace(text(cLine), "4000", "0", 1), text(cLine)},
		"no audio stream":            {text(cLine), strings.Replace(text(cLine), "4000", "0", 1)},
		"accepts media line 1":       {text(cLine, "m=video 0 RTP/AVP 1"), video},
		"is for RTP/AVP":             {text(cLine), secure},
		"is for RTP/SAVP":            {secure, text(cLine)},
		"no codec":                   {strings.Replace(text(cLine), "AVP 8", "AVP 0 13", 1), text(cLine)},
	} {
		err := parse(t, c.answer).Answers(parse(t, c.offer))
		if err == nil || Status(err) != 488 || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	if err := parse(t, text(cLine)).Answers(offer); err != nil {
		t.Errorf("a right answer: %v", err)
	}
}

func TestPayloadTypesAreMappedWhereTheSidesDiffer(t *testing.T) {
	lines := func(formats string, more ...string) *Audio {
		a, _ := parse(t, strings.Replace(text(cLine, more...), "AVP 8", "AVP "+formats, 1)).Audio()
		return a
	}
	ours := lines("8 101 97 98", "a=rtpmap:101 telephone-event/8000", "a=rtpmap:97 iLBC/8000", "a=fmtp:97 mode=30",
		"a=rtpmap:98 iLBC/8000", "a=fmtp:98 mode=20")
	theirs := lines("8 96 97 112 99", "a=rtpmap:96 telephone-event/8000", "a=rtpmap:97 telephone-event/16000",
		"a=rtpmap:112 iLBC/8000", "a=fmtp:112 mode=20", "a=rtpmap:99 iLBC/8000", "a=fmtp:99 mode=30")
	if diff := cmp.Diff(map[uint8]uint8{101: 96, 97: 99, 98: 112}, PayloadMap(ours, theirs)); diff != "" {
		t.Errorf("map differs (-want +got):\n%s", diff)
	}
	if m := PayloadMap(ours, ours); m != nil {
		t.Errorf("map %v for the same numbers, want none", m)
	}
}
