package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/firmware/admission"
	"tollgate/firmware/api"
	"tollgate/firmware/load"
	"tollgate/firmware/media"
)

// What the board was measured to carry is kept, so that only its first start takes longer.
const (
	boardKind   = "board"
	boardKey    = "measure"
	measureTime = 500 * time.Millisecond
	// The relay is asked how late it is, and its signs are judged, this often.
	probeEvery = 200 * time.Millisecond
	judgeEvery = time.Second
	// A board that carries calls is measured after so long without any, and while the program takes no more than this share of it.
	quietTime = time.Minute
	quietCPU  = 0.2
	// callPackets is how many packets a second a call with 20 ms in each makes, both ways.
	callPackets = 100
)

// loads watches how busy the box is and shuts the gate before running calls suffer.
type loads struct {
	measure load.Measure
	due     bool          // not measured yet
	quiet   time.Duration // for how long the box has had nothing to do, while that is so

	mu     sync.Mutex // guards everything below
	shown  api.Load
	judged time.Time // when that was; zero: not yet
}

// measureBoard finds out what the board carries, the first time it starts or when it has other processors than then. Where there is
// a policy already, calls wait for the box, and it is left to a quiet moment. A board that cannot be measured has no limit of
// calls; the other signs still count.
func (b *box) measureBoard(context.Context) error {
	b.loads = &loads{}
	m := &b.loads.measure
	value, found, err := b.store.Get(boardKind, boardKey)
	if err != nil {
		return fmt.Errorf("read what the board carries: %w", err)
	}
	if found && json.Unmarshal(value, m) == nil && m.Processors == runtime.NumCPU() {
		return nil
	}
	*m = load.Measure{Processors: runtime.NumCPU()}
	if _, configured, err := b.store.Confirmed(); err != nil || configured {
		b.loads.due = true
		return err
	}
	return b.measureNow()
}

// measureNow measures the board, and keeps what that has told.
func (b *box) measureNow() (err error) {
	m := &b.loads.measure
	m.At = time.Now()
	if m.Packet, m.Encryption, err = media.Measure(measureTime); err != nil {
		b.log.Warn("what the board carries is not known", "err", err)
		return nil
	}
	b.log.Info("the board was measured", "packet", m.Packet, "encryption", m.Encryption, "processors", m.Processors, "calls", m.Calls())
	value, err := json.Marshal(m)
	if err == nil {
		err = b.store.Put(boardKind, boardKey, value)
	}
	return err
}

// watchLoad judges the load each second until ctx ends.
func (b *box) watchLoad(ctx context.Context) {
	guard := load.Guard{Capacity: b.loads.measure.Calls()}
	probe, judge := time.NewTicker(probeEvery), time.NewTicker(judgeEvery)
	defer probe.Stop()
	defer judge.Stop()
	before := b.gauge()
	for {
		select {
		case <-ctx.Done():
			return
		case <-probe.C:
			b.relay.Probe()
		case <-judge.C:
			now := b.gauge()
			signs := now.since(before)
			before = now
			state := guard.Judge(signs)
			b.obey(state)
			b.loads.show(signs, state, now)
			if b.loads.isQuiet(signs, b.desk) {
				if err := b.measureNow(); err != nil {
					b.log.Warn("what the board carries is not kept", "err", err)
				}
				guard.Capacity, before = b.loads.measure.Calls(), b.gauge()
			}
		}
	}
}

// isQuiet tells, once, that the board is to be measured and has nothing else to do.
func (l *loads) isQuiet(s load.Signs, calls interface{ Idle() bool }) bool {
	if l.quiet += judgeEvery; !l.due || s.Calls > 0 || s.CPU > quietCPU || !calls.Idle() {
		l.quiet = 0
	}
	if l.quiet < quietTime {
		return false
	}
	l.due = false
	return true
}

// obey tells the gate what the guard has judged.
func (b *box) obey(s load.State) {
	b.loads.mu.Lock()
	was := b.loads.shown.Full
	b.loads.mu.Unlock()
	if s.Full {
		b.gate.SetOverload(&admission.Overload{Rule: s.Rule, Reason: s.Reason, RetryAfter: s.RetryAfter})
	} else {
		b.gate.SetOverload(nil)
	}
	switch {
	case s.Full && !was:
		b.log.Warn("no new calls for a while, but emergency calls", "rule", s.Rule, "reason", s.Reason)
	case !s.Full && was:
		b.log.Info("new calls are taken again")
	}
}

// gauge is what can be read at a moment.
type gauge struct {
	at                    time.Time
	cpu                   time.Duration
	pulse                 media.Pulse
	together              bool // the relay takes the packets of many calls at once
	free, total, resident uint64
}

func (b *box) gauge() gauge {
	g := gauge{at: time.Now(), pulse: b.relay.Pulse(), together: b.relay.Steered()}
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) == nil {
		g.cpu = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		g.free, g.total = readMemory(info)
	}
	g.resident = resident("self")
	if b.options.Appliance {
		g.resident += resident("1") // which is this program, too
	}
	return g
}

// resident is what a process has in memory, in bytes, what it shares with others included (proc_pid_statm(5)); 0 when the kernel does not
// say.
func resident(process string) uint64 {
	statm, err := os.ReadFile("/proc/" + process + "/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseUint(string(fields[1]), 10, 64)
	return pages * uint64(os.Getpagesize())
}

// readMemory reads what the kernel says of the memory, in bytes (proc_meminfo(5)); 0 what it does not say.
func readMemory(meminfo []byte) (free, total uint64) {
	lines := bufio.NewScanner(bytes.NewReader(meminfo))
	for lines.Scan() {
		fields := bytes.Fields(lines.Bytes())
		if len(fields) < 2 {
			continue
		}
		n, _ := strconv.ParseUint(string(fields[1]), 10, 54)
		switch string(fields[0]) {
		case "MemTotal:":
			total = n << 10
		case "MemAvailable:":
			free = n << 10
		}
	}
	return free, total
}

// since are the signs between two moments.
func (g gauge) since(before gauge) load.Signs {
	long := max(g.at.Sub(before.at), time.Millisecond)
	packets := float64(g.pulse.Packets-before.pulse.Packets) / long.Seconds()
	return load.Signs{
		At: g.at, Late: g.pulse.Late, CPU: float64(g.cpu-before.cpu) / float64(long) / float64(runtime.NumCPU()),
		Free: g.free, Total: g.total, Packets: uint64(packets), Calls: int(packets / callPackets),
	}
}

// show keeps the last judgement for the page.
func (l *loads) show(s load.Signs, state load.State, g gauge) {
	m := l.measure
	shown := api.Load{
		CPU: rounded(100 * s.CPU), Late: milliseconds(s.Late), Resident: g.resident, Free: g.free, Packets: s.Packets,
		Together: g.together, Capacity: m.Calls(), PacketCost: microseconds(m.Packet), CryptoCost: microseconds(m.Encryption),
		Full: state.Full, Rule: state.Rule, Reason: state.Reason,
	}
	if m.Packet > 0 {
		shown.Measured = moment(m.At)
	}
	if state.Full {
		shown.Since = moment(state.Since)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown, l.judged = shown, g.at
}

func microseconds(d time.Duration) float64 { return rounded(float64(d) / float64(time.Microsecond)) }

// latest returns the last judgement.
func (l *loads) latest() api.Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shown
}
