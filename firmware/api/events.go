package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// The pace of the event stream.
const (
	streamPace  = time.Second
	heartbeat   = 15 * time.Second
	streamWrite = 10 * time.Second // a browser that takes longer to read one event is gone
	maxStreams  = 32
)

// snapshots asks the box once for all streams.
type snapshots struct {
	box Box

	mu      sync.Mutex // guards everything below
	taken   time.Time
	version uint64
	compare []byte // the latest overview without its clock
	data    []byte // the latest overview
}

// latest returns the overview as JSON, at most half a pace old, and a number that grows when it changes.
func (c *snapshots) latest() ([]byte, uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.data != nil && time.Since(c.taken) < streamPace/2 {
		return c.data, c.version, nil
	}
	o := complete(c.box.Overview())
	data, err := json.Marshal(o)
	if err != nil {
		return nil, 0, fmt.Errorf("writing the overview: %w", err)
	}
	o.At = time.Time{}
	compare, err := json.Marshal(o)
	if err != nil {
		return nil, 0, fmt.Errorf("writing the overview: %w", err)
	}
	c.taken, c.data = time.Now(), data // its clock is news even when nothing else is
	if !bytes.Equal(compare, c.compare) {
		c.compare = compare
		c.version++
	}
	return c.data, c.version, nil
}

func (s *Server) streamEvents(ctx context.Context, _ *noInput) (*huma.StreamResponse, error) {
	select {
	case s.streams <- struct{}{}:
	default:
		return nil, newProblem(Busy, fmt.Sprintf("%d pages are watching already.", maxStreams), "Close some of them.")
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer func() { <-s.streams }()
		_, w := humago.Unwrap(hc)
		v := visitorOf(hc.Context())
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		// The server's time-out for writing is for answers that end; push sets one for each event. The one for reading is
		// lifted by net/http when the request has been read.
		rc := http.NewResponseController(w)
		err := s.stream(hc.Context(), v, func(b []byte) error { return push(rc, w, b) })
		s.log.Debug("event stream ended", "who", v.name, "reason", err)
	}}, nil
}

// push writes b and sees that it leaves, within streamWrite.
func push(rc *http.ResponseController, w http.ResponseWriter, b []byte) error {
	if err := rc.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return fmt.Errorf("bounding the write: %w", err)
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	return rc.Flush()
}

// stream sends the overview now and whenever it changed, at most once every streamPace, until the reader goes, the
// server stops or the session ends. It returns why it ended.
func (s *Server) stream(ctx context.Context, v visitor, send func([]byte) error) error {
	tick := time.NewTicker(streamPace)
	defer tick.Stop()
	var seen uint64
	last := time.Now()
	for {
		data, version, err := s.snapshots.latest()
		if err != nil {
			return err
		}
		out := []byte(nil)
		switch {
		case version != seen:
			out = fmt.Appendf(nil, "event: overview\ndata: %s\n\n", data)
		case time.Since(last) >= heartbeat:
			out = []byte(": nothing new\n\n")
		}
		if out != nil {
			if err := send(out); err != nil {
				return err
			}
			seen, last = version, time.Now()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.closing:
			return errClosing
		}
		if !v.local && !s.sessions.alive(v.session.key) {
			return errSessionOver
		}
	}
}
