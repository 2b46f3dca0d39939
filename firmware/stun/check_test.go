package stun

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"
)

// The sample request and response of RFC 5769 §2.1 and §2.2.
const (
	samplePassword = "VOkJxbRl1RmTxUk/WvJxBt"
	sampleRequest  = `000100582112a442b7e7a701bc34d686fa87dfae 802200105354554e207465737420636c69656e74
		002400046e0001ff 80290008932ff9b151263b36 000600096576746a3a68367659202020
		000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004e57a3bcf`
	sampleID = "b7e7a701bc34d686fa87dfae"
)

func TestTheSampleCheckOfTheStandardIsRead(t *testing.T) {
	c, err := ReadCheck(unhex(t, sampleRequest), samplePassword)
	if err != nil || c.Username != "evtj:h6vY" || !c.Controlled || c.Nominates || hex.EncodeToString(c.ID[:]) != sampleID {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAForgedCheckIsTold(t *testing.T) {
	sample := unhex(t, sampleRequest)
	if _, err := ReadCheck(sample, "another password"); !errors.Is(err, ErrForged) {
		t.Errorf("another password: %v", err)
	}
	for i := range sample[:len(sample)-8] { // the fingerprint is not vouched for
		altered := bytes.Clone(sample)
		altered[i] ^= 1
		if _, err := ReadCheck(altered, samplePassword); err == nil {
			t.Errorf("a check with byte %d altered is taken", i)
		}
	}
	for n := range sample {
		if _, err := ReadCheck(sample[:n], samplePassword); err == nil {
			t.Errorf("a check of %d bytes is taken", n)
		}
	}
}

// What a check says behind its integrity counts for nothing.
func TestWhatIsAppendedToACheckDoesNotCount(t *testing.T) {
	b := header(bindRequest, ID{1})
	b = append(b, 0, attrUsername, 0, 3, 'a', ':', 'b', 0)
	b = seal(b, "password")
	b = append(b, 0, attrUseCandidate, 0, 0)
	b[3] += 4
	c, err := ReadCheck(b, "password")
	if err != nil || c.Nominates || c.Username != "a:b" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAnswersToChecksAreReadByEverybody(t *testing.T) {
	for _, from := range []string{"192.0.2.1:32853", "[2001:db8:1234:5678:11:2233:4455:6677]:32853"} {
		a := Check{ID: ID(unhex(t, sampleID))}.Confirm(netip.MustParseAddrPort(from), samplePassword)
		if got, err := Mapped(a); err != nil || got.String() != from {
			t.Errorf("%s is answered as %v, %v", from, got, err)
		}
		if id, ok := Answers(a); !ok || hex.EncodeToString(id[:]) != sampleID {
			t.Error("the answer is to another check")
		}
	}
	// RFC 5769 §2.2 differs in a SOFTWARE attribute alone, which stands first: with it the bytes are the same.
	b := append(header(bindSuccess, ID(unhex(t, sampleID))), unhex(t, "8022000b7465737420766563746f7220")...)
	b = seal(append(b, xorMapped(netip.MustParseAddrPort("192.0.2.1:32853"), ID(unhex(t, sampleID)))...), samplePassword)
	want := unhex(t, `0101003c2112a442b7e7a701bc34d686fa87dfae 8022000b7465737420766563746f7220 002000080001a147e112a643
		000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004c07d4c96`)
	if !bytes.Equal(b, want) {
		t.Errorf("answered\n%x, want\n%x", b, want)
	}
	if _, err := Mapped(Check{}.Refuse("p")); !errors.Is(err, ErrRefused) {
		t.Errorf("a refusal reads as %v", err)
	}
}

func FuzzReadCheck(f *testing.F) {
	f.Add(unhex(f, sampleRequest))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ReadCheck(b, samplePassword); err == nil && len(c.Username) > len(b) {
			t.Fatal("a name longer than the check")
		}
	})
}
