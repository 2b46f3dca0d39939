package torture_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/site"
	"tollgate/scripts/lab/torture"
	"tollgate/scripts/lab/wire"
)

// binary is the program under test: TOLLGATE_BINARY, or built once for this run.
var binary string

var update = flag.Bool("update", false, "write the tables of expected results anew")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(branch.WithProgram(m.Run, func(name string) { binary = name }))
}

const rfc4475 = "../../../firmware/edge/testdata/torture"

var transports = []string{"udp", "tcp", "tls"}

func TestThereAreAsManyMessagesAsTheStandardsHave(t *testing.T) {
	old, err := torture.RFC4475(rfc4475)
	if err != nil || len(old) != 49 {
		t.Errorf("%d messages of RFC 4475 (%v)", len(old), err)
	}
	if six := torture.RFC5118(); len(six) != 12 {
		t.Errorf("%d messages of RFC 5118", len(six))
	}
	at := netip.MustParseAddrPort("192.0.2.1:5060")
	if own, err := torture.Malformed(at, at, "udp"); err != nil || len(own) < 60 {
		t.Errorf("%d of our own (%v)", len(own), err)
	}
}

func TestTheBoxTakesTheTortureMessagesOfRFC4475(t *testing.T) {
	run(t, site.Wishes{}, "rfc4475", func(*site.Site, string) ([]torture.Case, error) { return torture.RFC4475(rfc4475) })
}

func TestTheBoxTakesTheTortureMessagesOfRFC5118(t *testing.T) {
	run(t, site.Wishes{OfficeSix: true, CarrierSix: true}, "rfc5118", func(*site.Site, string) ([]torture.Case, error) { return torture.RFC5118(), nil })
}

func TestTheBoxTakesMalformedMessages(t *testing.T) {
	run(t, site.Wishes{}, "malformed", func(s *site.Site, transport string) ([]torture.Case, error) {
		return torture.Malformed(netip.AddrPortFrom(s.Carrier, site.Port("udp")), netip.AddrPortFrom(s.Outside, site.Port(transport)), transport)
	})
}

// run sends a set of messages over every transport, each to a box of its own: what comes twice would be a retransmission.
func run(t *testing.T, w site.Wishes, set string, cases func(s *site.Site, transport string) ([]torture.Case, error)) {
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	w.Binary = binary
	var mu sync.Mutex
	said, names := map[string]map[string]string{}, []string{}
	t.Run("over", func(t *testing.T) {
		for _, transport := range transports {
			t.Run(transport, func(t *testing.T) {
				t.Parallel()
				s := open(t, w)
				list, err := cases(s, transport)
				if err != nil {
					t.Fatal(err)
				}
				heard := ask(t, s, transport, list)
				mu.Lock()
				said[transport], names = heard, namesOf(list)
				mu.Unlock()
				if transport == "udp" {
					strangers(t, s, list)
				}
				stillCalls(t, s)
			})
		}
	})
	if !t.Failed() {
		compare(t, set, names, said)
	}
}

func open(t *testing.T, w site.Wishes) *site.Site {
	t.Helper()
	s, err := site.Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the box said:\n%s", s.Box.Process.Tail(40))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func namesOf(list []torture.Case) (names []string) {
	for _, c := range list {
		names = append(names, c.Name)
	}
	return names
}

func ask(t *testing.T, s *site.Site, transport string, list []torture.Case) map[string]string {
	if transport == "udp" {
		return askDatagrams(t, s, list)
	}
	return askStreams(t, s, transport, list)
}

// stillCalls places a call through the box, whatever it had to take before.
func stillCalls(t *testing.T, s *site.Site) {
	t.Helper()
	far, err := s.Answer()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if err := s.Call(t.Context(), far, "udp"); err != nil {
		t.Errorf("a call afterwards: %v", err)
	}
	if err := s.Box.AwaitRest(t.Context()); err != nil {
		t.Error(err)
	}
}

// compare holds what came back against the table.
func compare(t *testing.T, set string, names []string, said map[string]map[string]string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%-42s %-12s %-22s %s\n", "message", "udp", "tcp", "tls")
	for _, name := range names {
		fmt.Fprintf(&b, "%-42s %-12s %-22s %s\n", name, said["udp"][name], said["tcp"][name], said["tls"][name])
	}
	file := "testdata/" + set + ".expected"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(b.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			t.Errorf("want %q\n got %q", line, slices.Concat(got, make([]string, i+1))[i])
		}
	}
}

