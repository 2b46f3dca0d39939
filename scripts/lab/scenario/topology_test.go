package scenario

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"tollgate/scripts/lab/capture"
)

// twoLinks is a call that hides everything: what each peer and the box have sent on either link.
func twoLinks() (office, carrier sideSeen) {
	packet := func(from, to, text string) capture.Packet {
		return capture.Packet{Protocol: "udp", Source: netip.MustParseAddrPort(from), Destination: netip.MustParseAddrPort(to), Payload: []byte(text)}
	}
	invite := func(callID, tag, agent string) string {
		return fmt.Sprintf("INVITE sip:0472105518@x SIP/2.0\r\nFrom: <sip:a@b>;tag=%s\r\nCall-ID: %s\r\nUser-Agent: %s\r\n\r\n", tag, callID, agent)
	}
	const pbx, in, out, far = "192.0.2.3:5060", "192.0.2.2:5060", "198.51.100.2:5060", "198.51.100.10:5060"
	office = sideSeen{name: "office", marker: "hidden-office", box: netip.MustParseAddr("192.0.2.2"),
		strangers: []capture.Word{{Text: "hidden-carrier", What: "a name"}, {Text: "198.51.100.", What: "an address"}},
		packets: []capture.Packet{
			packet(pbx, in, invite("1-hidden-office", "2-hidden-office", "hidden-office/7.1")),
			packet(in, pbx, "SIP/2.0 200 OK\r\nFrom: <sip:a@b>;tag=2-hidden-office\r\nTo: <sip:c@d>;tag=boxes-tag-inside\r\nCall-ID: 1-hidden-office\r\n\r\n"),
		}}
	carrier = sideSeen{name: "carrier", marker: "hidden-carrier", box: netip.MustParseAddr("198.51.100.2"),
		strangers: []capture.Word{{Text: "hidden-office", What: "a name"}, {Text: "192.0.2.", What: "an address"}},
		packets: []capture.Packet{
			packet(out, far, invite("boxes-call-outside", "boxes-tag-outside", "none")),
			packet(far, out, "SIP/2.0 200 OK\r\nTo: <sip:c@d>;tag=3-hidden-carrier\r\nCall-ID: boxes-call-outside\r\nServer: hidden-carrier/7.1\r\n\r\n"),
			packet(out, far, "ACK sip:c@d SIP/2.0\r\nTo: <sip:c@d>;tag=3-hidden-carrier\r\nCall-ID: boxes-call-outside\r\n\r\n"),
		}}
	return office, carrier
}

func TestALinkThatHidesTheOtherSideIsGood(t *testing.T) {
	a, b := twoLinks()
	total, err := seenAcross(a, b)
	if err != nil || total.Packets != 3 {
		t.Errorf("%+v: %v", total, err)
	}
}

func TestWhateverCrossesTheBorderIsFound(t *testing.T) {
	for name, leak := range map[string]string{
		"a name":                 "hidden-office",
		"a Call-ID":              "1-hidden-office",
		"a tag":                  "2-hidden-office",
		"an agent":               "hidden-office/7.1",
		"in capitals":            "HIDDEN-OFFICE",
		"an address":             "192.0.2.3",
		"a tag of the box's own": "boxes-tag-inside",
		"a Call-ID in a header":  "1-hidden-office;to-tag=x",
		"at the seam of packets": "1-hidd|en-office",
	} {
		a, b := twoLinks()
		for part := range strings.SplitSeq("X-Leak: "+leak+"\r\n", "|") {
			p := b.packets[0]
			p.Payload = []byte(part)
			b.packets = append(b.packets, p)
		}
		if _, err := seenAcross(a, b); err == nil {
			t.Errorf("%s (%q) crosses unseen", name, leak)
		}
	}
	a, b := twoLinks()
	p := a.packets[1]
	p.Payload = []byte("X-Leak: boxes-call-outside\r\n")
	a.packets = append(a.packets, p)
	if _, err := seenAcross(a, b); err == nil {
		t.Error("a Call-ID that the box made for the carrier is seen in the office")
	}
}

func TestACaptureThatHasMissedTheCallsIsNoProof(t *testing.T) {
	a, b := twoLinks()
	b.packets = nil
	if _, err := seenAcross(a, b); err == nil {
		t.Error("an empty capture proves something")
	}
}
