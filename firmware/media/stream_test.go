package media

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pion/srtp/v3"
	"pgregory.net/rapid"

	"tollgate/firmware/policy"
)

func TestAStreamNumbersItsPackets(t *testing.T) {
	const no = -1
	for name, c := range map[string]struct {
		first uint16
		in    []uint16
		out   []int
	}{
		"in order":              {100, []uint16{101, 102}, []int{101, 102}},
		"repeated":              {100, []uint16{100, 101, 101, 100}, []int{no, 101, no, no}},
		"overtaken":             {100, []uint16{103, 101, 102, 102}, []int{103, 101, 102, no}},
		"before the first":      {100, []uint16{99, 101, 99}, []int{no, 101, no}},
		"older than the window": {100, []uint16{300, 237, 236}, []int{300, 237, no}},
		"loss":                  {100, []uint16{3100, 6099}, []int{3100, 6099}},
		"a high first number":   {40000, []uint16{40001, 40000}, []int{40001 - 32768, no}},
		"across the wrap":       {65534, []uint16{65535, 0, 65535, 1}, []int{32767, 32768, no, 32769}},
		"late across the wrap":  {65530, []uint16{2, 65535, 65529}, []int{32770, 32767, no}},
		"starting over":         {1000, []uint16{1001, 500, 501, 502, 501}, []int{1001, no, 1002, 1003, no}},
		"one stray packet":      {1000, []uint16{1001, 500, 1002, 1003}, []int{1001, no, 1002, 1003}},
		"two strays apart":      {1000, []uint16{500, 700, 1001}, []int{no, no, 1001}},
		"old ones after over":   {1000, []uint16{1001, 500, 501, 500, 499}, []int{1001, no, 1002, no, no}},
		"a jump far ahead":      {100, []uint16{9100, 9101}, []int{no, 101}},
		"half way round":        {100, []uint16{32868, 32869}, []int{no, 101}},
	} {
		t.Run(name, func(t *testing.T) {
			var s stream
			s.begin(7, c.first)
			for i, seq := range c.in {
				out, ok := s.next(seq)
				if got := map[bool]int{true: int(out), false: no}[ok]; got != c.out[i] {
					t.Errorf("packet %d (%d) left as %d, want %d", i, seq, got, c.out[i])
				}
			}
		})
	}
}

// TestNoKeyStreamIsUsedTwiceAndAReceiverFollows drives a sealer with whatever a source may do and decrypts what leaves
// with pion/srtp: every packet must decrypt, and none may have the number of another.
func TestNoKeyStreamIsUsedTwiceAndAReceiverFollows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := testKeys(rapid.SampledFrom(policy.Suites()).Draw(rt, "suite"), "k")
		s, err := newSealer(*k)
		if err != nil {
			rt.Fatal(err)
		}
		receiver := pionContext(t, *k)
		used := map[uint64]bool{}
		seq := uint16(rapid.IntRange(0, 65535).Draw(rt, "first"))
		for range rapid.IntRange(50, 400).Draw(rt, "packets") {
			switch rapid.IntRange(0, 20).Draw(rt, "step") {
			case 0:
				seq -= uint16(rapid.IntRange(0, 70).Draw(rt, "back"))
			case 1:
				seq += uint16(rapid.IntRange(1, 3000).Draw(rt, "loss"))
			case 2:
				seq = uint16(rapid.IntRange(0, 65535).Draw(rt, "jump"))
			default:
				seq++
			}
			follow(rt, s, receiver, used, seq)
		}
	})
}

// follow seals one packet, if it may leave, and checks it as its receiver.
func follow(rt *rapid.T, s *sealer, receiver *srtp.Context, used map[uint64]bool, seq uint16) {
	packet := []byte{0x80, 8, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 'v', 'o', 'i', 'c', 'e', byte(seq >> 8), byte(seq)}
	binary.BigEndian.PutUint16(packet[2:], seq)
	payload := bytes.Clone(packet[12:])
	sealed, v := s.rtp(newTools(), make([]byte, 200), packet)
	if v == replayed {
		return
	}
	if v != passed {
		rt.Fatalf("verdict %d", v)
	}
	clear, err := receiver.DecryptRTP(nil, sealed, nil)
	if err != nil {
		rt.Fatalf("the receiver is lost at %d: %v", seq, err)
	}
	if !bytes.Equal(clear[12:], payload) {
		rt.Fatalf("decrypted to %x, want %x", clear[12:], payload)
	}
	index := s.streams[0].index
	if roc, _ := receiver.ROC(0x01020304); uint64(roc) != index>>16 {
		rt.Fatalf("pion counts %d roll-overs, we %d", roc, index>>16)
	}
	// The packet's own index: that of the highest packet, less the distance in sequence numbers.
	index -= uint64(uint16(index) - binary.BigEndian.Uint16(sealed[2:]))
	if used[index] {
		rt.Fatalf("index %d is used twice", index)
	}
	used[index] = true
}