// answers collects what the box says to one message.
type answers struct {
	callID   string
	statuses []string
}

var callIDField = regexp.MustCompile(`(?mi)^(?:call-id|i)\s*:[ \t]*([^\r\n]*)`)

func about(c torture.Case) *answers {
	a := &answers{}
	if m := callIDField.FindSubmatch(c.Bytes); m != nil {
		a.callID = strings.TrimSpace(string(m[1]))
	}
	return a
}

// take notes a final response to the message; repetitions count once.
func (a *answers) take(m wire.Message) {
	id := m.Field("Call-ID")
	status := strconv.Itoa(m.Status())
	if m.Status() < 200 || id != "" && id != a.callID || strings.HasPrefix(id, "sentinel") || slices.Contains(a.statuses, status) {
		return
	}
	a.statuses = append(a.statuses, status)
}

func (a *answers) String() string {
	if len(a.statuses) == 0 {
		return "-"
	}
	return strings.Join(a.statuses, "+")
}

// sentinel is a request in order that follows each message: its answer tells that the box is through with the message.
func sentinel(self, box netip.AddrPort, transport string, n int) (id string, b []byte) {
	id = fmt.Sprintf("sentinel%d-%s", n, transport)
	return id, fmt.Appendf(nil, "OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\nFrom: <sip:s@%[3]s>;tag=s\r\n"+
		"To: <sip:%[1]s>\r\nCall-ID: %[4]s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", box, strings.ToUpper(transport), self, id)
}

// afterwards is how long an answer may come behind the sentinel's: calls are judged in goroutines of their own.
const afterwards = 200 * time.Millisecond

// sentBy is the port that a Via wants answers to datagrams at (RFC 3261 §18.2.2).
var sentBy = regexp.MustCompile(`(?mi)^(?:via|v)\s*:[^\r\n]*?\]?:\s*(\d{4,5})\b`)

// sockets are open on every port to which a message wants its answer.
func sockets(t *testing.T, h *lab.Host, self netip.Addr, list []torture.Case) (main net.PacketConn, in chan wire.Message, done func()) {
	t.Helper()
	ports := map[string]bool{"5060": true}
	for _, c := range list {
		for _, m := range sentBy.FindAllSubmatch(c.Bytes, -1) {
			if n, err := strconv.ParseUint(string(m[1]), 10, 16); err == nil && n >= 1024 {
				ports[string(m[1])] = true
			}
		}
	}
	in = make(chan wire.Message, 1000)
	var open []net.PacketConn
	var reading sync.WaitGroup
	for port := range ports {
		p, err := h.ListenPacket(net.JoinHostPort(self.String(), port))
		if err != nil {
			t.Fatal(err)
		}
		if open = append(open, p); port == "5060" {
			main = p
		}
		reading.Go(func() {
			b := make([]byte, 65536)
			for {
				n, _, err := p.ReadFrom(b)
				if err != nil {
					return
				}
				in <- wire.Message(b[:n])
			}
		})
	}
	return main, in, func() {
		for _, p := range open {
			p.Close()
		}
		reading.Wait()
	}
}

func askDatagrams(t *testing.T, s *site.Site, list []torture.Case) map[string]string {
	socket, in, done := sockets(t, s.Lab.Carrier, s.Carrier, list)
	defer done()
	self, box := netip.AddrPortFrom(s.Carrier, 5060), netip.AddrPortFrom(s.Outside, 5060)
	said := map[string]string{}
	for i, c := range list {
		a := about(c)
		id, last := sentinel(self, box, "udp", i)
		for _, b := range [][]byte{c.Bytes, last} {
			if _, err := socket.WriteTo(b, net.UDPAddrFromAddrPort(box)); err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
		}
		limit, through := time.After(5*time.Second), false
		for over := false; !over; {
			select {
			case m := <-in:
				a.take(m)
				if m.Field("Call-ID") == id {
					through, limit = true, time.After(afterwards)
				}
				over = through && len(a.statuses) > 0
			case <-limit:
				if over = true; !through {
					t.Fatalf("%s over UDP: the box says nothing any more", c.Name)
				}
			}
		}
		said[c.Name] = a.String()
	}
	return said
}

