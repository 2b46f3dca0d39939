package dhcpserver

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// cable is a wire whose other end a test holds.
type cable struct {
	in, out chan letter
	cut     chan struct{}
}

func newCable() *cable {
	return &cable{make(chan letter), make(chan letter, 100), make(chan struct{})}
}

func (c *cable) read() (letter, error) {
	select {
	case l := <-c.in:
		return l, nil
	case <-c.cut:
		return letter{}, io.EOF
	}
}

func (c *cable) send(l letter) error        { c.out <- l; return nil }
func (c *cable) hardware() net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, 0, 0xb0} }
func (c *cable) close() error               { close(c.cut); return nil }

// said are the kinds of messages the box has sent since the last time.
func (c *cable) said() (list []dhcpv4.MessageType, last letter) {
	synctest.Wait()
	for len(c.out) > 0 {
		last = <-c.out
		list = append(list, last.message.MessageType())
	}
	return list, last
}

func message(t *testing.T, more ...dhcpv4.Modifier) letter {
	t.Helper()
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, 1})}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return letter{m, netip.MustParseAddrPort("0.0.0.0:68"), netip.MustParseAddrPort("255.255.255.255:67"), nil}
}

// rival is what another server answers to a question of the box.
func rival(t *testing.T, question letter) letter {
	l := message(t, dhcpv4.WithReply(question.message), dhcpv4.WithMessageType(dhcpv4.MessageTypeOffer), of("192.0.2.66"))
	l.to = netip.MustParseAddrPort("255.255.255.255:68")
	return l
}

// serving runs a server on a cable within a bubble of its own time.
func serving(t *testing.T, test func(s *Server, c *cable, kept func() [][]Lease)) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var kept [][]Lease
		keep := func(_ netip.Prefix, l []Lease) {
			mu.Lock()
			defer mu.Unlock()
			kept = append(kept, l)
		}
		s := &Server{Log: slog.New(slog.DiscardHandler), Keep: keep}
		s.config, s.table, s.state = config(), newTable(config(), nil), State{Interface: "lan0"}
		c := newCable()
		ctx, cancel := context.WithCancel(t.Context())
		go s.serve(ctx, c)
		test(s, c, func() [][]Lease {
			mu.Lock()
			defer mu.Unlock()
			return kept
		})
		cancel()
		synctest.Wait()
	})
}

// wait lets time pass, and everything happen that is due by then.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestTheBoxLendsOnceNobodyElseAnswers(t *testing.T) {
	serving(t, func(s *Server, c *cable, _ func() [][]Lease) {
		c.in <- message(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover))
		wait(asks*askWait - time.Millisecond)
		said, question := c.said()
		if len(said) != asks || said[0] != dhcpv4.MessageTypeDiscover || s.State().Lends {
			t.Fatalf("before it knows: %v, %+v", said, s.State())
		}
		mine := rival(t, question)
		mine.message.UpdateOption(dhcpv4.OptServerIdentifier(net.IPv4(192, 0, 2, 10)))
		c.in <- mine // is no other server
		wait(time.Second)
		if !s.State().Lends {
			t.Fatalf("nobody answers, and it lends nothing: %+v", s.State())
		}
		c.in <- message(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover))
		if said, l := c.said(); len(said) != 1 || word(l.message) != "OFFER 192.0.2.100" || l.to.String() != "192.0.2.100:68" || l.frame.String() != "02:00:00:00:00:01" {
			t.Errorf("%v: %s to %v", said, word(l.message), l.to)
		}
		c.in <- message(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover), dhcpv4.WithBroadcast(true))
		if _, l := c.said(); l.to.String() != "255.255.255.255:68" || l.frame.String() != "ff:ff:ff:ff:ff:ff" {
			t.Errorf("who wants it so hears it to everybody, not to %v", l.to)
		}
	})
}

func TestTheBoxIsSilentWhileAnotherServerAnswers(t *testing.T) {
	serving(t, func(s *Server, c *cable, _ func() [][]Lease) {
		wait(asks*askWait + time.Millisecond)
		c.said()
		wait(lookAgain)
		_, question := c.said()
		c.in <- rival(t, question)
		wait(asks * askWait)
		if got := s.State(); got.Lends || got.Other.String() != "192.0.2.66" {
			t.Fatalf("%+v", got)
		}
		c.said()
		c.in <- message(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover))
		if said, _ := c.said(); len(said) != 0 {
			t.Errorf("it answers: %v", said)
		}
		stale := rival(t, question)
		c.in <- stale // is no answer to what is asked now
		wait(lookSooner + asks*askWait)
		if got := s.State(); !got.Lends || got.Other.IsValid() {
			t.Errorf("the other one is gone: %+v", got)
		}
	})
}

func TestLeasesAreKeptSeldom(t *testing.T) {
	serving(t, func(s *Server, c *cable, kept func() [][]Lease) {
		wait(asks*askWait + time.Millisecond)
		request := func(ip string) {
			c.in <- message(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), using(ip))
			synctest.Wait()
		}
		request("192.0.2.100")
		wait(keepNews)
		if len(kept()) != 1 || len(kept()[0]) != 1 || kept()[0][0].Address.String() != "192.0.2.100" {
			t.Fatalf("a new lease: %v", kept())
		}
		for range 30 {
			request("192.0.2.100")
			wait(time.Minute)
		}
		if len(kept()) != 1 {
			t.Errorf("kept %d times within the hour", len(kept()))
		}
		wait(keepTerms)
		if len(kept()) != 2 || !kept()[1][0].Until.After(kept()[0][0].Until) {
			t.Errorf("kept %d times after it", len(kept()))
		}
	})
}
