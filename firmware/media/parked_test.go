package media

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/firmware/datagram"
)

// parkedPorts are a pool's ports at an address of this machine, and what counts how often it binds.
func parkedPorts(t *testing.T, low, high uint16) (p *ports, bind func(uint16) (pair, error), bound *int) {
	p, bound = newPorts(PortRange{Low: low, High: high}), new(int)
	t.Cleanup(p.retire)
	return p, func(even uint16) (pair, error) {
		*bound++
		return bindPair(netip.MustParseAddr("127.0.0.1"), even, false)
	}, bound
}

func TestTheSocketsOfACallServeAnotherOnceTheyHaveRested(t *testing.T) {
	p, bind, bound := parkedPorts(t, 23000, 23019)
	now := time.Now()
	first, sockets, err := p.take(now, bind)
	if err != nil {
		t.Fatal(err)
	}
	p.give(first, sockets, now)
	second, others, err := p.take(now.Add(rest-1), bind)
	if err != nil || second == first || *bound != 2 {
		t.Fatalf("took %d, %v, after %d; bound %d times", second, err, first, *bound)
	}
	again, same, err := p.take(now.Add(rest), bind)
	if err != nil || again != first || same != sockets || *bound != 2 {
		t.Fatalf("took %d, %v, after %d; bound %d times", again, err, first, *bound)
	}
	p.give(again, same, now)
	p.give(second, others, now)
}

func TestWhichOfTheRestedPortsComesNextCannotBeTold(t *testing.T) {
	p, bind, bound := parkedPorts(t, 23100, 23199)
	now := time.Now()
	var had []parked
	for range 40 {
		even, sockets, err := p.take(now, bind)
		if err != nil {
			t.Fatal(err)
		}
		had = append(had, parked{sockets, even, now})
	}
	for _, one := range had {
		p.give(one.even, one.pair, now)
	}
	inOrder := 0
	for _, one := range had {
		even, sockets, err := p.take(now.Add(rest), bind)
		if err != nil {
			t.Fatal(err)
		}
		if even == one.even {
			inOrder++
		}
		defer p.give(even, sockets, now)
	}
	if inOrder > 20 || *bound != 40 {
		t.Errorf("%d of 40 come in the order in which they were given back; bound %d times", inOrder, *bound)
	}
}

func TestWhatCameBetweenTwoCallsIsNotHeard(t *testing.T) {
	p, bind, _ := parkedPorts(t, 23200, 23201)
	now := time.Now()
	even, sockets, err := p.take(now, bind)
	if err != nil {
		t.Fatal(err)
	}
	p.give(even, sockets, now)
	stranger, err := bindPair(netip.MustParseAddr("127.0.0.1"), 23210, false)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.close()
	to := datagram.NameOf(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), even))
	for range 5 {
		stranger[0].Send([]byte("late"), &to)
	}
	if _, sockets, err = p.take(now, bind); err != nil { // in a hurry: there are no others
		t.Fatal(err)
	}
	var from datagram.Name
	if _, errno := sockets[0].Receive(make([]byte, 10), &from); errno != unix.EAGAIN {
		t.Errorf("the next call hears a packet from %v (%v)", from.AddrPort(), errno)
	}
	p.give(even, sockets, now)
}

func TestRetiredPortsAreClosed(t *testing.T) {
	p, bind, _ := parkedPorts(t, 23300, 23303)
	now := time.Now()
	one, ofOne, err := p.take(now, bind)
	two, ofTwo, err2 := p.take(now, bind)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	p.give(one, ofOne, now)
	p.retire()
	p.give(two, ofTwo, now)
	for _, even := range []uint16{one, two} {
		again, err := bindPair(netip.MustParseAddr("127.0.0.1"), even, false)
		if err != nil {
			t.Fatalf("port %d is still open: %v", even, err)
		}
		again.close()
	}
}
