package sdp

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAFreshOfferListsTheAllowedCodecs(t *testing.T) {
	o := Origin{SessionID: 7, Address: netip.MustParseAddr("198.51.100.2")}
	a := Anchor{Origin: &o, Local: netip.MustParseAddrPort("198.51.100.2:20000"), Codecs: []string{"PCMA", "opus", "unheard-of"}}
	got, err := Fresh(a, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`v=0
o=- 7 1 IN IP4 198.51.100.2
s=-
c=IN IP4 198.51.100.2
t=0 0
m=audio 20000 RTP/AVP 8 96 101
a=rtpmap:8 PCMA/8000
a=rtpmap:96 opus/48000/2
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv
`, "\n", "\r\n")
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := Fresh(Anchor{Origin: &o, Local: a.Local, Codecs: []string{"unheard-of"}}, nil); Status(err) != 488 {
		t.Errorf("without a codec: %v, want a fault with 488", err)
	}
}
