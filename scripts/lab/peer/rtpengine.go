package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tollgate/scripts/lab"
)

// RTPEngine is rtpengine in user space, with its ng protocol: bencoded dictionaries over UDP, each behind a word that the
// answer repeats.
type RTPEngine struct {
	process *lab.Process

	mu       sync.Mutex // guards everything below
	conn     net.Conn
	commands int
}

// ngPort is where rtpengine takes commands, on its host's own loopback.
const ngPort = "127.0.0.1:2223"

// ngPatience is how long it may take to answer.
const ngPatience = 2 * time.Second

// StartRTPEngine runs it on a host, with arguments that say at which interfaces and with how many threads, and waits until it
// answers.
func StartRTPEngine(ctx context.Context, h *lab.Host, arguments ...string) (*RTPEngine, error) {
	p, err := h.Start("rtpengine", "rtpengine", append([]string{
		"--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--listen-ng=" + ngPort, "--timeout=3600",
		"--port-min=20000", "--port-max=59999", "--pidfile=" + h.Path("rtpengine.pid"),
	}, arguments...)...)
	if err != nil {
		return nil, err
	}
	e := &RTPEngine{process: p}
	if e.conn, err = h.Dial(ctx, "udp", ngPort); err != nil {
		return nil, fmt.Errorf("reach rtpengine: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	return e, p.Await(ctx, "answering", func() bool {
		answer, err := e.command(200*time.Millisecond, map[string]any{"command": "ping"})
		return err == nil && strings.Contains(answer, "pong")
	})
}

// PID is the id of its process.
func (e *RTPEngine) PID() int { return e.process.PID() }

// Close ends the conversation with it; the lab ends the process.
func (e *RTPEngine) Close() { e.conn.Close() }

// Describe sends a command and returns the description in its answer.
func (e *RTPEngine) Describe(command map[string]any) (string, error) {
	answer, err := e.command(ngPatience, command)
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(answer, "3:sdp")
	length, text, ok := strings.Cut(rest, ":")
	n, err := strconv.Atoi(length)
	if err != nil || !ok || n > len(text) {
		return "", fmt.Errorf("rtpengine answers %q", answer)
	}
	return text[:n], nil
}

// command sends a command and returns the answer to it.
func (e *RTPEngine) command(patience time.Duration, command map[string]any) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.commands++
	cookie := strconv.Itoa(e.commands) + " "
	if _, err := e.conn.Write([]byte(cookie + bencode(command))); err != nil {
		return "", err
	}
	if err := e.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	for b := make([]byte, 65536); ; {
		n, err := e.conn.Read(b)
		if err != nil {
			return "", errors.Join(errors.New("rtpengine does not answer"), err)
		}
		if answer, ok := strings.CutPrefix(string(b[:n]), cookie); ok {
			return answer, nil
		}
	}
}

// bencode writes text, lists of text and dictionaries.
func bencode(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%d:%s", len(v), v)
	case []string:
		text := "l"
		for _, e := range v {
			text += bencode(e)
		}
		return text + "e"
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		text := "d"
		for _, k := range keys {
			text += bencode(k) + bencode(v[k])
		}
		return text + "e"
	}
	return ""
}
