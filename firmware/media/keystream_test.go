package media

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"testing"
)

// Of all ways that a keystream is made the packets are the same.
func TestAKeystreamBeginsAnewWithEachPacket(t *testing.T) {
	for _, size := range []int{16, 32} {
		key := make([]byte, size)
		rand.Read(key)
		block, err := aes.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		fast := newKeystream(block)
		if fast.at == nil {
			t.Fatal("this Go keeps the counter of a stream elsewhere: the relay encrypts block after block (counterOf)")
		}
		plain := keystream{block: block}
		for n := range 400 {
			begin, src := make([]byte, aes.BlockSize), make([]byte, n)
			rand.Read(begin[:14]) // the last two bytes count blocks (RFC 3711 §4.1.1)
			rand.Read(src)
			want := make([]byte, n)
			cipher.NewCTR(block, begin).XORKeyStream(want, src)
			for name, k := range map[string]*keystream{"set back": &fast, "block after block": &plain} {
				got, room := make([]byte, n), make([]byte, n+2*aes.BlockSize)
				k.xor(got, src, binary.BigEndian.Uint64(begin), binary.BigEndian.Uint64(begin[8:]), room)
				if !bytes.Equal(got, want) {
					t.Fatalf("%d bytes, %s: %x, want %x", n, name, got, want)
				}
			}
		}
	}
}
