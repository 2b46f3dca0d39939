package clock

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// stamp writes a time as NTP does.
func stamp(b []byte, t time.Time) {
	seconds := t.Unix() + 2208988800
	binary.BigEndian.PutUint32(b, uint32(seconds))
	binary.BigEndian.PutUint32(b[4:], uint32(uint64(t.Nanosecond())<<32/1e9))
}

// serve runs a time server that is off by some time and answers as spoil has it.
func serve(t *testing.T, off time.Duration, spoil func(b []byte) [][]byte) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		q := make([]byte, 512)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(q)
			if err != nil {
				return
			}
			if n != messageSize || q[0] != 0x23 {
				t.Errorf("the question is %x", q[:n])
			}
			a := make([]byte, messageSize)
			a[0], a[1] = version<<3|server, 2
			copy(a[24:], q[40:48])
			stamp(a[32:], time.Now().Add(off))
			stamp(a[40:], time.Now().Add(off))
			for _, b := range spoil(a) {
				conn.WriteToUDPAddrPort(b, from)
			}
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func honest(b []byte) [][]byte { return [][]byte{b} }

func TestAServerSaysHowFarOffTheClockIs(t *testing.T) {
	for _, off := range []time.Duration{0, 3 * time.Second, -40 * 24 * time.Hour, 56 * 365 * 24 * time.Hour} {
		s, err := Ask(t.Context(), serve(t, off, honest))
		if err != nil {
			t.Fatal(err)
		}
		if (s.Offset - off).Abs() > 200*time.Millisecond {
			t.Errorf("off by %v, and it is read as %v", off, s.Offset)
		}
	}
}

func TestAnswersThatMustNotBeBelievedAreNot(t *testing.T) {
	change := func(at int, to byte) func([]byte) [][]byte {
		return func(b []byte) [][]byte { b[at] = to; return [][]byte{b} }
	}
	for name, c := range map[string]struct {
		spoil func([]byte) [][]byte
		want  string
	}{
		"kiss of death":      {change(1, 0), "does not know the time"},
		"stratum 16":         {change(1, 16), "does not know the time"},
		"not synchronised":   {change(0, 0xc0|version<<3|server), "does not know the time"},
		"times contradict":   {func(b []byte) [][]byte { stamp(b[40:], time.Now().Add(-time.Hour)); return [][]byte{b} }, "contradict"},
		"another's question": {func(b []byte) [][]byte { b[24] ^= 1; return [][]byte{b} }, "does not say"},
		"a question":         {change(0, version<<3|client), "does not say"},
		"half of it":         {func(b []byte) [][]byte { return [][]byte{b[:40]} }, "does not say"},
	} {
		if s, err := Ask(t.Context(), serve(t, time.Hour, c.spoil)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v; want %q", name, s, err, c.want)
		}
	}
	// A forged answer that comes first is passed over.
	s, err := Ask(t.Context(), serve(t, time.Hour, func(b []byte) [][]byte {
		forged := append([]byte{}, b...)
		forged[30] ^= 1
		stamp(forged[32:], time.Now().Add(100*time.Hour))
		return [][]byte{forged, b}
	}))
	if err != nil || (s.Offset-time.Hour).Abs() > time.Minute {
		t.Errorf("after a forged answer: %+v, %v", s, err)
	}
}

func TestTheMajorityIsBelieved(t *testing.T) {
	at := func(offsets ...time.Duration) (list []Sample) {
		for i, o := range offsets {
			list = append(list, Sample{Offset: o, Delay: time.Duration(i+1) * 10 * time.Millisecond})
		}
		return list
	}
	hour := time.Hour
	for _, c := range []struct {
		samples []Sample
		want    time.Duration
		fault   string
	}{
		{at(hour), hour, ""},
		{at(hour, hour+time.Millisecond), hour, ""},
		{at(hour, 0), 0, "none is believed"},
		{at(0, hour, hour+10*time.Millisecond), hour, ""},
		{at(0, hour, 2*hour), 0, "none is believed"},
		{at(0, time.Second/10, hour, hour), 0, "none is believed"},
		{nil, 0, "none of 3 time servers"},
	} {
		got, err := Agree(c.samples, 3)
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) || err == nil && got.Offset != c.want {
			t.Errorf("%v: %v, %v; want %v, %q", c.samples, got.Offset, err, c.want, c.fault)
		}
	}
}

func TestTimesOfBothErasAreRead(t *testing.T) {
	for _, want := range []time.Time{
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 22, 12, 0, 0, 500_000_000, time.UTC),
		time.Date(2036, 2, 7, 6, 28, 15, 0, time.UTC), time.Date(2036, 2, 7, 6, 28, 17, 0, time.UTC), time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		b := make([]byte, 8)
		stamp(b, want)
		if got := moment(b); got.Sub(want).Abs() > time.Millisecond {
			t.Errorf("%v is read as %v", want, got)
		}
	}
	if !moment(make([]byte, 8)).IsZero() {
		t.Error("no time is read as one")
	}
}

func TestAClockThatIsNotBehindIsLeftAlone(t *testing.T) {
	if by, err := Clamp(time.Now().Add(-time.Hour), time.Time{}); by != 0 || err != nil {
		t.Errorf("turned by %v, %v", by, err)
	}
}

func FuzzAnswer(f *testing.F) {
	a := make([]byte, messageSize)
	a[0], a[1] = version<<3|server, 2
	stamp(a[32:], time.Now())
	stamp(a[40:], time.Now())
	f.Add(a)
	f.Fuzz(func(t *testing.T, b []byte) {
		received, sent, err := answer(b, [8]byte{})
		if err == nil && (sent.Before(received) || received.IsZero()) {
			t.Errorf("%v, %v", received, sent)
		}
	})
}
