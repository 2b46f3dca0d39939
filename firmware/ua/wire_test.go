package ua

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// wire joins two Cores by an ordered link that carries real messages: each is written out and parsed again.
type wire struct {
	t    testing.TB
	self net.UDPAddr
	far  *wire
	core *Core       // who receives what is written here by far
	peer policy.Peer // who far is to core
	in   chan []byte
	end  chan struct{}

	mu   sync.Mutex
	sent []string
	lose func(string) bool // drops what it says yes to
	dead bool
}

func (w *wire) LocalAddr() net.Addr    { return &w.self }
func (w *wire) Ref(int) int            { return 1 }
func (w *wire) TryClose() (int, error) { return 1, nil }
func (w *wire) Close() error           { return nil }

func (w *wire) WriteMsg(m sip.Message) error {
	text := m.String()
	w.mu.Lock()
	w.sent = append(w.sent, text)
	lost, dead := w.lose != nil && w.lose(text), w.dead
	w.mu.Unlock()
	if dead {
		return errors.New("connection lost")
	}
	if !lost {
		select {
		case w.far.in <- []byte(text):
		case <-w.end:
		}
	}
	return nil
}

func (w *wire) run() {
	parser := sip.NewParser()
	for {
		select {
		case <-w.end:
			return
		case b := <-w.in:
			m, err := parser.ParseSIP(b)
			if err != nil {
				w.t.Errorf("message cannot be parsed: %v\n%s", err, b)
				continue
			}
			m.SetTransport("UDP")
			m.SetSource(w.far.self.String())
			w.core.Receive(m, w, w.peer)
		}
	}
}

// count tells how many messages that were sent begin with prefix.
func (w *wire) count(prefix string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, s := range w.sent {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

func (w *wire) last(prefix string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.sent) - 1; i >= 0; i-- {
		if strings.HasPrefix(w.sent[i], prefix) {
			return w.sent[i]
		}
	}
	return ""
}

var (
	us   = policy.Peer{Side: policy.SideInside, Name: "us"}
	them = policy.Peer{Side: policy.SideOutside, Name: "them"}
)

// pair makes two Cores joined by a wire; far handles requests by h.
func pair(t testing.TB, h Handler) (near, far *Core, nearEnd *wire) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	near = New(func(in *Incoming) { in.Refuse(Reply{Status: 405}) }, log)
	far = New(h, log)
	end := make(chan struct{})
	a := &wire{t: t, self: net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5060}, core: near, peer: them, in: make(chan []byte, 4096), end: end}
	b := &wire{t: t, self: net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 5060}, core: far, peer: us, in: make(chan []byte, 4096), end: end}
	a.far, b.far = b, a
	var running sync.WaitGroup
	running.Go(a.run)
	running.Go(b.run)
	t.Cleanup(func() { close(end); running.Wait() })
	return near, far, a
}

var local = Local{Host: "192.0.2.1", Port: 5060, Transport: "UDP"}

func invite() Draft {
	return Draft{
		Method: sip.INVITE, URI: "sip:+33123456789@192.0.2.2", From: "sip:a@192.0.2.1", To: "sip:+33123456789@192.0.2.2",
		FromTag: NewTag(), CallID: NewCallID(), Seq: 1, Contact: local.Contact("a"), Local: local,
		Body: []byte("v=0\r\n"), ContentType: "application/sdp",
	}
}

// settled lets what was set in motion come to rest on the fake clock of a synctest bubble.
func settled() { time.Sleep(time.Millisecond) }
