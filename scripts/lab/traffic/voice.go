package traffic

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"golang.org/x/sys/unix"
)

// A packet is 20 ms of PCMA. Its time stamp says which one it is, its SSRC whose, and its audio both again:
//
//	|  RTP header: 12  |  voice: 4  |  number: 4  |  filler  |
const (
	header  = 12
	audio   = 160
	pcma    = 8
	whole   = header + audio
	filling = header + 8
	tag     = 10 // of SRTP
	sealed  = whole + tag
)

// sampled is how many packets of a voice there are to one whose delay is taken and, where it comes encrypted, that is kept and
// decrypted once all is over. Number and order are those of every packet.
const sampled = 4

// filler is the rest of every packet's audio.
var filler = bytes.Repeat([]byte{0xd5, 0x55, 0xa3, 0x1f}, (whole-filling)/4)

// voice is one way of one call: said at one end, heard at the other.
type voice struct {
	id      uint32
	from    *pipe
	head    []byte                // what the sending socket wants before a packet
	to      unix.RawSockaddrInet4 // the relay, where it is said
	first   uint32                // number of the first packet
	number  uint32                // of the last packet said
	last    uint32                // the highest number heard
	counted [2]uint32             // the first and the last number said while it counts
	ahead   [][sealed]byte        // packets encrypted beforehand, the next one a stride on; nil: said in the clear
	stride  int                   // how many voices there are of which packets are encrypted beforehand
	key     []byte                // with which it is encrypted; nil: said in the clear
	open    *srtp.Context         // nil: heard in the clear
	said    [64]int64             // when the sampled ones were, by their number
	scratch rtp.Header
}

// voices makes both ways of a call. What back says has to be encrypted beforehand.
func voices(id uint32, c Call, first uint32, inside, outside *pipe) (there, back *voice, err error) {
	there = &voice{id: id, number: first, from: inside, to: nameOf(c.Inside), head: inside.headTo(c.Inside, whole)}
	back = &voice{id: id + 1, number: first, from: outside, to: nameOf(c.Outside), head: outside.headTo(c.Outside, sealed), key: c.Send}
	there.open, err = context(c.Receive, srtp.SRTPReplayProtection(128))
	return there, back, err
}

// context reads a key with its salt.
func context(key []byte, options ...srtp.ContextOption) (*srtp.Context, error) {
	if len(key) != 30 {
		return nil, fmt.Errorf("a key and salt of %d bytes", len(key))
	}
	return srtp.CreateContext(key[:16], key[16:], srtp.ProtectionProfileAes128CmHmacSha1_80, options...)
}

// prepare encrypts what will be said, before it has to be said in time. The first packet comes first in ahead, and each next one
// a stride on: those of other voices, who speak in between, stand there. So they are read in the order of the memory.
func (v *voice) prepare(ahead [][sealed]byte, stride int) error {
	seal, err := context(v.key)
	if err != nil {
		return err
	}
	seal.SetROC(v.id+1, (v.number+1)>>16)
	v.first, v.ahead, v.stride = v.number+1, ahead, stride
	var clear [whole]byte
	for number, at := v.first, 0; at < len(ahead); number, at = number+1, at+stride {
		v.write(clear[:], number)
		if _, err := seal.EncryptRTP(ahead[at][:], clear[:], &v.scratch); err != nil {
			return fmt.Errorf("encrypt a packet: %w", err)
		}
	}
	return nil
}

// write makes a packet.
func (v *voice) write(b []byte, number uint32) {
	b[0], b[1] = 2<<6, pcma
	binary.BigEndian.PutUint16(b[2:], uint16(number))
	binary.BigEndian.PutUint32(b[4:], number*audio)
	binary.BigEndian.PutUint32(b[8:], v.id+1)
	binary.BigEndian.PutUint32(b[12:], v.id)
	binary.BigEndian.PutUint32(b[16:], number)
	copy(b[filling:], filler)
}

// say puts the next packet in line.
func (v *voice) say(now int64) error {
	v.number++
	room := v.from.next()
	n := copy(room, v.head)
	if v.ahead == nil {
		v.write(room[n:n+whole], v.number)
		n += whole
	} else {
		at := int(v.number-v.first) * v.stride
		if at >= len(v.ahead) {
			return fmt.Errorf("packet %d was not encrypted beforehand", v.number)
		}
		n += copy(room[n:], v.ahead[at][:])
	}
	if v.number%sampled == 0 {
		v.said[v.number/sampled%uint32(len(v.said))] = now
	}
	v.from.queue(n, v.to)
	return nil
}

// count notes that what was said last counts; counts tells it of a number.
func (v *voice) count() {
	if v.counted[1] = v.number; v.counted[0] == 0 {
		v.counted[0] = v.number
	}
}

func (v *voice) counts(number uint32) bool { return v.counted[0] <= number && number <= v.counted[1] }

// hear reads a packet that came out of the relay; ok is false when it is not what was said. Of an encrypted one that is told by
// decrypt.
func (v *voice) hear(b []byte) (number uint32, ok bool) {
	want := whole
	if v.open != nil {
		want = sealed
	}
	if len(b) != want || b[1]&0x7f != pcma {
		return 0, false
	}
	stamp := binary.BigEndian.Uint32(b[4:])
	if number = stamp / audio; stamp%audio != 0 || number > v.number || binary.BigEndian.Uint32(b[8:]) != v.id+1 {
		return 0, false
	}
	return number, v.open != nil || v.speaks(b, number)
}

// speaks tells whether a packet in the clear is the one of the number.
func (v *voice) speaks(b []byte, number uint32) bool {
	return binary.BigEndian.Uint32(b[12:]) == v.id && binary.BigEndian.Uint32(b[16:]) == number && bytes.Equal(b[filling:], filler)
}

// keeps tells whether a packet that was heard is to be decrypted.
func (v *voice) keeps(number uint32) bool { return v.open != nil && number%sampled == 0 }

// decrypt tells whether a packet that was heard encrypted is what was said.
func (v *voice) decrypt(b, scratch []byte) bool {
	number := binary.BigEndian.Uint32(b[4:]) / audio
	if _, err := v.scratch.Unmarshal(b); err != nil {
		return false
	}
	clear, err := v.open.DecryptRTP(scratch, b, &v.scratch)
	return err == nil && len(clear) == whole && v.speaks(clear, number)
}

// delay is how long a packet took that arrived at a time, if that is taken of it. What took longer than is remembered took as
// long as that at least.
func (v *voice) delay(number uint32, at int64) (time.Duration, bool) {
	if number%sampled != 0 {
		return 0, false
	}
	if remembered := uint32(len(v.said)) * sampled; v.number-number >= remembered {
		return time.Duration(remembered) * every, true
	}
	return time.Duration(at - v.said[number/sampled%uint32(len(v.said))]), true
}
