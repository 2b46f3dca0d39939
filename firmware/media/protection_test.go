package media

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/pion/srtp/v3"
	"pgregory.net/rapid"

	"tollgate/firmware/policy"
)

// drawPacket makes an RTP packet with whatever a header may have.
func drawPacket(rt *rapid.T, ssrc uint32, seq uint16) []byte {
	sources := rapid.IntRange(0, 15).Draw(rt, "contributing sources")
	b := []byte{0x80 | byte(sources), 8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	b = append(b, make([]byte, 4*sources)...)
	if words := rapid.IntRange(-1, 8).Draw(rt, "extension"); words >= 0 {
		b[0] |= 0x10
		b = append(b, 0x12, 0x34, 0, byte(words))
		b = append(b, make([]byte, 4*words)...)
	}
	return append(b, rapid.SliceOfN(rapid.Byte(), 0, 1300).Draw(rt, "payload")...)
}

// TestEverySuiteAgreesWithAnotherImplementation has pion/srtp open what we seal and seal what we open, RTP and RTCP, with and
// without a master key identifier, across a wrap of the sequence numbers.
func TestEverySuiteAgreesWithAnotherImplementation(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := testKeys(rapid.SampledFrom(policy.Suites()).Draw(rt, "suite"), "agreed")
		k.MKI = rapid.SampledFrom([][]byte{nil, {1}, {0, 0, 0, 7}}).Draw(rt, "MKI")
		sealer, errS := newSealer(*k)
		opener, errO := newOpener(*k)
		if errS != nil || errO != nil {
			rt.Fatal(errS, errO)
		}
		theirSealer, theirOpener := pionContext(t, *k), pionContext(t, *k)
		ssrc, seq, tools := rapid.Uint32().Draw(rt, "ssrc"), uint16(rapid.IntRange(0, 1<<15-1).Draw(rt, "first")), newTools()
		for range rapid.IntRange(1, 40).Draw(rt, "packets") {
			packet := drawPacket(rt, ssrc, seq)
			ours, v := sealer.rtp(tools, nil, bytes.Clone(packet))
			if got, err := theirOpener.DecryptRTP(nil, ours, nil); v != passed || err != nil || !bytes.Equal(got, packet) {
				rt.Fatalf("%v: RTP of ours opens to\n%x, %v, want\n%x", *k, got, err, packet)
			}
			theirs, err := theirSealer.EncryptRTP(nil, packet, nil)
			if err != nil || !bytes.Equal(theirs, ours) {
				rt.Fatalf("%v: RTP is sealed to\n%x, and theirs to\n%x, %v", *k, ours, theirs, err)
			}
			if got, v := opener.rtp(tools, nil, theirs); v != passed || !bytes.Equal(got, packet) {
				rt.Fatalf("%v: RTP of theirs opens to\n%x, %d, want\n%x", *k, got, v, packet)
			}
			if _, v := opener.rtp(tools, nil, theirs); v != replayed {
				rt.Fatalf("%v: the same again is %d", *k, v)
			}
			seq += uint16(rapid.IntRange(1, 2500).Draw(rt, "on"))

			reported := report(ssrc)
			ours, v = sealer.rtcp(tools, nil, reported)
			if got, err := theirOpener.DecryptRTCP(nil, ours, nil); v != passed || err != nil || !bytes.Equal(got, reported) {
				rt.Fatalf("%v: RTCP of ours opens to\n%x, %v", *k, got, err)
			}
			if theirs, err = theirSealer.EncryptRTCP(nil, reported, nil); err != nil || !bytes.Equal(theirs, ours) {
				rt.Fatalf("%v: RTCP is sealed to\n%x, and theirs to\n%x, %v", *k, ours, theirs, err)
			}
			if got, v := opener.rtcp(tools, nil, theirs); v != passed || !bytes.Equal(got, reported) {
				rt.Fatalf("%v: RTCP of theirs opens to\n%x, %d", *k, got, v)
			}
		}
	})
}

func TestEveryBitOfAPacketIsAuthenticated(t *testing.T) {
	tools := newTools()
	for _, suite := range policy.Suites() {
		k := testKeys(suite, "bits")
		k.MKI = []byte{1, 2}
		for _, control := range []bool{false, true} {
			s, err := newSealer(*k)
			if err != nil {
				t.Fatal(err)
			}
			seal, plain := s.rtp, append(unhex(t, "80081234 00000001 cafebabe"), "audio"...)
			if control {
				seal, plain = s.rtcp, report(1)
			}
			sealed, _ := seal(tools, nil, plain)
			for bit := range 8 * len(sealed) {
				o, err := newOpener(*k)
				if err != nil {
					t.Fatal(err)
				}
				altered := bytes.Clone(sealed)
				altered[bit/8] ^= 1 << (bit % 8)
				if got, v := o.unseal(tools, nil, altered, control); v == passed {
					t.Fatalf("%s: with bit %d altered it opens to %x", suite, bit, got)
				}
			}
		}
	}
}

// TestAReportInTheClearIsRefused: UNENCRYPTED_SRTCP is never agreed to (RFC 4568 §6.3.2), so a packet that says so is none of
// ours, whoever authenticates it.
func TestAReportInTheClearIsRefused(t *testing.T) {
	for _, suite := range policy.Suites() {
		k := testKeys(suite, "clear")
		length, _ := keyAndSalt(suite)
		theirs, err := srtp.CreateContext(k.Key[:length], k.Key[length:], pionProfiles[suite], srtp.SRTCPNoEncryption())
		if err != nil {
			t.Fatal(err)
		}
		o, err := newOpener(*k)
		if err != nil {
			t.Fatal(err)
		}
		clear, err := theirs.EncryptRTCP(nil, report(1), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, v := o.rtcp(newTools(), nil, clear); v != malformed {
			t.Errorf("%s: the verdict is %d", suite, v)
		}
	}
}

// TestAReplayWindowForgetsNothing compares it with a list of all that was accepted.
func TestAReplayWindowForgetsNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		from := uint64(rapid.SampledFrom([]int{0, 0, 5, 70_000}).Draw(rt, "from"))
		w, accepted := replays{from: from, next: from}, []uint64{}
		highest := from
		for range rapid.IntRange(1, 300).Draw(rt, "packets") {
			index := highest + uint64(rapid.IntRange(0, 200).Draw(rt, "index"))
			index -= min(index, uint64(rapid.SampledFrom([]int{0, 1, 60, 64, 100, 127, 128, 200, 300}).Draw(rt, "less")))
			tooOld := index < from || len(accepted) > 0 && index+replayWindow <= highest
			if got, want := w.fresh(index), !tooOld && !slices.Contains(accepted, index); got != want {
				rt.Fatalf("%d is fresh: %v, with %d the highest of %v", index, got, highest, accepted)
			} else if got {
				w.accept(index)
				accepted = append(accepted, index)
				highest = max(highest, index)
			}
		}
	})
}
