package bench

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/scripts/lab"
)

// storm sends packets as they are on the wire to one of the box's ports, from the network that the port is in.
type storm struct {
	fd   int
	core int
	to   unix.SockaddrLinklayer
	sent atomic.Int64
}

// openStorm opens a raw socket on the link of a host, towards the box's port there.
func (w *world) openStorm(h *lab.Host, port string) (*storm, error) {
	s := &storm{fd: -1, core: w.options.Core}
	var box net.HardwareAddr
	err := lab.Inside(w.lab.Box.Namespace, func() error {
		i, err := net.InterfaceByName(port)
		if err == nil {
			box = i.HardwareAddr
		}
		return err
	})
	if err == nil {
		err = lab.Inside(h.Namespace, func() error { return s.open(h.Link) })
	}
	if err != nil {
		return nil, fmt.Errorf("open a raw socket on the link of %s: %w", h.Name, err)
	}
	copy(s.to.Addr[:], box)
	return s, nil
}

func (s *storm) open(link string) error {
	i, err := net.InterfaceByName(link)
	if err != nil {
		return err
	}
	s.to = unix.SockaddrLinklayer{Protocol: 0x0008, Ifindex: i.Index, Halen: 6}
	if s.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	return unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
}

func (s *storm) close() { unix.Close(s.fd) }

// send sends n packets, at a rate if there is one, on the generator's core, and tells what processor time that took. When
// it is behind it does not wait; how far it got is in sent.
func (s *storm) send(ctx context.Context, n, rate int, packets func() []byte) (time.Duration, error) {
	runtime.LockOSThread() // and never unlocked: the thread ends with its goroutine, and its affinity with it
	var set unix.CPUSet
	set.Set(s.core)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return 0, fmt.Errorf("move to the generator's core: %w", err)
	}
	// Before everything else on its core: nice does not reach beyond a session where the kernel groups by sessions.
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0)
	before, begun := threadTime(), time.Now()
	for sent := 0; sent < n && ctx.Err() == nil; {
		burst := min(n-sent, 250)
		if rate > 0 {
			burst = min(burst, max(1, rate/1000))
		}
		for range burst {
			if err := unix.Sendto(s.fd, packets(), 0, &s.to); err != nil && err != unix.ENOBUFS {
				return 0, fmt.Errorf("send the storm: %w", err)
			}
		}
		sent += burst
		s.sent.Add(int64(burst))
		if rate > 0 {
			pauseUntil(begun.Add(time.Duration(sent) * time.Second / time.Duration(rate)))
		}
	}
	return threadTime() - before, nil
}

// pauseUntil sleeps in the kernel: the runtime's own timers would have to be served by a thread on the box's core.
func pauseUntil(t time.Time) {
	if left := time.Until(t); left > 50*time.Microsecond {
		d := unix.NsecToTimespec(left.Nanoseconds())
		_ = unix.Nanosleep(&d, nil) // woken too soon it sends a little too soon
	}
}

// raged is how many packets a second were sent, and which share of its time the generator was at work: 1 when it could do
// no more, and less when it had time to spare or, where it is behind all the same, the core was taken by others.
type raged struct{ rate, work float64 }

func (r raged) String() string {
	return fmt.Sprintf("%.0f packets/s, the generator at work %.0f %% of the time", r.rate, 100*r.work)
}

// rage sends at a rate until the returned function is called.
func (s *storm) rage(ctx context.Context, rate int, packets func() []byte) (calm func() (raged, error)) {
	raging, stop := context.WithCancel(ctx)
	over := make(chan error, 1)
	var work time.Duration
	before, begun := s.sent.Load(), time.Now()
	go func() {
		var err error
		work, err = s.send(raging, 1<<40, rate, packets)
		over <- err
	}()
	return func() (raged, error) {
		sent, took := s.sent.Load()-before, time.Since(begun).Seconds()
		stop()
		err := <-over
		return raged{float64(sent) / took, work.Seconds() / took}, err
	}
}

func threadTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// prepared makes some packets beforehand and sends them in turn, so that their making is not measured.
func prepared(packet func() []byte) func() []byte {
	list := make([][]byte, 1024)
	for i := range list {
		list[i] = packet()
	}
	i := 0
	return func() []byte { i++; return list[i%len(list)] }
}

// inTurn sends one of each after the other.
func inTurn(list ...func() []byte) func() []byte {
	i := 0
	return func() []byte { i++; return list[i%len(list)]() }
}
