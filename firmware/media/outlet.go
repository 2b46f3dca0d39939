package media

import (
	"tollgate/firmware/datagram"
)

// outlet sends relayed packets of one family together.
type outlet struct {
	raw   *datagram.Raw
	slips [64]slip // by place in line
	n     int
}

// slip says whose packet it is, for the counters.
type slip struct {
	counters *counters
	bytes    int
	control  bool
}

// ship puts a relayed packet in line where the flow has an outlet, and tells whether it did.
func (w *worker) ship(f *flow, packet []byte, control bool) bool {
	if f.inlet == nil || len(packet) > datagram.MostRaw {
		return false
	}
	o := w.express.outlet(f.local.Addr())
	if o.raw.Full() {
		o.flush()
	}
	o.slips[o.raw.Queue(f.local, &f.to, packet)] = slip{f.half.counters, len(packet), control}
	o.n++
	return true
}

// flush sends what is in line.
func (w *worker) flush() {
	if w.express == nil {
		return
	}
	for _, o := range w.express.outlets {
		if o != nil && o.n > 0 {
			o.flush()
		}
	}
}

func (o *outlet) flush() {
	failed := o.raw.Flush()
	for i, s := range o.slips[:o.n] {
		if failed>>i&1 != 0 {
			s.counters.withheld.Add(1)
		} else {
			s.counters.left(s.bytes, s.control)
		}
	}
	o.n = 0
}
