package edge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// framed is what a framer makes of a stream: the messages, the fault that ended it, and the pings.
type framed struct {
	messages []string
	faults   []string // of each message
	over     bool
	pings    int
}

// frame feeds a stream to a framer in chunks, whose lengths sizes returns, as a reader would.
func frame(stream []byte, sizes func(left int) int) (r framed) {
	var f framer
	for len(stream) > 0 {
		space := f.space()
		n := copy(space, stream[:min(len(stream), sizes(len(stream)))])
		stream = stream[n:]
		f.read(n)
		for {
			m, s, more := f.next()
			if more {
				break
			}
			r.faults = append(r.faults, s.fault.reason())
			if s.fault.framing() {
				r.over = true
				r.pings += f.takePings()
				return r
			}
			r.messages = append(r.messages, string(m)+"|"+string(s.method))
		}
		r.pings += f.takePings()
	}
	return r
}

func whole(left int) int { return left }
func byBytes(int) int    { return 1 }

func (r framed) String() string {
	return fmt.Sprintf("%d messages, faults %q, over %v, %d pings: %q", len(r.messages), r.faults, r.over, r.pings, r.messages)
}

func TestAStreamIsCutIntoItsMessages(t *testing.T) {
	one := good
	two := strings.ReplaceAll(strings.ReplaceAll(good, "OPTIONS", "MESSAGE"), "body", "four")
	empty := strings.Replace(good, "Content-Length: 4\r\n\r\nbody", "Content-Length: 0\r\n\r\n", 1)
	big := strings.Replace(good, "Content-Length: 4\r\n\r\nbody", "l:60000\r\n\r\n"+strings.Repeat("b", 60000), 1)
	twice := strings.Replace(good, "To: ", "From: <sip:a@b>;tag=x\r\nTo: ", 1)
	for name, tc := range map[string]struct {
		stream string
		want   framed
	}{
		"one":                 {one, framed{messages: []string{one + "|OPTIONS"}, faults: []string{"none"}}},
		"two pipelined":       {one + two, framed{messages: []string{one + "|OPTIONS", two + "|MESSAGE"}, faults: []string{"none", "none"}}},
		"with and without":    {empty + one + empty, framed{messages: []string{empty + "|OPTIONS", one + "|OPTIONS", empty + "|OPTIONS"}, faults: []string{"none", "none", "none"}}},
		"large":               {one + big + two, framed{messages: []string{one + "|OPTIONS", big + "|OPTIONS", two + "|MESSAGE"}, faults: []string{"none", "none", "none"}}},
		"a ping":              {"\r\n\r\n", framed{pings: 1}},
		"a pong":              {"\r\n", framed{}},
		"pings around":        {"\r\n\r\n" + one + "\r\n\r\n\r\n\r\n" + two + "\r\n\r\n", framed{messages: []string{one + "|OPTIONS", two + "|MESSAGE"}, faults: []string{"none", "none"}, pings: 4}},
		"one CRLF each":       {one + "\r\n" + two + "\r\n", framed{messages: []string{one + "|OPTIONS", two + "|MESSAGE"}, faults: []string{"none", "none"}}},
		"incomplete":          {one + two[:len(two)-1], framed{messages: []string{one + "|OPTIONS"}, faults: []string{"none"}}},
		"fault and then good": {twice + two, framed{messages: []string{twice + "|OPTIONS", two + "|MESSAGE"}, faults: []string{"More than one From header field", "none"}}},
		"no Content-Length":   {strings.Replace(one, "Content-Length: 4\r\n", "", 1), framed{faults: []string{"Missing Content-Length header field"}, over: true}},
		"bad Content-Length":  {strings.Replace(one, "Length: 4", "Length: -4", 1), framed{faults: []string{"Malformed Content-Length"}, over: true}},
		"header + body large": {strings.Replace(one, "Length: 4", "Length: 65535", 1), framed{faults: []string{"Message larger than 65535 bytes"}, over: true}},
		"bare LF":             {strings.Replace(one, "70\r\n", "70\n", 1), framed{faults: []string{"LF without CR"}, over: true}},
		"endless header":      {"OPTIONS sip:a SIP/2.0\r\n" + strings.Repeat("X: y\r\n", 20000), framed{faults: []string{"Message larger than 65535 bytes"}, over: true}},
		"HTTP":                {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", framed{faults: []string{"Malformed start line"}, over: true}},
		"TLS":                 {"\x16\x03\x01\x02\x00", framed{faults: []string{"Control character in the header section"}, over: true}},
	} {
		for way, sizes := range map[string]func(int) int{"whole": whole, "byte by byte": byBytes} {
			got := frame([]byte(tc.stream), sizes)
			if got.String() != tc.want.String() {
				t.Errorf("%s, %s:\n%.300s\nwant\n%.300s", name, way, got, tc.want)
			}
		}
	}
}

func TestAnIdleStreamHoldsNoLargeBuffer(t *testing.T) {
	big := strings.Replace(good, "Content-Length: 4\r\n\r\nbody", "l:60000\r\n\r\n"+strings.Repeat("b", 60000), 1)
	var f framer
	for stream := []byte(big); len(stream) > 0; {
		n := copy(f.space(), stream)
		stream = stream[n:]
		f.read(n)
	}
	if _, _, more := f.next(); more {
		t.Fatal("the message is not whole")
	}
	f.space()
	if cap(f.buf) > keptBuffer {
		t.Errorf("%d bytes are kept", cap(f.buf))
	}
}

func FuzzAnyChunkingGivesTheSameMessages(f *testing.F) {
	f.Add([]byte(good+"\r\n\r\n"+good), uint64(1))
	f.Add([]byte(strings.Replace(good, "CSeq", "X", 1)+good[:100]), uint64(2))
	for _, b := range torture(f) {
		f.Add(append(b, good...), uint64(len(b)))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		want := frame(stream, whole)
		r := rand.New(rand.NewPCG(seed, 0))
		for _, sizes := range []func(int) int{byBytes, func(left int) int { return 1 + r.IntN(left) }, func(int) int { return 1 + r.IntN(9) }} {
			if got := frame(stream, sizes); !slices.Equal(got.messages, want.messages) || got.over != want.over || got.pings != want.pings {
				t.Fatalf("%s\nwhole:\n%s", got, want)
			}
		}
	})
}