func askStreams(t *testing.T, s *site.Site, transport string, list []torture.Case) map[string]string {
	said := map[string]string{}
	box := netip.AddrPortFrom(s.Outside, site.Port(transport))
	for i, c := range list {
		line, err := wire.Dial(t.Context(), s.Lab.Carrier, transport, netip.AddrPortFrom(s.Carrier, 0), box)
		if err != nil {
			t.Fatalf("%s over %s: %v", c.Name, transport, err)
		}
		said[c.Name] = askStream(line, transport, box, i, c)
		line.Close()
	}
	return said
}

// askStream sends one message and tells what came back, and whether the box ended the connection or still waits for more.
func askStream(line *wire.Line, transport string, box netip.AddrPort, i int, c torture.Case) string {
	a := about(c)
	id, last := sentinel(line.Local, box, transport, i)
	if err := line.Send(slices.Concat(c.Bytes, last)); err != nil {
		return err.Error()
	}
	for through := false; ; {
		patience := 700 * time.Millisecond
		if through {
			patience = afterwards
		}
		m, err := line.Next(patience)
		switch {
		case errors.Is(err, io.EOF):
			return strings.TrimPrefix(a.String(), "-") + " closed"
		case err != nil && through:
			return a.String()
		case err != nil:
			return strings.TrimPrefix(a.String(), "-") + " waits for more"
		}
		a.take(m)
		if through = through || m.Field("Call-ID") == id; through && len(a.statuses) > 0 {
			return a.String()
		}
	}
}

// strangers send the same from addresses that no peer has: nothing comes back, and the filter has counted it.
func strangers(t *testing.T, s *site.Site, list []torture.Case) {
	for _, stranger := range []struct {
		side string
		add  func(string, netip.Addr) (*lab.Host, error)
		six  bool
		at   netip.Addr
		box  netip.Addr
	}{
		{"inside", s.Lab.AddOffice, s.Wishes.OfficeSix, s.Lab.Net.OfficeStranger, s.Inside},
		{"outside", s.Lab.AddCarrier, s.Wishes.CarrierSix, s.Lab.Net.Stranger, s.Outside},
	} {
		h, err := stranger.add("stranger-"+stranger.side[:3], stranger.at)
		if err != nil {
			t.Fatal(err)
		}
		if stranger.six {
			stranger.at = lab.Sixth(stranger.at)
			if err := h.AddSixth(stranger.at, h.Link); err != nil {
				t.Fatal(err)
			}
		}
		before := refused(t, s, stranger.side)
		socket, in, done := sockets(t, h, stranger.at, list)
		for _, c := range list {
			if _, err := socket.WriteTo(c.Bytes, net.UDPAddrFromAddrPort(netip.AddrPortFrom(stranger.box, 5060))); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
		select {
		case m := <-in:
			t.Errorf("a stranger %s is answered:\n%s", stranger.side, m)
		case <-time.After(time.Second):
		}
		done()
		if n := refused(t, s, stranger.side) - before; n < len(list) {
			t.Errorf("%d of %d datagrams of a stranger %s are counted", n, len(list), stranger.side)
		}
		for _, transport := range []string{"tcp", "tls"} {
			if line, err := connect(t, h, stranger.at, netip.AddrPortFrom(stranger.box, site.Port(transport))); err == nil {
				line.Close()
				t.Errorf("a stranger %s has a connection for %s", stranger.side, transport)
			}
		}
	}
}

func connect(t *testing.T, h *lab.Host, from netip.Addr, to netip.AddrPort) (*wire.Line, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	return wire.Dial(ctx, h, "tcp", netip.AddrPortFrom(from, 0), to)
}

// refused is how many SIP packets of strangers the filter has counted on a side.
func refused(t *testing.T, s *site.Site, side string) int {
	t.Helper()
	status, err := s.Box.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range status.Counters {
		if strings.HasPrefix(c.Name, side+"_sip_refused") || c.Name == "fragments_refused" {
			n += int(c.Packets)
		}
	}
	return n
}
