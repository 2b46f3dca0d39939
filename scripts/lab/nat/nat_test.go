// Package nat proves that the box works behind a router of its provider's: real calls through a router that forgets UDP
// flows after 30 s, gives each flow a port of its own, gets another address in the middle of a call, or has a line of
// 1,492 bytes.
package nat

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/capture"
	"tollgate/scripts/lab/peer"
	"tollgate/scripts/lab/tone"
)

// program is the program under test: TOLLGATE_BINARY, or built once for this run.
var program string

func TestMain(m *testing.M) {
	os.Exit(branch.WithProgram(m.Run, func(name string) { program = name }))
}

// build makes a branch behind a router and sees to it that nothing is left of it.
func build(t *testing.T, w branch.Wishes, prepare func(*lab.Router) error) *branch.Branch {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	w.Binary, w.Layout = program, lab.BehindRouter
	b := branch.New(w)
	t.Cleanup(func() {
		if t.Failed() {
			showLogs(t, b)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if b.Lab != nil && len(b.Lab.Left()) > 0 {
			t.Errorf("left behind: %v", b.Lab.Left())
		}
	})
	for i, s := range b.Steps() {
		if err := s.Run(t.Context()); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		if i == 0 && prepare != nil {
			if err := prepare(b.Lab.Router); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b
}

func showLogs(t *testing.T, b *branch.Branch) {
	if b.Box != nil && b.Box.Process != nil {
		t.Logf("the box said:\n%s", b.Box.Process.Tail(80))
		if s, err := b.Box.Status(context.Background()); err == nil {
			t.Logf("the box's status: %s", s)
		}
	}
	if b.Lab != nil && b.Lab.Router != nil {
		flows, err := b.Lab.Router.Flows()
		t.Logf("the router's flows (%v):\n%v", err, flows)
	}
	if keep := os.Getenv("TOLLGATE_KEEP"); keep != "" && b.Folder() != "" {
		out, err := exec.Command("cp", "-r", b.Folder(), filepath.Join(keep, t.Name())).CombinedOutput()
		t.Logf("logs kept below %s (%v %s)", keep, err, out)
	}
}

// talk places a call and checks that each side heard the other.
func talk(t *testing.T, b *branch.Branch, c branch.Conversation) {
	t.Helper()
	c.Seconds = 1.5
	if err := b.Talk(t.Context(), c); err != nil {
		t.Errorf("%s calls %s: %v", c.From.Name, c.To.Name, err)
		return
	}
	for who, other := range map[*peer.Phone]*peer.Phone{c.From: c.To, c.To: c.From} {
		j, err := b.Heard(who, other)
		if err != nil {
			t.Error(err)
		} else if !j.Heard() {
			t.Errorf("%s did not hear %s: %s", who.Name, other.Name, j)
		}
	}
}

// seenAt is where the carrier sees the box, as the box shows it.
func seenAt(t *testing.T, b *branch.Branch) netip.AddrPort {
	t.Helper()
	s, err := b.Box.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a, err := netip.ParseAddrPort(s.Trunks[0].SeenAt)
	if err != nil {
		t.Fatalf("the box does not show where it is seen: %v", err)
	}
	return a
}

// sipFlow is the router's flow of the trunk.
func sipFlow(t *testing.T, b *branch.Branch) (lab.Flow, bool) {
	t.Helper()
	flows, err := b.Lab.Router.Flows()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flows {
		if f.Source.Port() == 5060 && f.Destination == netip.AddrPortFrom(b.Lab.Carrier.Address, peer.PlainPort) {
			return f, true
		}
	}
	return lab.Flow{}, false
}

// fromBox are the messages that the carrier got from the box.
func fromBox(t *testing.T, b *branch.Branch, start string) (list []capture.Message) {
	t.Helper()
	all, err := b.Carrier.Messages()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Received && strings.HasPrefix(m.Text, start) && !b.Lab.Net.CarrierNet.Contains(m.Source.Addr()) {
			t.Errorf("%q comes from %v", m.FirstLine(), m.Source)
		}
		subscriber := m.Source.Addr() == b.Lab.Subscribers[0].Address || m.Source.Addr() == b.Lab.Subscribers[1].Address
		if m.Received && strings.HasPrefix(m.Text, start) && !subscriber {
			list = append(list, m)
		}
	}
	return list
}

// tells checks that what the box says of itself is where the carrier sees it: in the signalling, and for the audio.
func tells(t *testing.T, b *branch.Branch, at netip.AddrPort) {
	t.Helper()
	registers, invites := fromBox(t, b, "REGISTER"), fromBox(t, b, "INVITE")
	if len(registers) == 0 || len(invites) == 0 {
		t.Fatalf("%d REGISTER and %d INVITE of the box", len(registers), len(invites))
	}
	for _, m := range []capture.Message{registers[len(registers)-1], invites[len(invites)-1]} {
		if want := "@" + at.String(); !strings.Contains(m.Header("Contact"), want) {
			t.Errorf("Contact %q, want %s, in\n%s", m.Header("Contact"), want, m.Text)
		}
	}
	if want := "c=IN IP4 " + at.Addr().String(); !strings.Contains(invites[len(invites)-1].Text, want) {
		t.Errorf("nothing of %q in\n%s", want, invites[len(invites)-1].Text)
	}
	for _, m := range append(registers[1:], invites...) { // the first REGISTER asks where the box is
		if strings.Contains(m.Text, "192.168.7.") {
			t.Errorf("a private address reached the carrier:\n%s", m.Text)
		}
	}
}

// recovery bounds how long a call may be without audio after the router got another address.
const recovery = 8 * time.Second

// reconnect gives the router another address in the middle of a call, and checks that both hear one another again.
func reconnect(t *testing.T, b *branch.Branch, c branch.Conversation) {
	t.Helper()
	if err := errors.Join(c.From.DropRecordings(), c.To.DropRecordings()); err != nil {
		t.Fatal(err)
	}
	c.To.Forget()
	if err := c.From.Dial(t.Context(), c.Number); err != nil {
		t.Fatal(err)
	}
	if err := c.To.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	next := netip.MustParseAddr("198.51.100.3")
	if err := b.Lab.Router.Reconnect(next); err != nil {
		t.Fatal(err)
	}
	cut := time.Now()
	var stopped uint64
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	time.Sleep(time.Second) // what was under way has arrived
	err := b.Box.Await(ctx, "hearing the carrier again", func(s branch.Status) bool {
		if len(s.Calls) != 1 {
			return false
		}
		in := s.Calls[0].Outside().PacketsIn
		if stopped == 0 {
			stopped = in
		}
		return in > stopped+10
	})
	took := time.Since(cut)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("audio of the carrier again %v after the router's address changed", took.Round(100*time.Millisecond))
	if took > recovery {
		t.Errorf("audio was away for %v, want %v at most", took, recovery)
	}
	if got := seenAt(t, b).Addr(); got != next {
		t.Errorf("the box believes to be seen at %v, want %v", got, next)
	}
	time.Sleep(2 * time.Second)
	if err := c.From.HangUp(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.To.Ended(t.Context()); err != nil {
		t.Error(err)
	}
	hearsToTheEnd(t, c.From, c.To)
	hearsToTheEnd(t, c.To, c.From)
}

// hearsToTheEnd checks that a phone heard the other one in the last second of a call, and so long that it must have been
// after the cut.
func hearsToTheEnd(t *testing.T, who, other *peer.Phone) {
	t.Helper()
	samples, err := who.Heard()
	if err != nil {
		t.Error(err)
		return
	}
	last := samples[max(0, len(samples)-tone.Rate):]
	if s := tone.Strength(last, other.Tone); s < 4000 || len(samples) < 3*tone.Rate {
		t.Errorf("%s heard %.1f s, at the end %s at %.0f", who.Name, float64(len(samples))/tone.Rate, other.Name, s)
	}
}

// sendsFirst checks that what the box sends first on each way of the audio is a packet of its own, for the router's sake:
// it waits neither for the office nor for the carrier.
func sendsFirst(t *testing.T, b *branch.Branch) {
	t.Helper()
	_, file := b.Captures()
	packets, err := capture.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	first := map[netip.AddrPort][]byte{} // by the gateway's port
	for _, p := range packets {
		to := p.Destination
		if p.Protocol == capture.UDP && p.Source.Addr() == b.Lab.Router.Outside && to.Addr() == b.Lab.Carrier.Address &&
			to.Port() >= 40000 && to.Port()%2 == 0 && first[to] == nil {
			first[to] = p.Payload
		}
	}
	if len(first) != 2 {
		t.Errorf("%d ways of audio were seen, two calls have two", len(first))
	}
	for to, packet := range first {
		if len(packet) != 12 || packet[1]&0x7f != 20 {
			t.Errorf("to %v the box first sends %d bytes of payload type %d", to, len(packet), packet[1]&0x7f)
		}
	}
}

func TestBehindASymmetricRouterThatForgetsUDPAfter30Seconds(t *testing.T) {
	t.Parallel()
	b := build(t, branch.Wishes{Translation: lab.Symmetric, TrunkPlain: "udp", NewConnection: true, Latches: true}, nil)
	begun := time.Now()
	flow, ok := sipFlow(t, b)
	if !ok {
		t.Fatal("the router knows no flow of the trunk")
	}
	if flow.Outside.Port() == 5060 {
		t.Errorf("the router is not symmetric: the flow keeps its port, %v", flow)
	}
	if at := seenAt(t, b); at != flow.Outside {
		t.Errorf("the box says it is seen at %v, the router sends from %v", at, flow.Outside)
	}
	idle := forgotten(t, b)
	talk(t, b, b.Outgoing())
	tells(t, b, flow.Outside)
	rest := time.Now()
	t.Logf("registered and called within %v", rest.Sub(begun).Round(time.Second))
	time.Sleep(lab.UDPTimeout + 4*time.Second) // nobody calls
	if idle() {
		t.Error("the router does not forget flows: the proof proves nothing")
	}
	if now, ok := sipFlow(t, b); !ok || now.Outside != flow.Outside {
		t.Errorf("after %v of rest the router has %v for the trunk, before %v", lab.UDPTimeout, now, flow)
	}
	talk(t, b, b.Incoming()) // the carrier calls the Contact that it was told
	sendsFirst(t, b)
	reconnect(t, b, b.Outgoing())
	tells(t, b, seenAt(t, b))
	talk(t, b, b.Incoming())
}

// forgotten opens a flow that nobody keeps open; the result tells whether the router still has it.
func forgotten(t *testing.T, b *branch.Branch) (there func() bool) {
	t.Helper()
	const port = 39999
	conn, err := b.Lab.Box.ListenPacket(fmt.Sprintf("%s:%d", b.Lab.BoxOutsidePrefix().Addr(), port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	to := netip.AddrPortFrom(b.Lab.Carrier.Address, 9)
	if _, err := conn.WriteTo([]byte("x"), udpAddr(to)); err != nil {
		t.Fatal(err)
	}
	there = func() bool {
		flows, err := b.Lab.Router.Flows()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range flows {
			if f.Source.Port() == port {
				return true
			}
		}
		return false
	}
	if !there() {
		t.Fatal("the router does not know a flow that was just opened")
	}
	return there
}

func TestBehindAFullConeRouterOverTLS(t *testing.T) {
	t.Parallel()
	b := build(t, branch.Wishes{Translation: lab.FullCone}, nil)
	talk(t, b, b.Outgoing())
	at := seenAt(t, b)
	tells(t, b, netip.AddrPortFrom(at.Addr(), 5061))
	talk(t, b, b.Incoming())
	reconnect(t, b, b.Outgoing())
	talk(t, b, b.Incoming())
	tells(t, b, netip.MustParseAddrPort("198.51.100.3:5061"))
}

func udpAddr(a netip.AddrPort) net.Addr { return net.UDPAddrFromAddrPort(a) }

func TestARouterThatChangesSIPIsToldAbout(t *testing.T) {
	t.Parallel()
	b := build(t, branch.Wishes{Translation: lab.Symmetric, TrunkPlain: "udp", Latches: true}, (*lab.Router).ChangeSIP)
	s, err := b.Box.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := s.Trunks[0].Altered
	if !strings.Contains(told, "SIP ALG") || !strings.Contains(told, "transport: tls") {
		t.Errorf("the box says %q of a router with an ALG", told)
	}
	t.Log(told)
	talk(t, b, b.Outgoing())
	talk(t, b, b.Incoming())
}
