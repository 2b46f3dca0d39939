package media

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"strings"
	"testing"

	"tollgate/firmware/policy"
)

// The vectors of the standards, and those that libsrtp made of them and every implementation has met since.

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The master key and salt of RFC 3711 §B.3.
const rfc3711Master = "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6"

// TestRFC3711KeyDerivation seals under the master key of §B.3 and checks the packet with the session keys printed there,
// by AES in counter mode (§4.1.1) and HMAC-SHA1 (§4.2.1) of the standard library.
func TestRFC3711KeyDerivation(t *testing.T) {
	sessionKey, sessionSalt := unhex(t, "C61E7A93744F39EE10734AFE3FF7A087"), unhex(t, "30CBBC08863D8C85D49DB34A9AE1")
	authKey := unhex(t, `CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA4`)
	s, err := newSealer(Keys{Suite: policy.SuiteAESCM128SHA180, Key: unhex(t, rfc3711Master)})
	if err != nil {
		t.Fatal(err)
	}
	plain := unhex(t, "80 08 1234 00000001 CAFEBABE 000102030405060708090A0B0C0D0E0F1011")
	sealed, v := s.rtp(newTools(), make([]byte, 100), bytes.Clone(plain))
	if v != passed {
		t.Fatalf("verdict %d", v)
	}
	iv := append(bytes.Clone(sessionSalt), 0, 0) // k_s * 2^16 XOR SSRC * 2^64 XOR index * 2^16
	for i, b := range plain[8:12] {
		iv[4+i] ^= b
	}
	iv[12], iv[13] = iv[12]^0x12, iv[13]^0x34
	block, _ := aes.NewCipher(sessionKey)
	want := bytes.Clone(plain)
	cipher.NewCTR(block, iv).XORKeyStream(want[12:], plain[12:])
	mac := hmac.New(sha1.New, authKey)
	mac.Write(want)
	mac.Write([]byte{0, 0, 0, 0}) // the roll-over counter
	want = append(want, mac.Sum(nil)[:10]...)
	if !bytes.Equal(sealed, want) {
		t.Errorf("sealed\n%x, want\n%x", sealed, want)
	}
}

// vector is a packet in the clear and under a key.
type vector struct {
	name          string
	suite         policy.Suite
	key           string
	clear, sealed string
	control       bool
}

func vectors() []vector {
	const (
		payload = "abababab abababab abababab abababab"
		rtp     = "800f1234 decafbad cafebabe "
		rtcp    = "81c8000b cafebabe "
		gcmKey  = "000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab"
	)
	return []vector{
		{"libsrtp AES-CM", policy.SuiteAESCM128SHA180, rfc3711Master, rtp + payload,
			rtp + "4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb", false},
		{"libsrtp GCM", policy.SuiteAEADAES128GCM, gcmKey, rtp + payload,
			rtp + "c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392", false},
		{"libsrtp AES-CM, RTCP", policy.SuiteAESCM128SHA180, rfc3711Master, rtcp + payload,
			rtcp + "7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798", true},
		{"libsrtp GCM, RTCP", policy.SuiteAEADAES128GCM, gcmKey, rtcp + payload,
			rtcp + "c98b8b5df0392a55852b6c21ac8e7025 c52c6fbea2b3b446ea31123ba88ce61e 80000001", true},
	}
}

func TestKnownPacketsSealAndOpen(t *testing.T) {
	for _, c := range vectors() {
		t.Run(c.name, func(t *testing.T) {
			k := Keys{Suite: c.suite, Key: unhex(t, c.key)}
			clear, sealed := unhex(t, c.clear), unhex(t, c.sealed)
			s, err := newSealer(k)
			if err != nil {
				t.Fatal(err)
			}
			o, err := newOpener(k)
			if err != nil {
				t.Fatal(err)
			}
			seal, open := s.rtp, o.rtp
			if c.control {
				seal, open = s.rtcp, o.rtcp
			}
			if got, v := seal(newTools(), make([]byte, 100), bytes.Clone(clear)); v != passed || !bytes.Equal(got, sealed) {
				t.Errorf("sealed to %x, %d; want %x", got, v, sealed)
			}
			if got, v := open(newTools(), make([]byte, 100), sealed); v != passed || !bytes.Equal(got, clear) {
				t.Errorf("opened to %x, %d; want %x", got, v, clear)
			}
		})
	}
}
