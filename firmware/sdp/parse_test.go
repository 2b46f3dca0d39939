package sdp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// text makes a description with the given lines after the usual head and "m=audio 4000 RTP/AVP 8".
func text(c string, lines ...string) string {
	head := []string{"v=0", "o=- 1 1 IN IP4 192.0.2.7", "s=-", c, "t=0 0", "m=audio 4000 RTP/AVP 8"}
	return strings.Join(append(head, lines...), "\r\n") + "\r\n"
}

const cLine = "c=IN IP4 192.0.2.7"

func TestLenientReadingTakesWhatPhonesSend(t *testing.T) {
	for name, in := range map[string]string{
		"bare LF":                  strings.ReplaceAll(text(cLine), "\r\n", "\n"),
		"last line without an end": strings.TrimSuffix(text(cLine), "\r\n"),
		"empty lines at the end":   text(cLine) + "\r\n\r\n",
		"no origin and no session": "v=0\r\nc=IN IP4 192.0.2.7\r\nm=audio 4000 RTP/AVP 8\r\n",
		"unknown lines":            text(cLine, "y=what is this", "a=x-strange:1"),
		"several blanks in m=":     strings.Replace(text(cLine), "m=audio 4000 RTP/AVP 8", "m=audio  4000  RTP/AVP  8 ", 1),
		"lower-case transport":     strings.Replace(text(cLine), "RTP/AVP", "rtp/avp", 1),
		"port count of one":        strings.Replace(text(cLine), "4000", "4000/1", 1),
		"broken rtpmap":            text(cLine, "a=rtpmap:8", "a=rtpmap:x y", "a=rtpmap:300 PCMA/8000", "a=rtpmap:8 PCMA/none"),
		"broken ptime":             text(cLine, "a=ptime:fast", "a=maxptime:-3"),
		"upper-case attribute":     text(cLine, "a=PTIME:20"),
		"Latin-1 in a name":        strings.Replace(text(cLine), "s=-", "s=caf\xe9", 1),
		"unicast with a TTL":       text("c=IN IP4 192.0.2.7/127"),
		"IPv4 in IPv6":             text("c=IN IP6 ::ffff:192.0.2.7"),
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Parse([]byte(in))
			if err != nil {
				t.Fatal(err)
			}
			a, ok := d.Audio()
			if !ok || a.Addr != netip.MustParseAddrPort("192.0.2.7:4000") || len(a.Codecs) != 1 || a.Codecs[0].Name != "PCMA" {
				t.Errorf("audio = %+v, want PCMA at 192.0.2.7:4000", a)
			}
		})
	}
}

