package bench

import (
	"context"
	"fmt"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/peer"
	"tollgate/scripts/lab/traffic"
)

// engine is rtpengine in the box's place.
type engine struct {
	*peer.RTPEngine
	net   lab.Addresses
	calls int
}

// startRTPEngine runs rtpengine in user space where the box would be. One thread is its fastest on one core.
func (w *world) startRTPEngine(ctx context.Context) (relay, error) {
	n := w.lab.Net
	e, err := peer.StartRTPEngine(ctx, w.lab.Box, "--num-threads=1", "--tos=184",
		"--interface=inside/"+n.BoxInside.String(), "--interface=outside/"+n.BoxOutside.String())
	return &engine{RTPEngine: e, net: n}, err
}

func (e *engine) pid() int { return e.PID() }

func (e *engine) close() { e.Close() }

// add makes a call: the office's offer in the clear, the carrier's answer with a key.
func (e *engine) add() (c traffic.Call, err error) {
	e.calls++
	id := fmt.Sprintf("media-%d", e.calls)
	out, err := e.describe(id, map[string]any{"command": "offer", "sdp": describe(e.net.PBX, ""), "transport-protocol": "RTP/SAVP", "DTLS": "off",
		"direction": []string{"inside", "outside"}})
	if err != nil {
		return c, err
	}
	key := newKey()
	if c, err = secured(out, key); err != nil {
		return c, err
	}
	out, err = e.describe(id, map[string]any{"command": "answer", "to-tag": "far", "sdp": describe(e.net.Carrier, cryptoLine(out, key)), "transport-protocol": "RTP/AVP"})
	if err != nil {
		return c, err
	}
	c.Inside, _, err = audio(out)
	return c, err
}

// describe sends a command for a call and returns the description in its answer.
func (e *engine) describe(call string, command map[string]any) (string, error) {
	command["call-id"], command["from-tag"], command["ICE"] = call, "near", "remove"
	command["replace"] = []string{"origin", "session-connection"}
	return e.Describe(command)
}
