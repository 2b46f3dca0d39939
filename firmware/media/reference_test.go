package media

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"strings"
	"testing"

	"tollgate/firmware/policy"
)

// This is SRTP once more, written from the standards with nothing but the standard library, for packets of 12 bytes of
// header and a roll-over counter of 0. What the relay sends has to be the same for every suite.

// derive is the key derivation of RFC 3711 §4.3.1 with a derivation rate of 0; with AES-256 it is that of RFC 6188 §3.
func derive(t testing.TB, master, salt []byte, label byte, n int) []byte {
	t.Helper()
	block, err := aes.NewCipher(master)
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, 16)
	copy(iv, salt) // those of 12 bytes are padded to 14 (RFC 7714 §11)
	iv[7] ^= label
	key := make([]byte, n)
	cipher.NewCTR(block, iv).XORKeyStream(key, key)
	return key
}

// counterMode encrypts an RTP packet by RFC 3711 §4.1.1 under session keys and appends the tag (§4.2.1).
func counterMode(t testing.TB, key, salt, auth, packet []byte, tag int) []byte {
	t.Helper()
	iv := append(bytes.Clone(salt), 0, 0)
	for i, b := range packet[8:12] {
		iv[4+i] ^= b
	}
	iv[12], iv[13] = iv[12]^packet[2], iv[13]^packet[3]
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	out := bytes.Clone(packet)
	cipher.NewCTR(block, iv).XORKeyStream(out[12:], packet[12:])
	mac := hmac.New(sha1.New, auth)
	mac.Write(out)
	mac.Write([]byte{0, 0, 0, 0})
	return append(out, mac.Sum(nil)[:tag]...)
}

// galois encrypts an RTP packet by RFC 7714 §8 under session keys.
func galois(t testing.TB, key, salt, packet []byte) []byte {
	t.Helper()
	iv := make([]byte, 12)
	copy(iv[2:], packet[8:12])
	copy(iv[10:], packet[2:4])
	for i := range iv {
		iv[i] ^= salt[i]
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	g, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return g.Seal(bytes.Clone(packet[:12]), iv, packet[12:], packet[:12])
}

// reference is what a suite makes of a packet.
func reference(t testing.TB, k *Keys, packet []byte) []byte {
	t.Helper()
	length, saltLength := keyAndSalt(k.Suite)
	master, masterSalt := k.Key[:length], k.Key[length:]
	key, salt := derive(t, master, masterSalt, 0, length), derive(t, master, masterSalt, 2, saltLength)
	if strings.HasSuffix(string(k.Suite), "GCM") {
		return galois(t, key, salt, packet)
	}
	tag := 10
	if strings.HasSuffix(string(k.Suite), "_32") {
		tag = 4
	}
	return counterMode(t, key, salt, derive(t, master, masterSalt, 1, 20), packet, tag)
}

func TestTheReferenceMeetsTheVectorsOfTheStandards(t *testing.T) {
	master := unhex(t, "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6")
	salt := unhex(t, "3b04803de51ee7c96423ab5b78d2")
	for label, want := range []string{ // RFC 6188 §7.2
		"5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
		"fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
		"fa31791685ca444a9e07c6c64e93",
	} {
		if got := derive(t, master, salt, byte(label), len(want)/2); !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("RFC 6188, label %d: %x, want %s", label, got, want)
		}
	}
	packet := unhex(t, "8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573")
	for key, want := range map[string]string{ // RFC 7714 §16.1.1 and §16.2.1
		"000102030405060708090a0b0c0d0e0f":                                 "8040f17b8041f8d35501a0b2 f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f": "8040f17b8041f8d35501a0b2 32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
	} {
		got := galois(t, unhex(t, key), unhex(t, "517569642070726f2071756f"), packet)
		if !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("RFC 7714, %d bits: %x", 4*len(key), got)
		}
	}
}

func TestEverySuiteSealsAsTheStandardsSay(t *testing.T) {
	for _, suite := range policy.Suites() {
		t.Run(string(suite), func(t *testing.T) {
			k := testKeys(suite, "standard")
			s, err := newSealer(*k)
			if err != nil {
				t.Fatal(err)
			}
			o, err := newOpener(*k)
			if err != nil {
				t.Fatal(err)
			}
			plain := append(unhex(t, "80081234 00000001 cafebabe"), tone(0, 440)...)
			for i := range 3 {
				binary.BigEndian.PutUint16(plain[2:], uint16(0x1234+i))
				want := reference(t, k, plain)
				got, v := s.rtp(newTools(), make([]byte, 0, largest), bytes.Clone(plain))
				if v != passed || !bytes.Equal(got, want) {
					t.Fatalf("sealed\n%x, want\n%x", got, want)
				}
				if clear, v := o.rtp(newTools(), make([]byte, 0, largest), want); v != passed || !bytes.Equal(clear, plain) {
					t.Fatalf("opened %x, %d", clear, v)
				}
			}
		})
	}
}

func TestAShortTagIsShortOnRTPAlone(t *testing.T) {
	for suite, want := range map[policy.Suite][2]int{
		policy.SuiteAESCM128SHA180: {10, 10}, policy.SuiteAES256CMSHA180: {10, 10},
		policy.SuiteAESCM128SHA132: {4, 10}, policy.SuiteAES256CMSHA132: {4, 10},
		policy.SuiteAEADAES128GCM: {16, 16}, policy.SuiteAEADAES256GCM: {16, 16},
	} {
		k := *testKeys(suite, "tags")
		s, err := newSealer(k)
		if err != nil {
			t.Fatal(err)
		}
		o, err := newOpener(k)
		if err != nil {
			t.Fatal(err)
		}
		packet, control := append(unhex(t, "80081234 00000001 cafebabe"), 1, 2, 3), report(0xcafebabe)
		rtp, v1 := s.rtp(newTools(), make([]byte, 0, largest), bytes.Clone(packet))
		rtcp, v2 := s.rtcp(newTools(), make([]byte, 0, largest), bytes.Clone(control))
		if got := [2]int{len(rtp) - len(packet), len(rtcp) - len(control) - 4}; v1 != passed || v2 != passed || got != want {
			t.Errorf("%s adds %v, want %v", suite, got, want)
		}
		if _, v := o.rtcp(newTools(), make([]byte, 0, largest), rtcp); v != passed {
			t.Errorf("%s: RTCP does not open: %d", suite, v)
		}
	}
}
