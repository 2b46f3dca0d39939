package lab_test

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"tollgate/scripts/lab"
)

func open(t *testing.T, layout lab.Layout) *lab.Lab {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	l, err := lab.Open(layout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if left := l.Left(); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	return l
}

// echo answers every datagram with the address it came from.
func echo(t *testing.T, h *lab.Host, address string) {
	t.Helper()
	conn, err := h.ListenPacket(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			_, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo([]byte(from.String()), from)
		}
	}()
}

// ask sends a datagram and returns the address under which the other side saw it.
func ask(t *testing.T, dial func() (net.Conn, error)) string {
	t.Helper()
	conn, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := conn.Write([]byte("who am I")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	host, _, err := net.SplitHostPort(string(b[:n]))
	if err != nil {
		t.Fatal(err)
	}
	return host
}

func from(h *lab.Host, to string) func() (net.Conn, error) {
	return func() (net.Conn, error) { return h.Dial(context.Background(), "udp", to) }
}

func TestWithTwoPortsEachSideReachesTheBoxAndTheHostReachesTheOffice(t *testing.T) {
	l := open(t, lab.TwoPorts)
	echo(t, l.Box, ":7000")
	inside, outside := l.Net.BoxInside.String()+":7000", l.Net.BoxOutside.String()+":7000"
	for _, h := range append(l.Phones, l.PBX) {
		if got := ask(t, from(h, inside)); got != h.Address.String() {
			t.Errorf("the box sees %s as %s, want %s", h.Name, got, h.Address)
		}
	}
	for _, h := range append(l.Subscribers, l.Carrier) {
		if got := ask(t, from(h, outside)); got != h.Address.String() {
			t.Errorf("the box sees %s as %s, want %s", h.Name, got, h.Address)
		}
	}
	host := func() (net.Conn, error) { return net.Dial("udp", inside) }
	if got := ask(t, host); got != l.Net.Host.String() {
		t.Errorf("the box sees the host as %s, want %s", got, l.Net.Host)
	}
}

func TestWithOnePortTheCarrierSeesTheGatewayAndReachesTheBoxThroughIt(t *testing.T) {
	l := open(t, lab.OnePort)
	echo(t, l.Carrier, ":7000")
	if got := ask(t, from(l.Box, l.Net.Carrier.String()+":7000")); got != l.Net.CarrierGateway.String() {
		t.Errorf("the carrier sees the box as %s, want %s", got, l.Net.CarrierGateway)
	}
	echo(t, l.Box, ":20000")
	if got := ask(t, from(l.Carrier, l.Net.CarrierGateway.String()+":20000")); got != l.Net.Carrier.String() {
		t.Errorf("the box sees the carrier as %s, want %s", got, l.Net.Carrier)
	}
}

func TestTwoLabsRunSideBySide(t *testing.T) {
	a, b := open(t, lab.TwoPorts), open(t, lab.TwoPorts)
	if a.Name() == b.Name() || a.Net.Office.Overlaps(b.Net.Office) {
		t.Fatalf("%s on %v and %s on %v are not apart", a.Name(), a.Net.Office, b.Name(), b.Net.Office)
	}
	echo(t, a.Box, ":7000")
	echo(t, b.Box, ":7000")
	for _, l := range []*lab.Lab{a, b} {
		if got := ask(t, from(l.PBX, l.Net.BoxInside.String()+":7000")); got != l.Net.PBX.String() {
			t.Errorf("%s: the box sees the PBX as %s, want %s", l.Name(), got, l.Net.PBX)
		}
	}
}

func TestClosingEndsWhatStillRuns(t *testing.T) {
	l := open(t, lab.TwoPorts)
	p, err := l.Phones[0].Start("sleeper", "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	default:
		t.Error("a process that ignores SIGTERM outlived its lab")
	}
}
