package sdp

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tollgate/firmware/policy"
)

// leak is the word that every generated description carries wherever only its own side should see it.
const leak = "leAk"

// genDescription draws a description that is sound but full of things that must not cross the border.
func genDescription(t *rapid.T, label string) string {
	pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label+" "+name) }
	b := &strings.Builder{}
	fmt.Fprintf(b, "v=0\r\no=%s 77%s 1 IN IP4 10.9.8.7\r\ns=%s phone\r\n", leak, pick("session", "1", "2"), leak)
	for _, l := range rapid.SliceOfN(rapid.SampledFrom([]string{"i=", "u=http://", "e=", "p=+", "b=CT:", "z=", "k=", "a=tool:",
		"a=", "a=ice-pwd:", "r="}), 0, 5).Draw(t, label+" lines") {
		fmt.Fprintf(b, "%s%s\r\n", l, leak)
	}
	fmt.Fprintf(b, "c=IN IP4 10.9.8.%s\r\nt=0 0\r\n%s", pick("host", "7", "70", "77"), pick("hold", "", "a=inactive\r\n"))
	others := rapid.SliceOfN(rapid.SampledFrom([]string{"m=video 9 RTP/AVP 34\r\na=x:" + leak + "\r\n",
		"m=audio 0 RTP/AVP 8\r\ni=" + leak + "\r\n", "m=image 6 udptl t38\r\nc=IN IP4 10.9.8.6\r\n"}), 0, 3)
	b.WriteString(strings.Join(others.Draw(t, label+" before"), ""))
	fmt.Fprintf(b, "m=audio 4000 %s 8 0 9 101\r\n", pick("proto", "RTP/AVP", "RTP/AVPF"))
	for _, l := range rapid.Permutation([]string{"a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=sendrecv",
		"a=x-own:" + leak, "a=ssrc:1 cname:" + leak, "a=candidate:1 1 UDP 1 10.9.8.5 9 typ host", "a=rtcp:4009 IN IP4 10.9.8.4",
		"a=crypto:1 " + aesCM + " inline:" + key30, "a=rtpmap:9 G722/8000", "a=mid:" + leak, "a=rtcp-mux", "a=ptime:20",
		"i=" + leak, "b=TIAS:64000", "a=fmtp:8 \"" + leak + "\"", "a=rtpmap:99 " + leak + "/8000",
	}).Draw(t, label+" attributes") {
		b.WriteString(l + "\r\n")
	}
	b.WriteString(strings.Join(others.Draw(t, label+" after"), ""))
	return b.String()
}

func genAnchor(t *rapid.T, addr, label string) Anchor {
	a := anchor(addr, 20000)
	a.Mux = rapid.Bool().Draw(t, label+" mux")
	a.Codecs = rapid.SampledFrom([][]string{nil, {"PCMA"}, {"pcmu", "PCMA"}, {"G722", "PCMA"}}).Draw(t, label+" codecs")
	return a
}

// ownLine is every line that Tollgate may write, whatever it was given.
var ownLine = regexp.MustCompile(`^(v=0|s=-|t=0 0|o=- 1000 1 IN IP4 198\.51\.100\.1|c=IN IP4 198\.51\.100\.1` +
	`|m=[a-z]+ (20000|0) (RTP/S?AVPF?|udptl)( [0-9t]+)+|a=rtpmap:\d+ (PCMA|PCMU|G722|telephone-event)/8000|a=fmtp:101 0-15` +
	`|a=ptime:20|a=(sendrecv|sendonly|recvonly|inactive)|a=rtcp-mux|a=crypto:1 ` + aesCM + ` inline:[A-Za-z0-9+/]{40})$`)

func TestNothingOfTheOtherSideLeavesTheBorder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offer, answer := genDescription(t, "offer"), genDescription(t, "answer")
		o, err := Parse([]byte(offer))
		if err != nil {
			t.Fatalf("%v in\n%s", err, offer)
		}
		a, err := Parse([]byte(answer))
		if err != nil {
			t.Fatalf("%v in\n%s", err, answer)
		}
		there, back := genAnchor(t, "198.51.100.1", "there"), genAnchor(t, "198.51.100.1", "back")
		if rapid.Bool().Draw(t, "srtp") {
			c, _ := NewCrypto(1, policy.SuiteAESCM128SHA180, same('K'))
			there.Cryptos, back.Cryptos = []Crypto{c}, []Crypto{c}
		}
		sent, err := o.Offer(there)
		checkWritten(t, sent, err)
		replied, err := a.Answer(o, back)
		checkWritten(t, replied, err)
		if strings.Count(string(replied), "m=") != o.Streams() {
			t.Fatalf("the answer has another number of lines than the offer:\n%s\n%s", offer, replied)
		}
	})
}

func checkWritten(t *rapid.T, out []byte, err error) {
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(strings.TrimSuffix(string(out), "\r\n"), "\r\n") {
		if !ownLine.MatchString(l) {
			t.Fatalf("line %q is not one of ours in\n%s", l, out)
		}
	}
	if _, err := Parse(out); err != nil {
		t.Fatalf("we cannot read what we wrote: %v\n%s", err, out)
	}
}