func TestARefusalNamesStatusAndReason(t *testing.T) {
	many := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+"\r\n", n), "\r\n") }
	for name, c := range map[string]struct {
		in     string
		status int
		says   string
	}{
		"nothing":             {"", 400, "empty"},
		"not SDP":             {"hello\r\n", 400, "not of the form"},
		"another version":     {"v=1\r\n", 400, "v=0"},
		"no version":          {"o=- 1 1 IN IP4 192.0.2.7\r\n", 400, "v=0"},
		"NUL":                 {text(cLine, "a=x:\x00"), 400, "control character"},
		"bare CR":             {text(cLine, "a=x:\ra=y"), 400, "control character"},
		"escape":              {text(cLine, "a=x:\x1b[2J"), 400, "control character"},
		"too long":            {text(cLine, "a=x:"+strings.Repeat("y", maxBytes)), 400, "longer than"},
		"too many lines":      {text(cLine, many(maxLines, "a=x")), 400, "more than 1000 lines"},
		"10,000 m-lines":      {"v=0\r\n" + many(2000, "m=audio 0 x 0"), 400, "more than 1000 lines"},
		"too many m-lines":    {text(cLine, many(maxMedia, "m=video 0 x 0")), 488, "more than 32 media lines"},
		"too many attributes": {text(cLine, many(maxAttributes+1, "a=x")), 488, "more than 512 attributes"},
		"too many formats":    {text(cLine, "m=audio 2 RTP/AVP"+strings.Repeat(" 8", maxFormats+1)), 488, "more than 64 formats"},
		"port 65536":          {text(cLine, "m=audio 65536 RTP/AVP 8"), 400, "not a port"},
		"port -1":             {text(cLine, "m=audio -1 RTP/AVP 8"), 400, "not a port"},
		"port 4/0":            {text(cLine, "m=audio 4/0 RTP/AVP 8"), 400, "not a port"},
		"two ports":           {strings.Replace(text(cLine), "4000", "4000/2", 1), 488, "2 ports"},
		"short m-line":        {text(cLine, "m=audio 4"), 400, "lacks a port or a transport"},
		"no format":           {text(cLine, "m=audio 4 RTP/AVP"), 400, "no format"},
		"strange words":       {text(cLine, "m=audio 4 RTP/AVP\" 8"), 400, "not a token"},
		"payload type 128":    {strings.Replace(text(cLine), "AVP 8", "AVP 128", 1), 400, "not a payload type"},
		"payload type word":   {strings.Replace(text(cLine), "AVP 8", "AVP pcma", 1), 400, "not a payload type"},
		"no c=":               {text("b=AS:64"), 400, "no c= line"},
		"short c=":            {text("c=IN IP4"), 400, "not a network type"},
		"not the Internet":    {text("c=ATM NSAP 47.0091"), 488, "not the Internet"},
		"host name":           {text("c=IN IP4 phone.office.example"), 488, "host name"},
		"broken address":      {text("c=IN IP4 192.0.2.256"), 400, "not an IP address"},
		"wrong family":        {text("c=IN IP4 2001:db8::1"), 400, "not of type"},
		"unknown family":      {text("c=IN IP5 192.0.2.7"), 400, "not of type"},
		"multicast":           {text("c=IN IP4 233.252.0.7/15"), 488, "multicast"},
		"multicast 6":         {text("c=IN IP6 ff15::7"), 488, "multicast"},
		"loopback":            {text("c=IN IP4 127.0.0.1"), 488, "loopback"},
		"loopback 6":          {text("c=IN IP6 ::1"), 488, "loopback"},
		"loopback, mapped":    {text("c=IN IP6 ::ffff:127.0.0.1"), 488, "loopback"},
		"link-local":          {text("c=IN IP4 169.254.10.1"), 488, "link-local"},
		"link-local 6":        {text("c=IN IP6 fe80::1"), 488, "link-local"},
		"zone":                {text("c=IN IP6 fe80::1%eth0"), 488, "zone"},
		"broadcast":           {text("c=IN IP4 255.255.255.255"), 488, "broadcast"},
		"this network":        {text("c=IN IP4 0.1.2.3"), 488, "this network"},
		"rtcp port":           {text(cLine, "a=rtcp:0"), 400, "not a port"},
		"rtcp words":          {text(cLine, "a=rtcp:4001 IN"), 400, "a=rtcp"},
		"rtcp to loopback":    {text(cLine, "a=rtcp:4001 IN IP4 127.0.0.1"), 488, "loopback"},
		"too many cryptos":    {text(cLine, many(maxCryptos+1, "a=crypto:1 X inline:Y")), 488, "crypto lines"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.in))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if Status(err) != c.status || !strings.Contains(err.Error(), c.says) {
				t.Errorf("refused with %d %q, want %d and %q", Status(err), err, c.status, c.says)
			}
		})
	}
}

func TestAFaultPointsAtItsLine(t *testing.T) {
	_, err := Parse([]byte(text(cLine, "a=ok", "m=audio x RTP/AVP 8")))
	if f, ok := err.(*Fault); !ok || f.Line != 8 {
		t.Errorf("fault %#v, want one at line 8", err)
	}
}

