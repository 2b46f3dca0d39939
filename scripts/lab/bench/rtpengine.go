package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/traffic"
)

// engine is rtpengine with its ng protocol: bencoded dictionaries over UDP, each behind a word that the answer repeats.
type engine struct {
	process  *lab.Process
	net      lab.Addresses
	conn     net.Conn
	commands int
}

// ngPort is where rtpengine takes commands.
const ngPort = "127.0.0.1:2223"

// startRTPEngine runs rtpengine in user space where the box would be. One thread is its fastest on one core.
func (w *world) startRTPEngine(ctx context.Context) (relay, error) {
	n := w.lab.Net
	p, err := w.lab.Box.Start("rtpengine", "rtpengine", "--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--num-threads=1",
		"--interface=inside/"+n.BoxInside.String(), "--interface=outside/"+n.BoxOutside.String(), "--listen-ng="+ngPort,
		"--timeout=3600", "--port-min=20000", "--port-max=59999", "--tos=184", "--pidfile="+w.lab.Path("rtpengine.pid"))
	if err != nil {
		return nil, err
	}
	e := &engine{process: p, net: n}
	if e.conn, err = w.lab.Box.Dial(ctx, "udp", ngPort); err != nil {
		return nil, fmt.Errorf("reach rtpengine: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, branch.Patience)
	defer cancel()
	return e, p.Await(ctx, "answering", func() bool {
		answer, err := e.command(200*time.Millisecond, map[string]any{"command": "ping"})
		return err == nil && strings.Contains(answer, "pong")
	})
}

func (e *engine) pid() int { return e.process.PID() }

func (e *engine) close() { e.conn.Close() }

// add makes a call: the office's offer in the clear, the carrier's answer with a key.
func (e *engine) add() (c traffic.Call, err error) {
	id := fmt.Sprintf("media-%d", e.commands)
	common := map[string]any{"call-id": id, "from-tag": "near", "ICE": "remove", "replace": []string{"origin", "session-connection"}}
	offer := map[string]any{"command": "offer", "sdp": describe(e.net.PBX, ""), "transport-protocol": "RTP/SAVP", "DTLS": "off",
		"direction": []string{"inside", "outside"}}
	out, err := e.describe(common, offer)
	if err != nil {
		return c, err
	}
	key := newKey()
	if c, err = secured(out, key); err != nil {
		return c, err
	}
	answer := map[string]any{"command": "answer", "to-tag": "far", "sdp": describe(e.net.Carrier, cryptoLine(out, key)), "transport-protocol": "RTP/AVP"}
	if out, err = e.describe(common, answer); err != nil {
		return c, err
	}
	c.Inside, _, err = audio(out)
	return c, err
}

// describe sends a command and returns the description in its answer.
func (e *engine) describe(common, command map[string]any) (string, error) {
	for k, v := range common {
		command[k] = v
	}
	answer, err := e.command(answerPatience, command)
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
func (e *engine) command(patience time.Duration, command map[string]any) (string, error) {
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
