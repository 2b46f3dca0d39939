package media

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tollgate/firmware/datagram"
)

func TestTheKernelSteersThePortsThatItIsTold(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		t.Run(address, func(t *testing.T) {
			s := steers(t)
			own, at := anyPort(t, address)
			inlet, _ := anyPort(t, address)
			peer, _ := anyPort(t, address)
			to := datagram.NameOf(at)
			arrives := func(at, not datagram.Socket) {
				t.Helper()
				if errno := peer.Send([]byte("x"), &to); errno != 0 {
					t.Fatal(errno)
				}
				var b [10]byte
				var from datagram.Name
				if n, errno := at.Receive(b[:], &from); n != 1 || errno != 0 {
					t.Errorf("nothing arrives where it should: %v", errno)
				}
				if _, errno := not.Receive(b[:], &from); errno != unix.EAGAIN {
					t.Error("something arrives where it should not")
				}
			}
			arrives(own, inlet)
			for range 2 { // telling it twice changes nothing
				if err := s.put(at, inlet); err != nil {
					t.Fatal(err)
				}
			}
			arrives(inlet, own)
			if err := s.drop(at); err != nil {
				t.Fatal(err)
			}
			arrives(own, inlet)
			if err := s.put(at, inlet); err != nil {
				t.Fatal(err)
			}
			s.close()
			arrives(own, inlet)
			s.table, s.link = -1, -1 // for the end of the test
		})
	}
}

// TestEachAddressHasItsOwnPorts has the same port on more addresses than there is room for: each of the first has its own socket, and the
// last is left to be read by itself, until one of the others has no port any more.
func TestEachAddressHasItsOwnPorts(t *testing.T) {
	s := steers(t)
	inlet, _ := anyPort(t, "127.0.0.1")
	other, _ := anyPort(t, "127.0.0.1")
	peer, _ := anyPort(t, "127.0.0.1")
	_, at := anyPort(t, "127.0.1.1")
	port := at.Port() ^ 2
	var own [slots + 1]datagram.Socket
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 1, byte(1 + i)}) }
	for i := range own {
		var err error
		if own[i], err = bind(netip.AddrPortFrom(address(i), port)); err != nil {
			t.Fatal(err)
		}
		defer own[i].Close()
	}
	for i := range own {
		to := inlet
		if i%2 == 1 {
			to = other
		}
		if err := s.put(netip.AddrPortFrom(address(i), port), to); (err != nil) != (i == slots) {
			t.Fatalf("address %d: %v", i, err)
		}
	}
	arrives := func(i int, want datagram.Socket) {
		t.Helper()
		at := datagram.NameOf(netip.AddrPortFrom(address(i), port))
		if errno := peer.Send([]byte("x"), &at); errno != 0 {
			t.Fatal(errno)
		}
		var b [10]byte
		var from datagram.Name
		if n, errno := want.Receive(b[:], &from); n != 1 || errno != 0 {
			t.Errorf("nothing arrives for address %d: %v", i, errno)
		}
	}
	for i := range slots {
		arrives(i, []datagram.Socket{inlet, other}[i%2])
	}
	arrives(slots, own[slots])
	if err := s.put(netip.AddrPortFrom(address(0), port+1), inlet); err == nil {
		t.Error("an odd port is steered")
	}
	if err := s.drop(netip.AddrPortFrom(address(3), port)); err != nil {
		t.Fatal(err)
	}
	if err := s.put(netip.AddrPortFrom(address(slots), port), inlet); err != nil {
		t.Fatalf("there is room again, but: %v", err)
	}
	arrives(slots, inlet)
	arrives(3, own[3])
}

// TestACallGoesOnWhereItsPacketsAreSteered has what is steered, what is not, and what is too long for a raw socket pass.
func TestACallGoesOnWhereItsPacketsAreSteered(t *testing.T) {
	if *portable {
		t.Skip("nothing is steered")
	}
	steers(t)
	call := newCall(t, plainRTP, aesCM)
	f := call.Leg(Callee).half.rtp
	if f.inlet == nil || !call.relay.Steered() {
		t.Fatal("the ports are read by themselves")
	}
	call.converse(5)
	long := bytes.Repeat([]byte("long "), 270)
	call.a.talk(long)
	call.b.hears(long)
	call.Session.worker.do(func() { call.Session.worker.unsteer(f) })
	call.converse(5)
	call.Session.worker.do(func() { call.Session.worker.steer(f) })
	call.converse(5)
	if n := call.Leg(Callee).Stats().PacketsOut; n != 16 {
		t.Errorf("%d packets have left", n)
	}
}

const deprived = "TOLLGATE_TEST_DEPRIVED"

func TestWithoutTheRightToSteerPortsAreReadByThemselves(t *testing.T) {
	if os.Getenv(deprived) != "" {
		var log bytes.Buffer
		r, err := New(nil, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if r.Steered() || !strings.Contains(log.String(), "steered=false") || !strings.Contains(log.String(), "operation not permitted") {
			t.Errorf("steered %v, the log says %s", r.Steered(), log.String())
		}
		return
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, to have rights that can be given up")
	}
	for _, rights := range []string{"-bpf,-sys_admin", "-net_raw"} {
		c := exec.Command("setpriv", "--inh-caps", rights, "--bounding-set", rights, os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		c.Env = append(os.Environ(), deprived+"=yes")
		if out, err := c.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("PASS: "+t.Name())) {
			t.Errorf("without %s: %v\n%s", rights, err, out)
		}
	}
}
