package traffic

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"golang.org/x/sys/unix"
)

// A packet is 20 ms of PCMA. Its audio says what it is:
//
//	|  RTP header: 12  |  when it was sent: 8  |  voice: 4  |  number: 4  |  filler  |
const (
	header  = 12
	audio   = 160
	pcma    = 8
	whole   = header + audio
	filling = header + 16
)

// filler is the rest of every packet's audio.
var filler = bytes.Repeat([]byte{0xd5, 0x55, 0xa3, 0x1f}, (whole-filling)/4)

// voice is one way of one call: said at one end, heard at the other.
type voice struct {
	id      uint32
	from    *pipe
	to      unix.RawSockaddrInet4 // the relay, where it is said
	exit    netip.AddrPort        // the relay, where it comes out
	seal    *srtp.Context         // nil: said in the clear
	open    *srtp.Context         // nil: heard in the clear
	number  uint32                // of the last packet said
	last    uint32                // the highest number heard
	scratch rtp.Header
}

// voices makes both ways of a call.
func voices(id uint32, c Call, first uint32, inside, outside *pipe) (there, back *voice, err error) {
	there = &voice{id: id, number: first, from: inside, to: nameOf(c.Inside), exit: c.Outside}
	back = &voice{id: id + 1, number: first, from: outside, to: nameOf(c.Outside), exit: c.Inside}
	if there.open, err = context(c.Receive, srtp.SRTPReplayProtection(128)); err != nil {
		return nil, nil, err
	}
	back.seal, err = context(c.Send)
	return there, back, err
}

// context reads a key with its salt.
func context(key []byte, options ...srtp.ContextOption) (*srtp.Context, error) {
	if len(key) != 30 {
		return nil, fmt.Errorf("a key and salt of %d bytes", len(key))
	}
	return srtp.CreateContext(key[:16], key[16:], srtp.ProtectionProfileAes128CmHmacSha1_80, options...)
}

// say puts the next packet in line.
func (v *voice) say(now int64, clear []byte) error {
	v.number++
	clear = clear[:whole]
	clear[0], clear[1] = 2<<6, pcma
	binary.BigEndian.PutUint16(clear[2:], uint16(v.number))
	binary.BigEndian.PutUint32(clear[4:], v.number*audio)
	binary.BigEndian.PutUint32(clear[8:], v.id+1)
	binary.BigEndian.PutUint64(clear[12:], uint64(now))
	binary.BigEndian.PutUint32(clear[20:], v.id)
	binary.BigEndian.PutUint32(clear[24:], v.number)
	copy(clear[filling:], filler)
	out := v.from.next()
	if v.seal == nil {
		v.from.queue(copy(out, clear), v.to)
		return nil
	}
	sealed, err := v.seal.EncryptRTP(out, clear, &v.scratch)
	if err != nil {
		return fmt.Errorf("encrypt a packet: %w", err)
	}
	v.from.queue(len(sealed), v.to)
	return nil
}

// hear reads a packet that came out of the relay; ok is false when it is not what was said.
func (v *voice) hear(b, scratch []byte) (sent int64, number uint32, ok bool) {
	if v.open != nil {
		if _, err := v.scratch.Unmarshal(b); err != nil {
			return 0, 0, false
		}
		var err error
		if b, err = v.open.DecryptRTP(scratch, b, &v.scratch); err != nil {
			return 0, 0, false
		}
	}
	if len(b) != whole || b[1]&0x7f != pcma || binary.BigEndian.Uint32(b[20:]) != v.id || !bytes.Equal(b[filling:], filler) {
		return 0, 0, false
	}
	return int64(binary.BigEndian.Uint64(b[12:])), binary.BigEndian.Uint32(b[24:]), true
}
