package media

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fewPorts are ports for two calls at once, so that the next ones have them again at once.
var fewPorts = PortRange{Low: 23400, High: 23403}

func TestCallsComeAndGoOnSocketsThatStayWatched(t *testing.T) {
	config := labConfig()
	config.Ports = fewPorts
	r := newRelay(t, nil, config)
	seats := func() (n int) {
		for _, w := range r.workers {
			w.do(func() { n += len(w.flows) - len(w.idle) })
		}
		return n
	}
	for round := range 4 { // on machines with several processors they change from one worker to another
		one, two := callOn(t, r, plainRTP, aesCM), callOn(t, r, plainRTP, plainRTP)
		one.converse(3)
		two.converse(3)
		two.Close()
		one.converse(1)
		one.Close()
		if n := seats(); n != 8 {
			t.Fatalf("round %d: %d sockets are watched, want the 8 that there are", round, n)
		}
	}
}

func TestWhatComesWhenNoCallHasThePortIsThrownAway(t *testing.T) {
	config := labConfig()
	config.Ports = fewPorts
	call := callOn(t, newRelay(t, nil, config), plainRTP, plainRTP)
	rtp, rtcp, worker := call.a.boxRTP(), call.a.boxRTCP(), call.Session.worker
	socket := call.Leg(Caller).half.rtcp.socket.Socket
	call.Close()
	for range 3 {
		write(t, call.a.rtp, rtp, call.a.next([]byte("nobody hears this")))
		write(t, call.a.rtcp, rtcp, []byte("nor this"))
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		waiting := true
		worker.do(func() {
			_, _, err := unix.Recvfrom(int(socket), make([]byte, 8), unix.MSG_PEEK)
			waiting = err != unix.EAGAIN
		})
		if !waiting {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("packets for nobody wait on the socket, and wake the relay for ever")
		}
	}
	next := callOn(t, call.relay, plainRTP, plainRTP)
	next.converse(2)
	if n := next.Leg(Caller).Stats().PacketsIn; n != 2 {
		t.Errorf("the next call has heard %d packets of 2", n)
	}
}

func TestASocketThatIsClosedHasNoSeat(t *testing.T) {
	config := labConfig()
	config.Ports = fewPorts
	call := callOn(t, newRelay(t, nil, config), plainRTP, plainRTP)
	worker := call.Session.worker
	call.Close()
	call.relay.mu.Lock()
	call.relay.retirePools()
	call.relay.mu.Unlock()
	worker.do(func() {
		if len(worker.flows) != len(worker.idle) {
			t.Errorf("%d places, %d of them free", len(worker.flows), len(worker.idle))
		}
		for place, s := range worker.vacant {
			if s != noSocket {
				t.Errorf("place %d still has socket %d", place, s)
			}
		}
	})
}
