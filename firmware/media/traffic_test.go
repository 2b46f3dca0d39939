package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

// TestCallsComeAndGoUnderTraffic has many calls opened, changed, asked and closed at once while packets arrive, for the
// race detector and for what is left behind.
func TestCallsComeAndGoUnderTraffic(t *testing.T) {
	f := newFilter()
	r := newRelay(t, f, labConfig())
	warm(t, r)
	files := openFiles(t) - parkedFiles(r)
	var calls sync.WaitGroup
	for i := range 8 {
		calls.Go(func() {
			for k := range 10 {
				if err := comeAndGo(r, fmt.Sprint(i, "-", k)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	calls.Wait()
	r.shutLeft()
	if !f.shut() {
		t.Errorf("pinholes are left open: %v", f.open)
	}
	if got := openFiles(t) - parkedFiles(r); got != files {
		t.Errorf("%d files are open, %d before", got, files)
	}
	if r.workers[0].sessions.Load() != 0 {
		t.Errorf("the worker believes in %d sessions", r.workers[0].sessions.Load())
	}
}

func comeAndGo(r *Relay, name string) error {
	s, err := r.Open(name, policy.SideInside, policy.SideOutside)
	if err != nil {
		return err
	}
	phone, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.1.9:0")))
	if err != nil {
		return err
	}
	defer phone.Close()
	inside := Params{Remote: addrOf(phone)}
	outside := Params{Remote: netip.MustParseAddrPort("127.0.2.9:9"), Send: testKeys(aesCM, "s"+name), Receive: testKeys(aesCM, "r"+name)}
	box, _ := s.Leg(Caller).Local()
	var traffic sync.WaitGroup
	stop := make(chan struct{})
	traffic.Go(func() {
		for seq := uint16(0); ; seq++ {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
				phone.WriteToUDPAddrPort([]byte{0x80, 8, byte(seq >> 8), byte(seq), 0, 0, 0, 0, 0, 0, 0, 1, 'x'}, box)
			}
		}
	})
	traffic.Go(func() {
		for range 10 {
			err = errors.Join(err, s.Leg(Caller).Set(inside), s.Leg(Callee).Set(outside))
			outside.Hold = !outside.Hold
			s.Leg(Caller).Stats()
		}
		close(stop)
	})
	traffic.Wait()
	var closing sync.WaitGroup
	for range 3 {
		closing.Go(s.Close)
	}
	closing.Wait()
	return err
}
