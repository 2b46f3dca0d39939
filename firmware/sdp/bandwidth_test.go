package sdp

import (
	"strings"
	"testing"
)

func TestADescriptionMaySayThatItsAuthorWantsNoRTCP(t *testing.T) {
	for name, c := range map[string]struct {
		session, stream string
		want            bool
	}{
		"nothing":                   {"", "", false},
		"both none":                 {"", "b=RS:0|b=RR:0", true},
		"the session says it":       {"b=RS:0|b=RR:0", "", true},
		"half here, half there":     {"b=RR:0", "b=RS:0", true},
		"the stream overrules":      {"b=RS:0|b=RR:0", "b=RR:2000", false},
		"no room for listeners":     {"", "b=RS:800|b=RR:0", false},
		"listeners alone said":      {"", "b=RR:0", false},
		"other kinds":               {"", "b=AS:0|b=TIAS:0", false},
		"no numbers":                {"", "b=RS:none|b=RR:-0x1|b=RS", false},
		"blanks, and a kind beside": {"b=AS:64", "b=RS: 0|b=RR:0 ", true},
	} {
		t.Run(name, func(t *testing.T) {
			lines := func(s string) string {
				if s == "" {
					return ""
				}
				return strings.ReplaceAll(s, "|", "\r\n") + "\r\n"
			}
			d, err := Parse([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\n" + lines(c.session) +
				"t=0 0\r\nm=audio 4000 RTP/AVP 8\r\n" + lines(c.stream)))
			if err != nil {
				t.Fatal(err)
			}
			if a, ok := d.Audio(); !ok || a.NoRTCP != c.want {
				t.Errorf("no RTCP: %v, %v; want %v", a.NoRTCP, ok, c.want)
			}
		})
	}
}