func TestOnlyTheFirstSpokenAudioIsCarried(t *testing.T) {
	in := strings.Join([]string{
		"v=0", cLine,
		"m=audio 0 RTP/AVP 8",
		"m=audio 5000 UDP/TLS/RTP/SAVP 8",
		"m=video 5002 RTP/AVP 99", "c=IN IP4 127.0.0.1", // rejected anyway: its address is nobody's business
		"m=audio 5004 RTP/AVPF 8 97", "a=rtpmap:97 speex/16000",
		"m=audio 5006 RTP/AVP 0",
	}, "\r\n")
	a, ok := parse(t, in).Audio()
	if !ok || a.Index != 3 || a.Addr.Port() != 5004 || a.Proto != "RTP/AVPF" || len(a.Codecs) != 2 {
		t.Errorf("audio = %+v, want the fourth line", a)
	}
	if _, ok := parse(t, "v=0\r\n"+cLine+"\r\nm=audio 0 RTP/AVP 8\r\n").Audio(); ok {
		t.Error("a rejected stream counts as audio")
	}
}

func TestHoldIsReadInEveryWayItIsWritten(t *testing.T) {
	for _, c := range []struct {
		c, direction string
		want         Direction
		held         bool
	}{
		{cLine, "", SendRecv, false},
		{cLine, "a=sendrecv", SendRecv, false},
		{cLine, "a=recvonly", RecvOnly, false},
		{cLine, "a=sendonly", SendOnly, true},
		{cLine, "a=inactive", Inactive, true},
		{"c=IN IP4 0.0.0.0", "", SendOnly, true},
		{"c=IN IP4 0.0.0.0", "a=recvonly", Inactive, true},
		{"c=IN IP4 0.0.0.0", "a=inactive", Inactive, true},
		{"c=IN IP6 ::", "a=sendrecv", SendOnly, true},
	} {
		t.Run(fmt.Sprint(c.c, c.direction), func(t *testing.T) {
			lines := []string{}
			if c.direction != "" {
				lines = append(lines, c.direction)
			}
			a, _ := parse(t, text(c.c, lines...)).Audio()
			if a.Direction != c.want || a.Held != c.held {
				t.Errorf("direction %s, held %v; want %s, %v", a.Direction, a.Held, c.want, c.held)
			}
		})
	}
}

func TestADirectionOfTheSessionCountsWhereTheStreamSaysNothing(t *testing.T) {
	session := "v=0\r\na=recvonly\r\n" + cLine + "\r\nm=audio 4000 RTP/AVP 8\r\n"
	if a, _ := parse(t, session).Audio(); a.Direction != RecvOnly {
		t.Errorf("direction %s, want the session's recvonly", a.Direction)
	}
	if a, _ := parse(t, session+"a=sendrecv\r\n").Audio(); a.Direction != SendRecv {
		t.Errorf("direction %s, want the stream's sendrecv", a.Direction)
	}
}

func TestWhereRTCPGoes(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"a=x", "192.0.2.7:4001"},
		{"a=rtcp:4444", "192.0.2.7:4444"},
		{"a=rtcp:4444 IN IP4 192.0.2.9", "192.0.2.9:4444"},
	} {
		if a, _ := parse(t, text(cLine, c.line)).Audio(); a.RTCP.String() != c.want {
			t.Errorf("%s: RTCP to %v, want %s", c.line, a.RTCP, c.want)
		}
	}
	last := strings.Replace(text(cLine), "4000", "65535", 1)
	if a, _ := parse(t, last).Audio(); a.RTCP.IsValid() {
		t.Errorf("RTCP to %v although RTP has the last port", a.RTCP)
	}
}

func TestPayloadTypesThatCannotBeUsedAreSkipped(t *testing.T) {
	in := strings.Replace(text(cLine, "a=rtpmap:72 opus/48000/2", "a=rtpmap:97 L16/0", "a=rtpmap:98 PCMA/8000",
		"a=fmtp:98 a=\"b\""), "AVP 8", "AVP 8 8 72 96 97 98", 1)
	a, _ := parse(t, in).Audio()
	// 72 looks like RTCP, 96 is unknown, 97 has no clock, 8 stands there twice, the parameters of 98 are not harmless.
	want := []Codec{{PT: 8, Name: "PCMA", Rate: 8000, Channels: 1}, {PT: 98, Name: "PCMA", Rate: 8000, Channels: 1}}
	if fmt.Sprint(a.Codecs) != fmt.Sprint(want) {
		t.Errorf("codecs %v, want %v", a.Codecs, want)
	}
}
