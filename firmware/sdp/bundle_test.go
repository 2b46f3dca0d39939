package sdp

import (
	"strings"
	"testing"
)

// bundled is what a browser offers: two streams in one bundle, of which one is carried.
var bundled = []string{
	"a=group:BUNDLE 0 1", dtlsM, "a=mid:0", printLine, "a=setup:actpass", "a=rtcp-mux",
	"m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1",
}

func TestABundleIsAnsweredWithTheOneStreamThatIsCarried(t *testing.T) {
	for name, c := range map[string]struct {
		replace [2]string
		mux     bool
		want    bool
	}{
		"as browsers do":               {mux: true, want: true},
		"RTCP on a port of its own":    {mux: false},
		"RTCP is not on the same port": {replace: [2]string{"a=rtcp-mux", "a=x:y"}, mux: true},
		"another bundle":               {replace: [2]string{"BUNDLE 0 1", "BUNDLE 1"}, mux: true},
		"another kind of group":        {replace: [2]string{"BUNDLE", "LS"}, mux: true},
		"no group":                     {replace: [2]string{"a=group:BUNDLE 0 1", "a=x:y"}, mux: true},
		"a name that is none":          {replace: [2]string{"a=mid:0", "a=mid:0 0"}, mux: true},
		"a long name":                  {replace: [2]string{"a=mid:0", "a=mid:" + strings.Repeat("0", 65)}, mux: true},
	} {
		t.Run(name, func(t *testing.T) {
			a := dtlsAnchor(SetupPassive)
			a.Mux, a.Mid = c.mux, "mine"
			offer := parse(t, strings.Replace(dtlsText(bundled...), c.replace[0], c.replace[1], 1))
			body, err := parse(t, text(cLine)).Answer(offer, a)
			if err != nil {
				t.Fatal(err)
			}
			session, streams, _ := strings.Cut(string(body), "m=")
			if strings.Contains(session, "a=group:BUNDLE 0\r\n") != c.want || strings.Contains(streams, "a=mid:0\r\n") != c.want {
				t.Errorf("answered\n%s", body)
			}
			if strings.Contains(string(body), "mine") || strings.Count(string(body), "BUNDLE") > 1 || strings.Contains(string(body), "mid:1") {
				t.Errorf("answered\n%s", body)
			}
		})
	}
}

func TestAnOfferHasItsStreamInABundleOfItsOwn(t *testing.T) {
	for _, mux := range []bool{true, false} {
		a := dtlsAnchor(SetupEither)
		a.Mux, a.Mid = mux, "0"
		body, err := parse(t, text(cLine)).Offer(a)
		if err != nil {
			t.Fatal(err)
		}
		if read, _ := parse(t, string(body)).Audio(); (read.Mid == "0") != mux {
			t.Errorf("with one port %v:\n%s", mux, body)
		}
	}
}
