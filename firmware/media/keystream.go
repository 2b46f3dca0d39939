package media

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"reflect"
	"sync"
	"unsafe"
)

// keystream is AES in counter mode, which begins anew with each packet. The stream of crypto/cipher does eight blocks at once, but is
// made for one beginning and half a kilobyte of memory. So one is kept for a key and set back in its own memory, where that is as we
// know it; where it is not, with another Go than that of today, block after block is encrypted, which takes four times as long.
type keystream struct {
	stream cipher.Stream
	at     *counter     // of stream; nil: not known
	block  cipher.Block // where it is not
}

// counter is where a stream of AES stands, as crypto/internal/fips140/aes has it.
type counter struct{ low, high, offset uint64 }

func newKeystream(block cipher.Block) keystream {
	if !settable() {
		return keystream{block: block}
	}
	s := cipher.NewCTR(block, make([]byte, aes.BlockSize))
	return keystream{stream: s, at: counterOf(s)}
}

// xor encrypts or decrypts src into dst, beginning with a counter of two halves. room is for the blocks that src is long, and
// one more.
func (k *keystream) xor(dst, src []byte, high, low uint64, room []byte) {
	if k.at != nil {
		*k.at = counter{low: low, high: high}
		k.stream.XORKeyStream(dst, src)
		return
	}
	word := room[len(room)-aes.BlockSize:]
	for at := 0; at < len(src); at += aes.BlockSize {
		binary.BigEndian.PutUint64(word, high)
		binary.BigEndian.PutUint64(word[8:], low)
		k.block.Encrypt(room[at:at+aes.BlockSize], word)
		low++
	}
	subtle.XORBytes(dst, src, room[:len(src)])
}

// memory is where the round keys are that encrypting reads.
func (k *keystream) memory() []byte {
	m := memoryOf(k.block)
	if k.at != nil {
		m = memoryOf(k.stream)
	}
	return m[:min(len(m), roundKeys)]
}

// counterOf finds the counter of a stream of AES; nil: it is not where it was.
func counterOf(s cipher.Stream) *counter {
	v := pointerIn(s)
	if !v.IsValid() || v.Type().Elem().Kind() != reflect.Struct {
		return nil
	}
	var first uintptr
	for i, name := range []string{"ivlo", "ivhi", "offset"} {
		f, ok := v.Type().Elem().FieldByName(name)
		if !ok || f.Type.Kind() != reflect.Uint64 || i > 0 && f.Offset != first+uintptr(i)*8 {
			return nil
		}
		if i == 0 {
			first = f.Offset
		}
	}
	return (*counter)(unsafe.Add(v.UnsafePointer(), first))
}

// settable tells, once tried, whether a stream that was set back does what one from there does.
var settable = sync.OnceValue(func() bool {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		return false
	}
	set := cipher.NewCTR(block, make([]byte, aes.BlockSize))
	at := counterOf(set)
	if at == nil {
		return false
	}
	begin := []byte("where it begins.")
	for n := range 12 * aes.BlockSize {
		text, want := make([]byte, n), make([]byte, n)
		cipher.NewCTR(block, begin).XORKeyStream(want, want)
		*at = counter{low: binary.BigEndian.Uint64(begin[8:]), high: binary.BigEndian.Uint64(begin)}
		if set.XORKeyStream(text, text); !bytes.Equal(text, want) {
			return false
		}
	}
	return true
})
