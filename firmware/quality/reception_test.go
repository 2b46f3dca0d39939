package quality

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = int64(time.Millisecond)

// hear takes packets of 20 ms of G.711 with these numbers, each as late as its delay says.
func hear(r *Reception, ssrc uint32, numbers []int, delay func(i int) time.Duration) {
	for i, n := range numbers {
		d := time.Duration(0)
		if delay != nil {
			d = delay(i)
		}
		r.Take(ssrc, uint16(n), uint32(n)*160, 0, 1e15+int64(n)*20*ms+int64(d))
	}
}

func count(from, n int) (list []int) {
	for i := range n {
		list = append(list, from+i)
	}
	return list
}

func TestPacketsAreCountedByTheirNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		numbers []int
		want    Stream
	}{
		"all arrive":                     {count(100, 50), Stream{Expected: 50}},
		"one is missing":                 {append(count(100, 10), count(111, 10)...), Stream{Expected: 21, Lost: 1}},
		"a burst is missing":             {append(count(100, 10), count(130, 10)...), Stream{Expected: 40, Lost: 20}},
		"two change places":              {[]int{1, 2, 4, 3, 5}, Stream{Expected: 5, Late: 1}},
		"one comes twice":                {[]int{1, 2, 3, 3, 4}, Stream{Expected: 4, Duplicates: 1}},
		"one comes twice, much later":    {append(count(1, 40), 5, 41), Stream{Expected: 41, Duplicates: 1}},
		"a loss hides no duplicate":      {[]int{1, 2, 2, 4}, Stream{Expected: 4, Lost: 1, Duplicates: 1}},
		"the first is overtaken":         {[]int{11, 10, 12}, Stream{Expected: 3, Late: 1}},
		"numbers wrap":                   {count(65530, 20), Stream{Expected: 20}},
		"numbers wrap with a loss":       {append(count(65530, 6), count(65537, 10)...), Stream{Expected: 17, Lost: 1}},
		"one overtakes across the wrap":  {[]int{65534, 65536, 65535, 65537}, Stream{Expected: 4, Late: 1}},
		"the source starts over":         {append(count(100, 10), count(40000, 10)...), Stream{Expected: 20}},
		"a single number out of place":   {append(append(count(100, 10), 40000), count(110, 10)...), Stream{Expected: 20}},
		"far behind, and then two of it": {append(count(30000, 10), 10, 11, 12), Stream{Expected: 13}},
	} {
		var r Reception
		hear(&r, 1, c.numbers, nil)
		got := r.Stream()
		got.Jitter = 0
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestAnotherSourceIsNoLoss(t *testing.T) {
	var r Reception
	hear(&r, 1, []int{10, 11, 13}, nil)
	hear(&r, 2, count(5000, 5), nil)
	if got, want := r.Stream(), (Stream{Expected: 9, Lost: 1}); got.Expected != want.Expected || got.Lost != want.Lost {
		t.Errorf("%+v, want %+v", got, want)
	}
	if ssrc, ok := r.SSRC(); ssrc != 2 || !ok {
		t.Errorf("source %d", ssrc)
	}
}

func TestJitterIsThatOfRFC3550(t *testing.T) {
	// Appendix A.8 as it stands, with floating point, over the same delays.
	random := rand.New(rand.NewPCG(1, 2))
	delays := make([]time.Duration, 2000)
	for i := range delays {
		delays[i] = time.Duration(random.ExpFloat64() * float64(5*time.Millisecond))
	}
	want := 0.0
	for i := 1; i < len(delays); i++ {
		d := float64(delays[i] - delays[i-1])
		if d < 0 {
			d = -d
		}
		want += (d - want) / 16
	}
	var r Reception
	hear(&r, 1, count(1, len(delays)), func(i int) time.Duration { return delays[i] })
	if got := r.Stream().Jitter; float64(got) < want*0.999 || float64(got) > want*1.001 {
		t.Errorf("jitter %v, want %v", got, time.Duration(want))
	}
}

func TestJitterOfAnEvenStreamIsNone(t *testing.T) {
	for _, rate := range []uint32{8000, 16000, 48000} {
		var r Reception
		for i := range 500 {
			r.Take(1, uint16(i), uint32(i)*rate/50, ClockOf(rate), int64(i)*20*ms)
		}
		if got := r.Stream().Jitter; got > time.Microsecond {
			t.Errorf("at %d Hz: %v", rate, got)
		}
	}
}

func TestAKeyPressIsNoJitter(t *testing.T) {
	var r Reception
	hear(&r, 1, count(1, 50), nil)
	for i := range 20 { // one timestamp for the whole of the press
		r.Take(1, uint16(51+i), 51*160, 0, 1e15+int64(51+i)*20*ms)
	}
	hear(&r, 1, count(71, 50), nil)
	if got := r.Stream(); got.Jitter > time.Millisecond || got.Lost != 0 {
		t.Errorf("%+v", got)
	}
}

func TestTakingAPacketAllocatesNothing(t *testing.T) {
	var r Reception
	i := 0
	if n := testing.AllocsPerRun(1000, func() { r.Take(1, uint16(i), uint32(i)*160, 0, int64(i)*20*ms); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTake(b *testing.B) {
	var r Reception
	for i := 0; b.Loop(); i++ {
		r.Take(1, uint16(i), uint32(i)*160, 0, int64(i)*20*ms)
	}
}

// block writes a report block.
func block(r Report) []byte {
	b := make([]byte, 24)
	for i, v := range []uint32{r.SSRC, uint32(r.Lost) & 0xffffff, r.Highest, r.Jitter, r.LastSender, r.Delay} {
		binary.BigEndian.PutUint32(b[4*i:], v)
	}
	b[4] = r.Fraction
	return b
}

// part makes one RTCP packet out of a type, the words after the header, and blocks.
func part(kind byte, info int, blocks ...Report) []byte {
	b := make([]byte, 4+info)
	b[0], b[1] = 2<<6|byte(len(blocks)), kind
	for _, r := range blocks {
		b = append(b, block(r)...)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
	return b
}

func TestReportsAreReadFromCompoundPackets(t *testing.T) {
	a := Report{SSRC: 7, Fraction: 64, Lost: 12, Highest: 70000, Jitter: 80, LastSender: 0xabcd1234, Delay: 65536}
	c := Report{SSRC: 8, Lost: -3, Highest: 9}
	sender := part(200, 24, a)
	binary.BigEndian.PutUint32(sender[10:], 0x55667788)
	for name, e := range map[string]struct {
		packet  []byte
		senders []uint32
		blocks  []Report
	}{
		"a sender report":                   {sender, []uint32{0x55667788}, []Report{a}},
		"a receiver report":                 {part(201, 4, a, c), nil, []Report{a, c}},
		"both, and a description":           {append(append(append([]byte{}, sender...), part(202, 4)...), part(201, 4, c)...), []uint32{0x55667788}, []Report{a, c}},
		"more blocks than there are":        {func() []byte { b := part(201, 4, a); b[0] |= 3; return b }(), nil, []Report{a}},
		"longer than the packet":            {func() []byte { b := part(201, 4, a); b[3]++; return b }(), nil, nil},
		"a sender report without its times": {[]byte{0x80, 200, 0, 1, 0, 0, 0, 1}, nil, nil},
		"nothing":                           {nil, nil, nil},
	} {
		var senders []uint32
		var blocks []Report
		ReadReports(e.packet, func(m uint32) { senders = append(senders, m) }, func(r Report) { blocks = append(blocks, r) })
		if d := cmp.Diff([]any{e.senders, e.blocks}, []any{senders, blocks}); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func FuzzReadReports(f *testing.F) {
	f.Add(part(200, 24, Report{SSRC: 1}))
	f.Add(append(part(201, 4, Report{SSRC: 1}), part(202, 4)...))
	f.Fuzz(func(t *testing.T, packet []byte) {
		var r Reported
		var s Senders
		n := 0
		ReadReports(packet, func(m uint32) { s.Sent(m, 1) }, func(b Report) {
			n++
			r.Take(b, 0)
			if d, ok := s.RoundTrip(b, 2); ok && (d < 0 || d > maxRoundTrip) {
				t.Errorf("round trip %v", d)
			}
		})
		if 24*n > len(packet) {
			t.Errorf("%d blocks in %d bytes", n, len(packet))
		}
		if got, _ := r.Stream(); got.Lost > got.Expected {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhatAPeerReportsIsAddedUp(t *testing.T) {
	var r Reported
	if _, ok := r.Stream(); ok {
		t.Error("something was reported before any report")
	}
	r.Take(Report{SSRC: 1, Highest: 1000, Lost: 4}, 0) // what was before the box watched is not counted
	r.Take(Report{SSRC: 1, Highest: 1200, Lost: 14, Jitter: 80}, 0)
	if got, _ := r.Stream(); got != (Stream{Expected: 200, Lost: 10, Jitter: 10 * time.Millisecond}) {
		t.Errorf("%+v", got)
	}
	r.Take(Report{SSRC: 2, Highest: 50}, 0)
	r.Take(Report{SSRC: 2, Highest: 90, Lost: 1, Jitter: 32}, ClockOf(16000))
	if got, _ := r.Stream(); got != (Stream{Expected: 240, Lost: 11, Jitter: 2 * time.Millisecond}) {
		t.Errorf("with another source: %+v", got)
	}
}

func TestTheRoundTripNeedsNoCommonClock(t *testing.T) {
	var s Senders
	sent := int64(5e15)
	for i := range 12 {
		s.Sent(uint32(100+i), sent+int64(i)*1000*ms)
	}
	for name, c := range map[string]struct {
		report Report
		after  time.Duration // the report comes, after the last sender report
		want   time.Duration
		ok     bool
	}{
		// The example of RFC 3550 §6.4.1, figure 2: 6.125 s between, 5.25 s of them at the peer.
		"figure 2":                  {Report{LastSender: 111, Delay: 0x0005_4000}, 6125 * time.Millisecond, 875 * time.Millisecond, true},
		"an older one":              {Report{LastSender: 110, Delay: 65536}, 40 * time.Millisecond, 40 * time.Millisecond, true},
		"one that is not known":     {Report{LastSender: 99}, time.Second, 0, false},
		"one that is forgotten":     {Report{LastSender: 103}, time.Second, 0, false},
		"no sender report was seen": {Report{}, time.Second, 0, false},
		"a delay that cannot be":    {Report{LastSender: 111, Delay: 65536}, 500 * time.Millisecond, 0, false},
		"rounding":                  {Report{LastSender: 111, Delay: 1}, 0, 0, true},
	} {
		got, ok := s.RoundTrip(c.report, sent+11*1000*ms+int64(c.after))
		if got != c.want || ok != c.ok {
			t.Errorf("%s: %v, %v; want %v, %v", name, got, ok, c.want, c.ok)
		}
	}
}

func TestAReportTellsWhatWasLostSinceTheOneBefore(t *testing.T) {
	var r Reception
	var told Telling
	if _, ok := r.Tell(&told, 0); ok {
		t.Error("a report on nobody")
	}
	hear(&r, 7, append(count(65530, 10), count(65544, 6)...), nil) // across the wrap, 4 of 20 lost
	first, _ := r.Tell(&told, 0)
	hear(&r, 7, count(65550, 10), nil)
	second, _ := r.Tell(&told, 0)
	for i, c := range []struct{ got, want Report }{
		{first, Report{SSRC: 7, Fraction: 4 * 256 / 20, Lost: 4, Highest: 65549}},
		{second, Report{SSRC: 7, Lost: 4, Highest: 65559}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("report %d (-want +got):\n%s", i, diff)
		}
	}
	packet := append([]byte{0x81, receiverReport, 0, 7, 0, 0, 0, 1}, Report{SSRC: 7, Fraction: 1, Lost: -2, Highest: 3, Jitter: 4, LastSender: 5, Delay: 6}.Append(nil)...)
	ReadReports(packet, func(uint32) {}, func(b Report) {
		if (b != Report{SSRC: 7, Fraction: 1, Lost: -2, Highest: 3, Jitter: 4, LastSender: 5, Delay: 6}) {
			t.Errorf("written and read: %+v", b)
		}
	})
	if got := r.StampAt(0, r.at+int64(time.Second)) - r.stamp; got != 8000 {
		t.Errorf("a second is %d ticks", got)
	}
	if got := r.StampAt(ClockOf(48000), r.at+int64(time.Second)) - r.stamp; got < 47990 || got > 48010 {
		t.Errorf("a second is %d ticks of 48000", got)
	}
}
