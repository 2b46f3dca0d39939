package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/wire"
)

// The bench of the whole box has calls set up over TLS while audio goes through it, RTP on the one side and SRTP on the
// other, on two cores: those of a small board, with the generator on one of them.

// The bars of the whole box.
const (
	wholeRate   = 25 // calls set up a second
	wholeDelay  = 5  // ms, 99 of 100 packets
	wholeMemory = 150
	wholeGrowth = 1.1 // garbage moves it by a few per cent
	// wholeRest is how long the box sets up nothing before what it keeps is weighed: garbage goes back to the system by then.
	wholeRest   = 20 * time.Second
	carrierName = "carrier.example"
	securedPort = 5061
)

// Whole are the parts of the bench of the whole box.
func Whole() []Part { return []Part{{"calls300", WholeBox}} }

// WholeBox measures calls at once through everything, and the memory after many more.
func WholeBox(ctx context.Context, o Options) ([]Bar, error) {
	calls, more := o.Together, o.More
	o.say("%d calls at once, TLS and SRTP on the carrier's side, %d calls/s, then %d more", calls, wholeRate, more)
	s, b, err := openWhole(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	begun := time.Now()
	if err := s.fill(calls); err != nil {
		return nil, err
	}
	o.say("  set up in %.1f s", time.Since(begun).Seconds())
	h, first, err := s.weigh(ctx, b, calls)
	if err != nil {
		return nil, err
	}
	o.say("  %v", h)
	if err := b.comeAndGo(more); err != nil {
		return nil, err
	}
	after, second, err := s.weigh(ctx, b, calls)
	if err != nil {
		return nil, err
	}
	o.say("  %v", after)
	o.say("  memory %v, after %d more calls %v", first, more, second)
	if !h.Trusted() || !after.Trusted() {
		return nil, errors.New("the generator itself came late; is the machine busy with something else?")
	}
	lost := h.Sent - h.Received + after.Sent - after.Received
	return []Bar{
		atMost(fmt.Sprintf("packets lost of %d on %d calls", h.Sent+after.Sent, calls), float64(lost), 0, "%.0f"),
		atMost("99 of 100 packets within", max(ms(h.P99), ms(after.P99)), wholeDelay, "%.2f ms"),
		atMost(fmt.Sprintf("memory with %d calls", calls), float64(max(first.busy, second.busy))/1e6, wholeMemory, "%.0f MB"),
		atMost(fmt.Sprintf("memory after %d more calls", more), float64(second.kept)/float64(first.kept), wholeGrowth, "%.2f x"),
	}, nil
}

// weight is the box's memory, in bytes.
type weight struct {
	busy int64 // when calls have just been set up, with their garbage
	kept int64 // when nothing was for a while
}

func (w weight) String() string {
	return fmt.Sprintf("%.1f MB, at rest %.1f MB", float64(w.busy)/1e6, float64(w.kept)/1e6)
}

// weigh has the box carry the audio of calls that were just set up, and weighs it before and after.
func (s *stage) weigh(ctx context.Context, b *talkingBox, calls int) (h hearing, w weight, err error) {
	if w.busy, err = memoryOf(b.pid()); err != nil {
		return h, w, err
	}
	if h, err = s.hear(ctx, calls); err != nil {
		return h, w, err
	}
	time.Sleep(wholeRest)
	w.kept, err = memoryOf(b.pid())
	return h, w, err
}

// openWhole starts the box on every core, between a PBX and a carrier that is reached over TLS.
func openWhole(ctx context.Context, o Options) (*stage, *talkingBox, error) {
	w, err := open(o)
	if err != nil {
		return nil, nil, err
	}
	s := &stage{world: w, shared: true}
	b, err := w.startWhole(ctx)
	if err == nil {
		s.relay = b
		s.generator, err = startGenerator(o.Core)
	}
	if err != nil {
		s.close()
		return nil, nil, err
	}
	return s, b, nil
}

func (w *world) startWhole(ctx context.Context) (*talkingBox, error) {
	w.encrypted = true
	n := w.lab.Net
	conf, err := w.carrierCertificate()
	if err != nil {
		return nil, err
	}
	at := netip.AddrPortFrom(n.Carrier, securedPort)
	listener, err := wire.Listen(w.lab.Carrier, "tls", at, conf)
	if err != nil {
		return nil, fmt.Errorf("the carrier: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, branch.Patience)
	defer cancel()
	b := &talkingBox{net: n, listener: listener, contact: fmt.Sprintf("<sip:line@%s;transport=tls>", at)}
	if b.process, err = everywhere(func() (*lab.Process, error) { return w.start(ctx, Box) }); err != nil {
		return nil, err
	}
	own, box := netip.AddrPortFrom(n.PBX, sipPort), netip.AddrPortFrom(n.BoxInside, sipPort)
	pbx, err := wire.Dial(ctx, w.lab.PBX, "udp", own, box)
	if err != nil {
		return nil, fmt.Errorf("the PBX: %w", err)
	}
	b.pbx = newEnd(pbx, pbxContact(n))
	return b, nil
}

// everywhere starts a process that may run on every core, although the bench itself may not, and before everything else there.
func everywhere(start func() (*lab.Process, error)) (*lab.Process, error) {
	runtime.LockOSThread() // a process may run where the thread may that starts it
	defer runtime.UnlockOSThread()
	var before, all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, fmt.Errorf("read the bench's own cores: %w", err)
	}
	for i := range 2 {
		all.Set(i)
	}
	if err := unix.SchedSetaffinity(0, &all); err != nil {
		return nil, fmt.Errorf("give the box two cores: %w", err)
	}
	if back, err := lab.Prefer(); err == nil { // or else on a busy machine others are in its delays
		defer back()
	}
	p, err := start()
	return p, errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// pace has something done at the rate of the bench.
func pace(n int, do func(i int) error) error {
	begun := time.Now()
	for i := range n {
		time.Sleep(time.Until(begun.Add(time.Duration(i) * time.Second / wholeRate)))
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

// fill sets calls up until there are so many.
func (s *stage) fill(calls int) error {
	return pace(calls-len(s.calls), func(int) error {
		c, err := s.relay.add()
		if err != nil {
			s.world.keep("whole")
			return fmt.Errorf("set up call %d: %w", len(s.calls)+1, err)
		}
		s.calls = append(s.calls, c)
		return nil
	})
}

// comeAndGo sets more calls up and ends each again.
func (b *talkingBox) comeAndGo(calls int) error {
	return pace(calls, func(i int) error {
		if _, err := b.add(); err != nil {
			return fmt.Errorf("further call %d: %w", i+1, err)
		}
		if err := b.hangUp(); err != nil {
			return fmt.Errorf("the end of further call %d: %w", i+1, err)
		}
		return nil
	})
}

// hangUp ends the call that was set up last: BYE of the PBX, which the carrier answers by itself.
func (b *talkingBox) hangUp() error {
	id := fmt.Sprintf("media-%d", b.calls)
	bye := strings.Replace(string(b.request("BYE", id, b.last, "")), "CSeq: 1 ", "CSeq: 2 ", 1)
	if err := b.pbx.line.Send([]byte(bye)); err != nil {
		return err
	}
	_, err := b.pbx.next(answerPatience, func(m wire.Message) bool {
		return m.Status() == 200 && m.Field("Call-ID") == id && strings.HasSuffix(m.Field("CSeq"), "BYE")
	})
	return err
}

// indent sets a text into a YAML block.
func indent(text string, by int) string {
	if text == "" {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, l := range slices.Clone(lines) {
		lines[i] = strings.Repeat(" ", by) + l
	}
	return strings.Join(lines, "\n")
}
