package traffic

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

// fakeRelay relays one call, and does with each packet from the office what spoil says.
type fakeRelay struct {
	inside, outside *net.UDPConn
	call            Call
	spoil           func(n int, packet []byte) []byte
}

func newFakeRelay(t *testing.T, phone, carrier netip.AddrPort, spoil func(int, []byte) []byte) *fakeRelay {
	t.Helper()
	listen := func() *net.UDPConn {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	at := func(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }
	r := &fakeRelay{inside: listen(), outside: listen(), spoil: spoil}
	r.call = Call{Inside: at(r.inside), Outside: at(r.outside), Send: bytes.Repeat([]byte("s"), 30), Receive: bytes.Repeat([]byte("r"), 30)}
	seal, open := contextOf(t, r.call.Receive), contextOf(t, r.call.Send)
	go relay(r.inside, r.outside, carrier, func(n int, b []byte) ([]byte, error) {
		b, err := seal.EncryptRTP(nil, b, nil)
		return r.spoil(n, b), err
	})
	go relay(r.outside, r.inside, phone, func(_ int, b []byte) ([]byte, error) { return open.DecryptRTP(nil, b, nil) })
	return r
}

func contextOf(t *testing.T, key []byte) *srtp.Context {
	t.Helper()
	c, err := context(key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func relay(from, to *net.UDPConn, peer netip.AddrPort, change func(n int, b []byte) ([]byte, error)) {
	b := make([]byte, 2000)
	for i := 0; ; i++ {
		n, _, err := from.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if out, err := change(i, b[:n]); err == nil && out != nil {
			to.WriteToUDPAddrPort(out, peer)
		}
	}
}

func TestWhatARelayDoesToPacketsIsSeen(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for large buffers")
	}
	phone, carrier := netip.MustParseAddrPort("127.0.0.2:31000"), netip.MustParseAddrPort("127.0.0.3:31000")
	each := func(tenth func([]byte) []byte) func(int, []byte) []byte {
		return func(n int, b []byte) []byte {
			if n%10 == 9 {
				return tenth(b)
			}
			return b
		}
	}
	for name, c := range map[string]struct {
		spoil        func(int, []byte) []byte
		lost, broken bool
		late         time.Duration
	}{
		"nothing": {spoil: func(_ int, b []byte) []byte { return b }},
		"loss":    {spoil: each(func([]byte) []byte { return nil }), lost: true},
		"damage":  {spoil: func(_ int, b []byte) []byte { b[40] ^= 1; return b }, lost: true, broken: true}, // one in four is decrypted
		"another": {spoil: each(func(b []byte) []byte { b[11] ^= 1; return b }), lost: true, broken: true},
		"cut":     {spoil: each(func(b []byte) []byte { return b[:8] }), lost: true, broken: true},
		"delay":   {spoil: func(_ int, b []byte) []byte { time.Sleep(5 * time.Millisecond); return b }, late: 5 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFakeRelay(t, phone, carrier, c.spoil)
			var told []string
			ports, err := Open(End{Address: phone}, End{Address: carrier})
			if err != nil {
				t.Fatal(err)
			}
			defer ports.Close()
			report, err := ports.Run(Spec{Calls: []Call{r.call}, Warm: 100 * time.Millisecond, Span: time.Second, Shared: true},
				func(what string) { told = append(told, what) })
			if err != nil {
				t.Fatal(err)
			}
			if strings.Join(told, " ") != Begun+" "+Ended || report.Sent < 98 || report.Sent > 102 || report.Next < 50 {
				t.Fatalf("told %v, sent %+v", told, report)
			}
			if lost := report.Sent - report.Received; (lost >= 4) != c.lost || lost > 14 {
				t.Errorf("%d are lost: %+v", lost, report)
			}
			if (report.Broken > 0) != c.broken || report.P99 < c.late || report.Median <= 0 {
				t.Errorf("%+v", report)
			}
		})
	}
}

func TestAHistogramTellsShares(t *testing.T) {
	var h histogram
	for i := range 100 {
		h.add(time.Duration(i) * time.Millisecond)
	}
	h.add(time.Hour)
	if m, p := h.at(0.5), h.at(0.99); m < 49*time.Millisecond || m > 51*time.Millisecond || p < 98*time.Millisecond || p > 101*time.Millisecond {
		t.Errorf("the median is %v, and 99 of 100 are below %v", m, p)
	}
}
