package stun

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// The vectors of RFC 5769 §2.2 and §2.3, which RFC 8489 keeps.
const (
	vectorIPv4 = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220" +
		"002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
	vectorIPv6 = "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220" +
		"002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheAnswersOfRFC5769AreRead(t *testing.T) {
	for vector, want := range map[string]string{
		vectorIPv4: "192.0.2.1:32853",
		vectorIPv6: "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
	} {
		got, err := Mapped(unhex(t, vector))
		if err != nil || got != netip.MustParseAddrPort(want) {
			t.Errorf("read %v, %v; want %s", got, err, want)
		}
	}
}

func TestARequestIsWhatServersExpect(t *testing.T) {
	id := ID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	if got, want := Request(id), unhex(t, "000100002112a4420102030405060708090a0b0c"); !bytes.Equal(got, want) {
		t.Errorf("request %x, want %x", got, want)
	}
	if _, ok := Answers(Request(id)); ok {
		t.Error("a request counts as an answer")
	}
}

func TestAnAnswerNamesItsRequest(t *testing.T) {
	id, ok := Answers(unhex(t, vectorIPv4))
	if want := "b7e7a701bc34d686fa87dfae"; !ok || hex.EncodeToString(id[:]) != want {
		t.Errorf("answer to %x (%v), want %s", id, ok, want)
	}
	for _, sip := range []string{"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x\r\n\r\n", "\r\n\r\n", ""} {
		if _, ok := Answers([]byte(sip)); ok {
			t.Errorf("%q counts as STUN", sip)
		}
	}
}

func TestAnswersOfNoUseSaySo(t *testing.T) {
	const head = "2112a442000000000000000000000000"
	for name, c := range map[string]struct {
		hex  string
		want error
	}{
		"an error":                         {"01110000" + head, ErrRefused},
		"nothing in it":                    {"01010000" + head, ErrNoAddress},
		"a length that is not its own":     {"01010008" + head, ErrMalformed},
		"an attribute that ends too early": {"01010004" + head + "00200008", ErrMalformed},
		"an attribute cut off":             {"01010002" + head + "0020", ErrMalformed},
		"an address of no family":          {"0101000c" + head + "00200008000301014142434d", ErrNoAddress},
		"an address too short":             {"0101000c" + head + "00200006000101014142434d", ErrNoAddress},
		"port 0":                           {"0101000c" + head + "002000080001211241424344", ErrNoAddress},
	} {
		if got, err := Mapped(unhex(t, c.hex)); !errors.Is(err, c.want) {
			t.Errorf("%s: read %v, %v; want %v", name, got, err, c.want)
		}
	}
}

func TestAnOldServersPlainAddressIsRead(t *testing.T) {
	got, err := Mapped(unhex(t, "0101000c2112a442000000000000000000000000"+"0001000800010d96cb007105"))
	if want := netip.MustParseAddrPort("203.0.113.5:3478"); err != nil || got != want {
		t.Errorf("read %v, %v; want %v", got, err, want)
	}
}

func FuzzMapped(f *testing.F) {
	f.Add(unhex(f, vectorIPv4))
	f.Add(unhex(f, vectorIPv6))
	f.Add(Request(ID{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Mapped(b)
		if (err == nil) != a.IsValid() {
			t.Errorf("%x: address %v with error %v", b, a, err)
		}
		if _, ok := Answers(b); !ok && err == nil {
			t.Errorf("%x is no answer and was read", b)
		}
	})
}
