package media

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
	"reflect"
	"unsafe"
)

// The transforms of SRTP on AES, SHA-1 and GCM of the standard library: counter mode with HMAC-SHA1 (RFC 3711 §4, RFC 6188)
// and GCM (RFC 7714). RTP and RTCP differ in where the index is:
//
//	counter mode   header | encrypted |                     MKI | tag of all before the MKI, and of the roll-over counter
//	               header | encrypted | E, index (RTCP)   | MKI | tag of all before the MKI
//	GCM            header | encrypted | tag |               MKI
//	               header | encrypted | tag | E, index    | MKI
//
// A packet finds its key in nobody's cache when a thousand calls have theirs in between. So a key is little and in one place,
// and what has room for a packet on its way through is the worker's and stays warm (tools).

// protection encrypts and authenticates one kind of packets, RTP or RTCP, under one master key.
type protection struct {
	stream       keystream       // of counter mode
	aead         cipher.AEAD     // GCM; nil: counter mode
	salt         [16]byte        // of the session, and zeros behind it
	inner, outer [sha1.Size]byte // SHA-1 after the first block of either pass of HMAC (RFC 2104 §4)
	tag          int             // bytes of authentication
	mki          []byte
	memory       []byte // where block or aead has its round keys, for whoever fetches them ahead (warm)
}

// The labels of derived keys (RFC 3711 §4.3.2): those of SRTP, and the same again of SRTCP.
const (
	labelEncryption = iota
	labelAuthentication
	labelSalt
	labels
)

const (
	counterSalt = 14
	authKey     = 20
	ctlHeader   = 8       // of RTCP, which is not encrypted (RFC 3711 §3.4)
	indexWord   = 4       // E and the index of SRTCP
	encrypted   = 1 << 31 // E
)

// protections derives what a master key protects RTP and RTCP with.
func (k Keys) protections() (rtp, rtcp protection, err error) {
	keyLength, saltLength, err := k.lengths()
	if err != nil {
		return rtp, rtcp, err
	}
	if len(k.Key) != keyLength+saltLength {
		return rtp, rtcp, fmt.Errorf("%s takes %d bytes of key and salt, not %d", k.Suite, keyLength+saltLength, len(k.Key))
	}
	if len(k.MKI) > maxMKI {
		return rtp, rtcp, fmt.Errorf("a master key identifier of %d bytes, at most %d are possible", len(k.MKI), maxMKI)
	}
	master, err := aes.NewCipher(k.Key[:keyLength])
	if err != nil {
		return rtp, rtcp, fmt.Errorf("a key for %s: %w", k.Suite, err)
	}
	rtpTag, rtcpTag := k.tagLengths()
	rtp, err = newProtection(master, k.Key[keyLength:], 0, keyLength, rtpTag, k.MKI)
	if err == nil {
		rtcp, err = newProtection(master, k.Key[keyLength:], labels, keyLength, rtcpTag, k.MKI)
	}
	return rtp, rtcp, err
}

func newProtection(master cipher.Block, salt []byte, first byte, keyLength, tag int, mki []byte) (p protection, err error) {
	p.tag, p.mki = tag, mki
	copy(p.salt[:], derived(master, salt, first+labelSalt, len(salt)))
	block, err := aes.NewCipher(derived(master, salt, first+labelEncryption, keyLength))
	if err != nil {
		return p, fmt.Errorf("a session key: %w", err)
	}
	if len(salt) < counterSalt {
		if p.aead, err = cipher.NewGCM(block); err != nil {
			return p, fmt.Errorf("a session key: %w", err)
		}
		p.memory = memoryOf(p.aead)
		return p, nil
	}
	p.stream = newKeystream(block)
	p.memory = p.stream.memory()
	auth := derived(master, salt, first+labelAuthentication, authKey)
	p.inner, p.outer = hashed(auth, 0x36), hashed(auth, 0x5c)
	return p, nil
}

// derived is a session key (RFC 3711 §4.3.1) with a derivation rate of 0; with AES-256 it is that of RFC 6188 §3.
func derived(master cipher.Block, salt []byte, label byte, n int) []byte {
	iv := make([]byte, aes.BlockSize)
	copy(iv, salt) // those of 12 bytes are padded to 14 (RFC 7714 §11)
	iv[7] ^= label
	key := make([]byte, n)
	cipher.NewCTR(master, iv).XORKeyStream(key, key)
	return key
}

