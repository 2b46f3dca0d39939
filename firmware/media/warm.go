package media

// With a thousand calls nothing that a packet needs is in the processor's cache any more when the next one of its call comes, and it
// waits for memory some twenty times. So a worker first reads a word of each line of memory that the packets of a turn will
// need: it fetches them all at once then, as it cannot while each packet is dealt with whole. What a packet needs lies together for that.

const cacheLine = 64

// warmReady looks at what the packet of each socket that is ready will need.
func (w *worker) warmReady() {
	seen := 0
	for _, e := range w.poll.ready() {
		if e.Fd > bellPlace && w.flows[e.Fd] != nil {
			seen += w.flows[e.Fd].look()
		}
	}
	w.seen = seen
}

// warm finds whose the packets are that have come to an inlet, and looks at what each will need.
func (w *worker) warm(in *inlet, n int) {
	x := w.express
	coming := x.coming[:n]
	for i := range coming {
		coming[i] = in.flows.at(x.in.Port(i))
	}
	seen := 0
	for _, f := range coming {
		if f != nil {
			seen += f.look()
		}
	}
	w.seen = seen
}

// look reads a word of each line of memory that a packet of the flow will need.
func (f *flow) look() int {
	h := f.half
	if h == nil || h.far == nil {
		return 0
	}
	to := h.far.rtp
	n := int(f.place) + int(f.learned.Port()) + int(to.local.Port())
	n += int(h.counters.packetsIn.Load()) + int(h.clock) + int(h.account.kind) + int(h.far.counters.packetsOut.Load())
	if o := f.open; o != nil {
		n += o.forRTP.look()
		if len(o.rtpFrom) > 0 {
			n += int(o.rtpFrom[0].next)
		}
	}
	if s := to.seal; s != nil {
		n += s.forRTP.look()
		if len(s.streams) > 0 {
			n += int(s.streams[0].index)
		}
	}
	return n
}

func (p *protection) look() int {
	n := p.tag + int(p.inner[0])
	for at := 0; at < len(p.memory); at += cacheLine {
		n += int(p.memory[at])
	}
	return n
}
