package netfilter

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const crashMark = "TOLLGATE_TEST_CRASH"

// crashes sets a filter with pinholes and a ban in a process of its own, and kills it. It tells whether this is that process.
func crashes(t *testing.T) bool {
	t.Helper()
	if os.Getenv(crashMark) == t.Name() {
		f := openFilter(t, "")
		mustSet(t, f, twoPortsV6())
		if err := f.OpenPinholes(hole(Outside, "198.51.100.2:20000", "203.0.113.5/32"), hole(Outside, "198.51.100.2:20002", "203.0.113.0/28"),
			hole(Outside, "[2001:db8:2::2]:20004", "2001:db8:c::5/128")); err != nil {
			t.Fatal(err)
		}
		if err := f.Ban(ban("203.0.113.99/32", time.Hour), ban("203.0.112.0/24", 0), ban("2001:db8:bad::1/128", time.Hour)); err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), crashMark+"="+t.Name())
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the process was not killed: %v\n%s", err, out)
	}
	return false
}

// afterCrash is a lab whose filter has adopted what a killed process left; nil where the test itself is not to go on.
func afterCrash(t *testing.T) *lab {
	t.Helper()
	if os.Getenv(crashMark) == t.Name() {
		crashes(t)
		return nil
	}
	if !inNamespace(t) {
		return nil
	}
	l := twoPortLabWithout(t)
	crashes(t)
	var err error
	if l.filter, err = Open(Options{Adopt: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.filter.Close() })
	if !l.filter.Found() {
		t.Error("the table of the process before was not found")
	}
	return l
}

func TestAProcessThatWasKilledLeavesCallsAndBansToTheNext(t *testing.T) {
	l := afterCrash(t)
	if l == nil {
		return
	}
	good := []*receiver{l.receiver("198.51.100.2:20000").deep(), l.receiver("198.51.100.2:20002").deep(), l.receiver("[2001:db8:2::2]:20004").deep()}
	var stop atomic.Bool
	sent := make(chan uint32)
	go func() {
		n := uint32(0)
		toEach := func(payload []byte) {
			for i, from := range []string{"203.0.113.5:4000", "203.0.113.6:4000", "[2001:db8:c::5]:4000"} {
				l.wan.send(udpPacket(from, good[i].conn.LocalAddr().String(), payload))
			}
		}
		defer func() { sent <- n }()
		defer toEach(theEnd)
		for ; !stop.Load(); n++ {
			toEach(binary.BigEndian.AppendUint32(nil, n))
			l.wan.send(udpPacket("203.0.113.99:5060", good[0].conn.LocalAddr().String(), []byte("banned")))
			time.Sleep(200 * time.Microsecond)
		}
	}()
	got := make(chan []byte)
	for _, r := range good {
		go func() { got <- r.all() }()
	}
	time.Sleep(50 * time.Millisecond)
	l.set(twoPortsV6())
	l.openHole(hole(Outside, "198.51.100.2:20000", "203.0.113.5/32"))
	l.openHole(hole(Outside, "[2001:db8:2::2]:20004", "2001:db8:c::5/128"))
	l.openHole(hole(Outside, "198.51.100.2:20002", "203.0.113.0/28"))
	if err := l.filter.Settle(); err != nil {
		t.Fatal(err)
	}
	if err := l.filter.Set(context.Background(), twoPortsV6()); err != nil {
		t.Fatal(err)
	}
	stop.Store(true)
	total := <-sent
	var want []byte
	for n := range total {
		want = binary.BigEndian.AppendUint32(want, n)
	}
	for range good {
		if all := <-got; !bytes.Equal(all, want) {
			t.Errorf("%d of %d packets arrived", len(all)/4, total)
		}
	}
	if list := l.filter.Bans(); len(list) != 3 {
		t.Errorf("bans: %v", list)
	}
	l.probe(t, []probe{
		{"network banned for ever", l.wan, udpPacket("203.0.112.9:1", "198.51.100.2:5060", hello), "banned", nil},
		{"IPv6", l.wan, udpPacket("[2001:db8:bad::2]:1", "[2001:db8:2::2]:5060", hello), "banned", nil},
	})
}

func TestPinholesThatNoCallTakesUpAreShut(t *testing.T) {
	l := afterCrash(t)
	if l == nil {
		return
	}
	if _, err := l.filter.Block(prefixes("203.0.111.0/24")); err != nil { // what a program does before it has rules
		t.Fatal(err)
	}
	if err := l.filter.Unban(prefixes("203.0.113.99/32")...); err != nil {
		t.Fatal(err)
	}
	l.set(twoPortsV6())
	l.probe(t, []probe{
		{"blocked since", l.wan, udpPacket("203.0.111.9:1", "198.51.100.2:5060", hello), "blocked", nil},
		{"lifted since", l.wan, udpPacket("203.0.113.99:1", "198.51.100.2:5060", hello), "outside_sip_refused", nil},
		{"banned before", l.wan, udpPacket("203.0.112.9:1", "198.51.100.2:5060", hello), "banned", nil},
	})
	media := l.receiver("198.51.100.2:20002")
	call := udpPacket("203.0.113.6:4000", "198.51.100.2:20002", []byte("rtp"))
	l.probe(t, []probe{{"until it is settled", l.wan, call, "outside_rtp", media}})
	l.openHole(hole(Outside, "198.51.100.2:20000", "203.0.113.5/32"))
	if err := l.filter.Settle(); err != nil {
		t.Fatal(err)
	}
	l.probe(t, []probe{
		{"no call took it up", l.wan, call, "outside_rtp_closed", nil},
		{"taken up", l.wan, udpPacket("203.0.113.5:4000", "198.51.100.2:20000", []byte("rtp")), "outside_rtp", l.receiver("198.51.100.2:20000")},
	})
	if err := l.filter.ShutPinholes(hole(Outside, "198.51.100.2:20000", "203.0.113.5/32")); err != nil {
		t.Fatal(err)
	}
	l.probe(t, []probe{{"hung up", l.wan, udpPacket("203.0.113.5:4000", "198.51.100.2:20000", []byte("rtp")), "outside_rtp_closed", nil}})
}
