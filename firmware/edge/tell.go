package edge

import (
	"net/netip"
	"sync"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/event"
)

// A flood must not flood the listeners: of one source and rule one fact is told at once, and then one a second that
// says how many there were.
const (
	tellEvery = time.Second
	// tellSources bounds the sources remembered. Those that come on top share one fact.
	tellSources = 1024
)

// refusal is why a message was refused or dropped.
type refusal struct {
	rule   string
	reason string
	method string
	status int // 0: no answer
}

// teller tells event.SourceRefused.
type teller struct {
	sink event.Sink

	mu     sync.Mutex // guards everything below
	held   map[tellKey]*heldBack
	timer  *time.Timer
	closed bool
}

type tellKey struct {
	network netip.Addr // an address, or a /64 of IPv6: what one host controls
	side    string
	rule    string
}

// heldBack is the last refusal of a source within the current second, and how many were not told.
type heldBack struct {
	source access.Source
	last   refusal
	count  int
}

func newTeller(sink event.Sink) *teller {
	return &teller{sink: sink, held: map[tellKey]*heldBack{}}
}

// refused tells that a message of s was refused. It allocates nothing when the fact is held back.
func (t *teller) refused(s access.Source, r refusal) {
	t.mu.Lock()
	key := keyOf(s, r.rule)
	if len(t.held) >= tellSources && t.held[key] == nil {
		key = tellKey{rule: "many sources"}
	}
	h := t.held[key]
	if h != nil {
		h.source, h.last = s, r
		h.count++
		t.mu.Unlock()
		return
	}
	t.held[key] = &heldBack{}
	if t.timer == nil && !t.closed {
		t.timer = time.AfterFunc(tellEvery, t.sweep)
	}
	t.mu.Unlock()
	t.tell(s, r, 1)
}

// sweep tells what was held back during the last second and forgets the sources that were quiet.
func (t *teller) sweep() {
	var due []heldBack
	t.mu.Lock()
	for key, h := range t.held {
		if h.count == 0 {
			delete(t.held, key)
			continue
		}
		due = append(due, *h)
		h.count = 0
	}
	t.timer = nil
	if len(t.held) > 0 && !t.closed {
		t.timer = time.AfterFunc(tellEvery, t.sweep)
	}
	t.mu.Unlock()
	for _, h := range due {
		t.tell(h.source, h.last, h.count)
	}
}

// close tells what is still held back and starts no timer any more.
func (t *teller) close() {
	t.mu.Lock()
	t.closed = true
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	t.sweep()
}

func (t *teller) tell(s access.Source, r refusal, count int) {
	t.sink.Tell(event.SourceRefused{
		At:        time.Now(),
		Side:      string(s.Side),
		Transport: string(s.Transport),
		Source:    s.Addr,
		Method:    r.method,
		Count:     count,
		Status:    r.status,
		Rule:      r.rule,
		Reason:    r.reason,
	})
}

func keyOf(s access.Source, rule string) tellKey {
	return tellKey{network: network(s.Addr.Addr()), side: string(s.Side), rule: rule}
}

// network is what one host controls: an IPv4 address, or the /64 around an IPv6 address.
func network(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}
