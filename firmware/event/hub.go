package event

import "sync"

// Hub is a Sink that passes each fact to every listener. The zero value is ready.
type Hub struct {
	mu        sync.Mutex // guards everything below
	listeners map[*Listener]struct{}
}

// Listener receives facts on C, oldest first, until Close.
type Listener struct {
	C <-chan Event

	hub  *Hub
	c    chan Event
	lost uint64 // guarded by hub.mu
}

// Tell passes e to every listener that has room and counts it as lost for the others.
func (h *Hub) Tell(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		select {
		case l.c <- e:
		default:
			l.lost++
		}
	}
}

// Listen registers a listener with room for size facts.
func (h *Hub) Listen(size int) *Listener {
	c := make(chan Event, size)
	l := &Listener{C: c, c: c, hub: h}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners == nil {
		h.listeners = map[*Listener]struct{}{}
	}
	h.listeners[l] = struct{}{}
	return l
}

// Lost returns how many facts did not fit since the last time it was asked.
func (l *Listener) Lost() uint64 {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	n := l.lost
	l.lost = 0
	return n
}

// Close ends the listening and closes C. A second Close does nothing.
func (l *Listener) Close() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	if _, ok := l.hub.listeners[l]; ok {
		delete(l.hub.listeners, l)
		close(l.c)
	}
}
