package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// controlAddress is where every baresip takes commands: its own loopback, in its own namespace.
const controlAddress = "127.0.0.1:4444"

// control talks with baresip's ctrl_tcp module: JSON in netstrings, commands one way, answers and events the other.
type control struct {
	conn    net.Conn
	answers chan happening

	mu      sync.Mutex    // guards everything below
	events  []happening   // since the last forget
	changed chan struct{} // closed and renewed with every event
	ended   error
}

// happening is an answer or an event.
type happening struct {
	Response bool   `json:"response"`
	OK       bool   `json:"ok"`
	Data     string `json:"data"`
	Token    string `json:"token"`

	Type  string `json:"type"`
	Param string `json:"param"`
}

func newControl(conn net.Conn) *control {
	c := &control{conn: conn, answers: make(chan happening, 16), changed: make(chan struct{})}
	go c.read()
	return c
}

func (c *control) close() { c.conn.Close() }

func (c *control) read() {
	r := bufio.NewReader(c.conn)
	for {
		h, err := readNetstring(r)
		if err != nil {
			c.note(func() { c.ended = fmt.Errorf("the phone has ended: %w", err) })
			close(c.answers)
			return
		}
		if h.Response {
			c.answers <- h
			continue
		}
		c.note(func() { c.events = append(c.events, h) })
	}
}

func (c *control) note(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *control) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = nil
}

// wait returns the first event of one of the types since the last forget, or the next one.
func (c *control) wait(ctx context.Context, types ...string) (happening, error) {
	for {
		c.mu.Lock()
		events, changed, ended := c.events, c.changed, c.ended
		c.mu.Unlock()
		if i := slices.IndexFunc(events, func(h happening) bool { return slices.Contains(types, h.Type) }); i >= 0 {
			return events[i], nil
		}
		if ended != nil {
			return happening{}, ended
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return happening{}, fmt.Errorf("no %v: %w", types, context.Cause(ctx))
		}
	}
}

// answerTime is how long baresip may take to answer a command: it answers at once, on a machine that has time for it.
const answerTime = 10 * time.Second

// ask gives a command and returns its answer.
func (c *control) ask(command, params string) (string, error) {
	b, err := json.Marshal(map[string]string{"command": command, "params": params, "token": command})
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", command, err)
	}
	if _, err := fmt.Fprintf(c.conn, "%d:%s,", len(b), b); err != nil {
		return "", fmt.Errorf("ask %s: %w", command, err)
	}
	timeout := time.After(answerTime)
	for {
		select {
		case h, open := <-c.answers:
			switch {
			case !open:
				return "", fmt.Errorf("ask %s: the phone has ended", command)
			case h.Token != command:
				continue
			case !h.OK:
				return "", fmt.Errorf("ask %s: refused: %s", command, h.Data)
			}
			return h.Data, nil
		case <-timeout:
			return "", fmt.Errorf("ask %s: no answer within %v", command, answerTime)
		}
	}
}

// maxNetstring bounds what is read at once.
const maxNetstring = 1 << 20

func readNetstring(r *bufio.Reader) (happening, error) {
	digits, err := r.ReadString(':')
	if err != nil {
		return happening{}, err
	}
	length, err := strconv.Atoi(digits[:len(digits)-1])
	if err != nil || length < 0 || length > maxNetstring {
		return happening{}, fmt.Errorf("netstring of length %q", digits)
	}
	b := make([]byte, length+1)
	if _, err := io.ReadFull(r, b); err != nil {
		return happening{}, err
	}
	var h happening
	if err := json.Unmarshal(b[:length], &h); err != nil {
		return happening{}, fmt.Errorf("read %q: %w", b[:length], err)
	}
	return h, nil
}
