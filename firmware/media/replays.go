package media

import "github.com/pion/transport/v5/replaydetector"

// The highest indices that there are (RFC 3711 §3.3.1, §3.2.1).
const (
	lastIndex    = 1<<48 - 1
	lastCtlIndex = 1<<31 - 1
)

// replays refuses packets that were there before (RFC 3711 §3.3.2), in this process or in the one before it.
type replays struct {
	replaydetector.CheckAccepter
	from uint64 // the lowest index that is taken: what an earlier process has accepted lies below
	next uint64 // one above the highest index accepted
}

func newReplays(from, last uint64) *replays {
	sliding, _ := replaydetector.New(replayWindow, last).(replaydetector.CheckAccepter) // it is one, says its documentation
	return &replays{CheckAccepter: sliding, from: from, next: from}
}

// CheckSeq tells whether an index is new.
func (w *replays) CheckSeq(index uint64) replaydetector.Token {
	if index < w.from {
		return replaydetector.Rejected(index)
	}
	return w.CheckAccepter.CheckSeq(index)
}

// Accept notes an index whose packet was authenticated.
func (w *replays) Accept(t replaydetector.Token) bool {
	if t.Passed() {
		w.next = max(w.next, t.Seq()+1)
	}
	return w.CheckAccepter.Accept(t)
}

// Check is CheckSeq for who wants to accept by a function.
func (w *replays) Check(index uint64) (accept func() bool, ok bool) {
	t := w.CheckSeq(index)
	return func() bool { return w.Accept(t) }, t.Passed()
}

func (o *opener) rtpWindow() replaydetector.ReplayDetector { return o.replays(lastIndex) }
func (o *opener) ctlWindow() replaydetector.ReplayDetector { return o.replays(lastCtlIndex) }

func (o *opener) replays(last uint64) *replays {
	o.made = newReplays(o.from, last)
	return o.made
}

// rollOver guesses the roll-over counter of a packet from what came before it, up to the index next (RFC 3711 §3.3.1). A
// restart may take as long as half of the sequence numbers last: eleven minutes of ordinary audio.
func rollOver(next uint64, seq uint16) uint32 {
	if next == 0 {
		return 0
	}
	last := next - 1
	roc, s := uint32(last>>16), int(uint16(last))
	switch ahead := int(seq) - s; {
	case ahead < -1<<15:
		return roc + 1
	case ahead > 1<<15 && roc > 0:
		return roc - 1
	}
	return roc
}