// hashed is SHA-1 after one block: a key, filled up with zeros, and a byte of padding on each of it.
func hashed(key []byte, pad byte) (words [sha1.Size]byte) {
	block := bytes.Repeat([]byte{pad}, sha1.BlockSize)
	subtle.XORBytes(block, block, key)
	copy(words[:], marshaled(block)[wordsAt:])
	return words
}

// wordsAt is where the words of SHA-1 are in its state, as crypto/sha1 marshals it: behind a mark, and before the block that
// has been begun and the length.
const wordsAt = 4

// marshaled is the state of SHA-1 after one block.
func marshaled(block []byte) []byte {
	h := sha1.New()
	h.Write(block)
	state, _ := h.(encoding.BinaryAppender).AppendBinary(nil) // it never fails
	return state
}

// roundKeys is how much of a block cipher's memory encryption reads: how many rounds there are, and their keys.
const roundKeys = 8 + 15*aes.BlockSize

// memoryOf is the memory of what v points to, to be read only; nil when v is no pointer.
func memoryOf(v any) []byte {
	p := pointerIn(v)
	if !p.IsValid() {
		return nil
	}
	return unsafe.Slice((*byte)(p.UnsafePointer()), p.Type().Elem().Size())
}

// pointerIn is the pointer that v is, or that it hides as its only field; invalid: neither.
func pointerIn(v any) reflect.Value {
	p := reflect.ValueOf(v)
	if p.Kind() == reflect.Struct && p.NumField() == 1 {
		p = p.Field(0)
	}
	if p.Kind() != reflect.Pointer {
		return reflect.Value{}
	}
	return p
}

// added is how many bytes an RTP packet grows.
func (p *protection) added() int { return p.tag + len(p.mki) }

// tools are what packets are encrypted with, whatever their keys. They belong to one worker.
type tools struct {
	hash    hash.Hash // SHA-1
	restore encoding.BinaryUnmarshaler
	state   []byte // for restore
	sum     [sha1.Size]byte
	word    [4]byte
	iv      [aes.BlockSize]byte
	aad     [ctlHeader + indexWord]byte
	stream  [largest + 2*aes.BlockSize]byte
}

func newTools() *tools {
	h := sha1.New()
	restore, _ := h.(encoding.BinaryUnmarshaler) // it is one, says its documentation
	return &tools{hash: h, restore: restore, state: marshaled(make([]byte, sha1.BlockSize))}
}

// begin has SHA-1 go on after the first block of a pass.
func (t *tools) begin(words *[sha1.Size]byte) {
	copy(t.state[wordsAt:], words[:])
	if err := t.restore.UnmarshalBinary(t.state); err != nil {
		panic("SHA-1 does not know its own state: " + err.Error()) // ends no call: the worker survives it, and nothing is sent
	}
}

// authenticate is HMAC-SHA1 of two parts, one behind the other, good until the next one.
func (t *tools) authenticate(p *protection, part, more []byte) []byte {
	t.begin(&p.inner)
	t.hash.Write(part)
	t.hash.Write(more)
	inner := t.hash.Sum(t.sum[:0])
	t.begin(&p.outer)
	t.hash.Write(inner)
	return t.hash.Sum(t.sum[:0])[:p.tag]
}

// count encrypts or decrypts in counter mode: salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16, and up (RFC 3711 §4.1.1).
func (t *tools) count(p *protection, dst, src []byte, ssrc uint32, index uint64) {
	high, low := binary.BigEndian.Uint64(p.salt[:])^uint64(ssrc), binary.BigEndian.Uint64(p.salt[8:])^index<<16
	p.stream.xor(dst, src, high, low, t.stream[:])
}

// nonce is that of GCM: two zeros, SSRC and index, under the salt (RFC 7714 §8.1 and §9.1).
func (t *tools) nonce(p *protection, ssrc uint32, index uint64) []byte {
	binary.BigEndian.PutUint64(t.iv[:], binary.BigEndian.Uint64(p.salt[:])^uint64(ssrc)<<16^index>>32)
	binary.BigEndian.PutUint32(t.iv[8:], binary.BigEndian.Uint32(p.salt[8:])^uint32(index))
	return t.iv[:12]
}

// sealRTP encrypts a packet behind its header of n bytes into dst.
func (p *protection) sealRTP(t *tools, dst, packet []byte, n int, index uint64) []byte {
	ssrc := binary.BigEndian.Uint32(packet[8:])
	if p.aead != nil {
		dst = p.aead.Seal(append(dst[:0], packet[:n]...), t.nonce(p, ssrc, index), packet[n:], packet[:n])
		return append(dst, p.mki...)
	}
	dst = append(dst[:0], packet...)
	t.count(p, dst[n:], packet[n:], ssrc, index)
	tag := t.authenticate(p, dst, t.rollOver(index))
	return append(append(dst, p.mki...), tag...)
}

