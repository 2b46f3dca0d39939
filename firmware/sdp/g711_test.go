package sdp

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/firmware/g711"
)

// audio returns a stream with codecs, by the formats of its m= line.
func audioOf(t *testing.T, formats string, lines ...string) *Audio {
	t.Helper()
	body := "v=0\r\n" + cLine + "\r\nm=audio 4000 RTP/AVP " + formats + "\r\n"
	for _, l := range lines {
		body += l + "\r\n"
	}
	a, _ := parse(t, body).Audio()
	return a
}

func TestSpeechIsConvertedWhereTheSidesShareNoEncodingOfG711(t *testing.T) {
	const events = "a=rtpmap:101 telephone-event/8000"
	for name, c := range map[string]struct {
		ours, theirs *Audio
		conversions  map[uint8]g711.Conversion
		types        map[uint8]uint8
	}{
		"shared":         {audioOf(t, "0 8 13"), audioOf(t, "8 0 13"), nil, nil},
		"there":          {audioOf(t, "0 13 101", events), audioOf(t, "8 13 96", "a=rtpmap:96 telephone-event/8000"), map[uint8]g711.Conversion{0: g711.MuToA}, map[uint8]uint8{0: 8, 101: 96}},
		"back":           {audioOf(t, "8"), audioOf(t, "0"), map[uint8]g711.Conversion{8: g711.AToMu}, map[uint8]uint8{8: 0}},
		"dynamic types":  {audioOf(t, "97", "a=rtpmap:97 pcma/8000"), audioOf(t, "98", "a=rtpmap:98 PCMU/8000"), map[uint8]g711.Conversion{97: g711.AToMu}, map[uint8]uint8{97: 98}},
		"another clock":  {audioOf(t, "97", "a=rtpmap:97 PCMA/16000"), audioOf(t, "0"), nil, nil},
		"another at all": {audioOf(t, "9"), audioOf(t, "0"), nil, nil},
	} {
		if diff := cmp.Diff(c.conversions, Conversions(c.ours, c.theirs)); diff != "" {
			t.Errorf("%s: conversions differ (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(c.types, PayloadMap(c.ours, c.theirs)); diff != "" {
			t.Errorf("%s: payload types differ (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnOfferIsSwappableWhenTheOtherEncodingMayHelp(t *testing.T) {
	for name, c := range map[string]struct {
		offered string
		codecs  []string
		want    bool
	}{
		"one of two":           {"8", []string{"PCMA", "PCMU"}, true},
		"beside another codec": {"8 9", nil, true},
		"both are there":       {"8 0", []string{"PCMA", "PCMU"}, false},
		"not allowed":          {"8", []string{"PCMA"}, false},
		"swapped already":      {"8", []string{"PCMU"}, false},
		"nothing of the kind":  {"9", nil, false},
		"nothing left":         {"9", []string{"PCMA", "PCMU"}, false},
	} {
		if got := audioOf(t, c.offered).Swappable(Anchor{Codecs: c.codecs}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestADescriptionIsCutDownToWhatItsAuthorMaySpeak(t *testing.T) {
	whole := parse(t, "v=0\r\n"+cLine+"\r\nm=audio 4000 RTP/AVP 8 0 13 101\r\na=rtpmap:101 telephone-event/8000\r\n")
	less, err := whole.Only([]string{"pcmu", "G722"})
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := less.Audio(); len(a.Codecs) != 3 || a.Codecs[0].Name != "PCMU" {
		t.Errorf("left are %v", a.Codecs)
	}
	if a, _ := whole.Audio(); len(a.Codecs) != 4 {
		t.Errorf("the whole has become %v", a.Codecs)
	}
	if all, err := whole.Only(nil); err != nil || all != whole {
		t.Errorf("everything allowed: %v, %v", all, err)
	}
	if _, err := whole.Only([]string{"G722"}); Status(err) != 488 {
		t.Errorf("nothing allowed: %v", err)
	}
}

func TestAFreshOfferIsConvertedToo(t *testing.T) {
	a := anchor("198.51.100.1", 20000)
	a.Codecs = []string{"PCMU"}
	out, err := Fresh(a, []string{"PCMA"})
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := parse(t, string(out)).Audio(); len(d.Codecs) != 2 || d.Codecs[0].Name != "PCMU" {
		t.Errorf("offered %v", d.Codecs)
	}
}
