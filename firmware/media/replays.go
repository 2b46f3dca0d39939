package media

// The highest indices that there are (RFC 3711 §3.3.1, §3.2.1).
const (
	lastIndex    = 1<<48 - 1
	lastCtlIndex = 1<<31 - 1
)

// replayWindow is how many packets may overtake one another (RFC 3711 §3.3.2: at least 64).
const replayWindow = 128

// replays refuses packets of one source that were there before (RFC 3711 §3.3.2), in this process or in the one before it.
type replays struct {
	from uint64                    // the lowest index that is taken: what an earlier process has accepted lies below
	next uint64                    // one above the highest index accepted
	seen [replayWindow / 64]uint64 // bit i: next-1-i was accepted
}

// fresh tells whether an index is new.
func (w *replays) fresh(index uint64) bool {
	if index >= w.next || index < w.from {
		return index >= w.from
	}
	behind := w.next - 1 - index
	return behind < replayWindow && w.seen[behind/64]>>(behind%64)&1 == 0
}

// accept notes an index that is fresh and whose packet was authenticated.
func (w *replays) accept(index uint64) {
	if index < w.next {
		behind := w.next - 1 - index
		w.seen[behind/64] |= 1 << (behind % 64)
		return
	}
	by := index + 1 - w.next
	if by < 64 {
		w.seen[1] = w.seen[1]<<by | w.seen[0]>>(64-by)
	} else {
		w.seen[1] = w.seen[0] << (by - 64) // a shift by 64 or more leaves none, as it should
	}
	w.seen[0] = w.seen[0]<<by | 1
	w.next = index + 1
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
