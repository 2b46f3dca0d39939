package edge

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/emiago/sipgo/sip"
)

const (
	// maxSent is the largest message sent: it fits a datagram over IPv4 and IPv6.
	maxSent = 65000
	// maxBacklog is how many bytes may wait for a peer that does not read.
	maxBacklog = 256 << 10
)

var errBacklog = errors.New("the peer does not read: too much is waiting for it")

// outbox is the queue of one stream. Messages are written straight into one buffer, which the writer takes as a whole.
type outbox struct {
	wake chan struct{} // has room for one

	mu     sync.Mutex // guards everything below
	text   text
	closed bool
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// put queues a message.
func (o *outbox) put(m sip.Message) error {
	return o.change(func(t *text) error { return t.message(m, true) })
}

// putRaw queues bytes.
func (o *outbox) putRaw(b []byte) error {
	return o.change(func(t *text) error { t.b = append(t.b, b...); return nil })
}

func (o *outbox) change(add func(*text) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return net.ErrClosed
	}
	if len(o.text.b) > maxBacklog {
		return errBacklog
	}
	if err := add(&o.text); err != nil {
		return err
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return nil
}

// take returns all that is queued and goes on with spare, which the caller does not need any more.
func (o *outbox) take(spare []byte) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.text.b
	o.text.b = spare[:0]
	return b
}

// close lets nothing more in. What is queued can still be taken.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// text is a growing buffer of messages on the wire.
type text struct{ b []byte }

// WriteString appends s; sipgo writes messages piece by piece.
func (t *text) WriteString(s string) (int, error) {
	t.b = append(t.b, s...)
	return len(s), nil
}

// write appends m as sipgo writes it, without making a string of its URI and one of its body first.
func (t *text) write(m sip.Message) {
	switch m := m.(type) {
	case *sip.Request:
		t.WriteString(string(m.Method))
		t.WriteString(" ")
		m.Recipient.StringWrite(t)
		t.WriteString(" ")
		t.WriteString(m.SipVersion)
		t.WriteString("\r\n")
		m.MessageData.StringWrite(t) // its header fields
	case *sip.Response:
		m.StartLineWrite(t)
		t.WriteString("\r\n")
		m.MessageData.StringWrite(t)
	}
	t.WriteString("\r\n")
	t.b = append(t.b, m.Body()...)
}

// message appends m. A stream needs a Content-Length to find the next message (RFC 3261 §18.3).
func (t *text) message(m sip.Message, stream bool) error {
	start := len(t.b)
	t.write(m)
	if stream && m.ContentLength() == nil {
		if i := bytes.Index(t.b[start:], []byte("\r\n\r\n")); i >= 0 {
			t.b = slices.Insert(t.b, start+i, []byte("\r\nContent-Length: "+strconv.Itoa(len(m.Body())))...)
		}
	}
	if n := len(t.b) - start; n > maxSent {
		t.b = t.b[:start]
		return fmt.Errorf("message of %d bytes, more than %d", n, maxSent)
	}
	return nil
}
