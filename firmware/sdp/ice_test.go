package sdp

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
)

func TestCredentialsAndCandidatesOfICEAreRead(t *testing.T) {
	lines := []string{
		"a=ice-ufrag:evtj", dtlsM, printLine, "a=setup:actpass", "a=ice-pwd:VOkJxbRl1RmTxUk/WvJxBt",
		"a=candidate:1 1 UDP 2130706431 192.0.2.8 50000 typ host", "a=candidate:1 2 udp 2130706430 192.0.2.8 50001 typ host",
		"a=candidate:2 1 UDP 1694498815 203.0.113.5 45664 typ srflx raddr 192.0.2.8 rport 50000",
		"a=candidate:3 1 TCP 1 192.0.2.9 9 typ host tcptype active", "a=candidate:4 1 UDP 1 4f3c.local 50000 typ host",
		"a=candidate:5 1 UDP 1 127.0.0.1 50000 typ host", "a=candidate:6 1 UDP 1 0.0.0.0 50000 typ host",
		"a=candidate:7 1 UDP 1 2001:db8::7 50000 typ host", "a=candidate:8 1 UDP 1 192.0.2.10 0 typ host", "a=candidate:broken",
	}
	a, _ := parse(t, dtlsText(lines...)).Audio()
	if i := a.DTLS.ICE; i == nil || i.Ufrag != "evtj" || fmt.Sprint(i.Candidates) != "[192.0.2.8 203.0.113.5 2001:db8::7]" {
		t.Errorf("%+v", i)
	}
	for name, bad := range map[string][2]string{
		"no name":          {"a=ice-ufrag:evtj", "a=x:y"},
		"a short name":     {"evtj", "evt"},
		"a short password": {"VOkJxbRl1RmTxUk/WvJxBt", "VOkJxbRl1RmTxUk/WvJxB"},
		"odd characters":   {"evtj", "evtj:"},
	} {
		a, _ := parse(t, strings.Replace(dtlsText(lines...), bad[0], bad[1], 1)).Audio()
		if a.DTLS.ICE != nil {
			t.Errorf("%s: %+v", name, a.DTLS.ICE)
		}
	}
}

func TestICEIsWrittenAsALiteImplementationDoes(t *testing.T) {
	own, err := NewICE(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	offer := parse(t, dtlsText(dtlsM, printLine, "a=setup:actpass", "a=rtcp-mux"))
	for mux, candidates := range map[bool]int{true: 1, false: 2} {
		a := dtlsAnchor(SetupPassive)
		a.Mux, a.DTLS.ICE = mux, &own
		body, err := parse(t, text(cLine)).Answer(offer, a)
		if err != nil {
			t.Fatal(err)
		}
		read, _ := parse(t, string(body)).Audio()
		if got := read.DTLS.ICE; got == nil || got.Ufrag != own.Ufrag || got.Pwd != own.Pwd || len(got.Candidates) != 1 {
			t.Errorf("reads as %+v:\n%s", got, body)
		}
		session, _, _ := strings.Cut(string(body), "m=")
		if !strings.Contains(session, "a=ice-lite\r\n") || strings.Count(string(body), "a=candidate:1 ") != candidates ||
			!strings.Contains(string(body), "a=candidate:1 1 UDP 2130706431 198.51.100.2 20000 typ host\r\n") {
			t.Errorf("written\n%s", body)
		}
	}
	if again, _ := NewICE(rand.Reader); again.Ufrag == own.Ufrag || again.Pwd == own.Pwd {
		t.Error("two legs have the same credentials")
	}
}