// openRTP authenticates and decrypts a packet, which is long enough, behind its header of n bytes into dst.
func (p *protection) openRTP(t *tools, dst, packet []byte, n int, index uint64) ([]byte, bool) {
	ssrc := binary.BigEndian.Uint32(packet[8:])
	if p.aead != nil {
		sealed, ok := bytes.CutSuffix(packet, p.mki)
		if !ok {
			return nil, false
		}
		clear, err := p.aead.Open(append(dst[:0], packet[:n]...), t.nonce(p, ssrc, index), sealed[n:], packet[:n])
		return clear, err == nil
	}
	sealed, tag, ok := p.cut(packet)
	if !ok || subtle.ConstantTimeCompare(tag, t.authenticate(p, sealed, t.rollOver(index))) != 1 {
		return nil, false
	}
	dst = append(dst[:0], sealed...)
	t.count(p, dst[n:], sealed[n:], ssrc, index)
	return dst, true
}

// rollOver is the counter as it is authenticated (RFC 3711 §4.2).
func (t *tools) rollOver(index uint64) []byte {
	binary.BigEndian.PutUint32(t.word[:], uint32(index>>16))
	return t.word[:]
}

// cut takes the tag of counter mode and the MKI off; false when the MKI is another.
func (p *protection) cut(packet []byte) (sealed, tag []byte, ok bool) {
	packet, tag = packet[:len(packet)-p.tag], packet[len(packet)-p.tag:]
	sealed, ok = bytes.CutSuffix(packet, p.mki)
	return sealed, tag, ok
}

// sealRTCP encrypts a compound packet behind its first header into dst.
func (p *protection) sealRTCP(t *tools, dst, packet []byte, index uint32) []byte {
	ssrc, word := binary.BigEndian.Uint32(packet[4:]), index|encrypted
	if p.aead != nil {
		dst = append(dst[:0], packet[:ctlHeader]...)
		dst = p.aead.Seal(dst, t.nonce(p, ssrc, uint64(index)), packet[ctlHeader:], t.aside(packet, word))
		return append(binary.BigEndian.AppendUint32(dst, word), p.mki...)
	}
	dst = append(dst[:0], packet...)
	t.count(p, dst[ctlHeader:], packet[ctlHeader:], ssrc, uint64(index))
	dst = binary.BigEndian.AppendUint32(dst, word)
	tag := t.authenticate(p, dst, nil)
	return append(append(dst, p.mki...), tag...)
}

// ctlIndex reads the index of an SRTCP packet that is long enough. false: it says that it is not encrypted, which nobody has
// agreed to.
func (p *protection) ctlIndex(packet []byte) (uint32, bool) {
	end := len(packet) - len(p.mki)
	if p.aead == nil {
		end -= p.tag
	}
	word := binary.BigEndian.Uint32(packet[end-indexWord:])
	return word &^ encrypted, word&encrypted != 0
}

// openRTCP authenticates and decrypts an SRTCP packet, which is long enough, into dst.
func (p *protection) openRTCP(t *tools, dst, packet []byte, index uint32) ([]byte, bool) {
	ssrc := binary.BigEndian.Uint32(packet[4:])
	if p.aead != nil {
		sealed, ok := bytes.CutSuffix(packet, p.mki)
		if !ok {
			return nil, false
		}
		sealed = sealed[ctlHeader : len(sealed)-indexWord]
		clear, err := p.aead.Open(append(dst[:0], packet[:ctlHeader]...), t.nonce(p, ssrc, uint64(index)), sealed, t.aside(packet, index|encrypted))
		return clear, err == nil
	}
	sealed, tag, ok := p.cut(packet)
	if !ok || subtle.ConstantTimeCompare(tag, t.authenticate(p, sealed, nil)) != 1 {
		return nil, false
	}
	dst = append(dst[:0], sealed[:len(sealed)-indexWord]...)
	t.count(p, dst[ctlHeader:], sealed[ctlHeader:len(sealed)-indexWord], ssrc, uint64(index))
	return dst, true
}

// aside is what GCM authenticates of RTCP without encrypting it: the header, E and the index (RFC 7714 §9.2).
func (t *tools) aside(packet []byte, word uint32) []byte {
	copy(t.aad[:], packet[:ctlHeader])
	binary.BigEndian.PutUint32(t.aad[ctlHeader:], word)
	return t.aad[:]
}
