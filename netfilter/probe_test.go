package netfilter

import "testing"

type probe struct {
	name    string
	from    *sender
	packet  packet
	counter string
	arrives *receiver
}

func (l *lab) probe(t *testing.T, probes []probe) {
	t.Helper()
	for _, p := range probes {
		t.Run(p.name, func(t *testing.T) {
			l.t = t
			l.counted(map[string]uint64{p.counter: 1}, func() { p.from.send(p.packet) })
			if p.arrives != nil {
				p.arrives.gets(string(p.packet.payload[8:]))
			}
		})
	}
	l.t = t
	for _, p := range probes {
		if p.arrives != nil {
			p.arrives.isEmpty()
		}
	}
}

var hello = []byte("OPTIONS sip:box SIP/2.0\r\n\r\n")
