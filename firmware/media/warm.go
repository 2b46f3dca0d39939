package media

// With a thousand calls nothing that a packet needs is in the processor's cache any more when the next one of its call comes, and it
// waits for memory some twenty times. So a worker first reads a word of each line of memory that the packets of a turn will need, for
// all of them what is one pointer away, then what is two away, and so on: the processor fetches a dozen lines at once then, as it cannot
// while each packet is dealt with whole. What a packet needs lies together for that.

const cacheLine = 64

// warmReady looks at what the packet of each socket that is ready will need.
func (w *worker) warmReady() {
	w.soon = w.soon[:0]
	for _, e := range w.poll.ready() {
		if e.Fd > bellPlace && w.flows[e.Fd] != nil {
			w.soon = append(w.soon, w.flows[e.Fd])
		}
	}
	w.look()
}

// warm finds whose the packets are that have come to an inlet, and looks at what each will need.
func (w *worker) warm(in *inlet, n int) {
	x := w.express
	w.soon = w.soon[:0]
	for i := range x.coming[:n] {
		f := in.flows.at(x.in.Port(i))
		if x.coming[i] = f; f != nil {
			w.soon = append(w.soon, f)
		}
	}
	w.look()
}

func (w *worker) look() {
	seen := 0
	for _, at := range distances {
		for _, f := range w.soon {
			seen += at(f)
		}
	}
	w.seen = seen
}

// distances read what a packet of a flow will need, each where the one before led.
var distances = [...]func(*flow) int{
	func(f *flow) int {
		if f.half == nil {
			return 0
		}
		return int(f.socket.Socket) + int(f.learned.Port()) + int(f.place)
	},
	func(f *flow) (n int) {
		if h := f.half; h != nil {
			n = int(h.clock) + int(h.account.kind)
		}
		if f.open != nil {
			n += f.open.forRTP.near() + len(f.open.rtpFrom)
		}
		return n
	},
	func(f *flow) (n int) {
		if h := f.half; h != nil && h.far != nil {
			n = int(h.counters.packetsIn.Load()) + int(h.far.clock)
		}
		if f.open != nil {
			n += f.open.forRTP.keys()
		}
		return n
	},
	func(f *flow) int {
		if to := f.leaves(); to != nil {
			return int(to.local.Port()) + int(to.socket.exit) + int(to.half.counters.packetsOut.Load())
		}
		return 0
	},
	func(f *flow) int {
		if to := f.leaves(); to != nil && to.seal != nil {
			return to.seal.forRTP.near() + len(to.seal.streams)
		}
		return 0
	},
	func(f *flow) int {
		if to := f.leaves(); to != nil && to.seal != nil {
			return to.seal.forRTP.keys()
		}
		return 0
	},
}

// leaves is the flow by which the audio of another leaves; nil: none yet.
func (f *flow) leaves() *flow {
	if f.half == nil || f.half.far == nil {
		return nil
	}
	return f.half.far.rtp
}

func (p *protection) near() int { return int(p.inner[0]) + p.tag }

// keys reads all of the round keys.
func (p *protection) keys() (n int) {
	for at := 0; at < len(p.memory); at += cacheLine {
		n += int(p.memory[at])
	}
	return n
}
