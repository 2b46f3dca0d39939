package interop

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"

	"tollgate/scripts/lab/wire"
)

// keys are those of both directions of a stream by SDES (RFC 4568), each with its salt behind it.
type keys struct {
	suite        string
	tag          string
	ours, theirs []byte
}

// lengths of key and salt together, in octets (RFC 3711 §8.2, RFC 6188 §7, RFC 7714 §12).
var lengths = map[string]int{
	"AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30, "AES_256_CM_HMAC_SHA1_80": 46, "AES_256_CM_HMAC_SHA1_32": 46,
	"AEAD_AES_128_GCM": 28, "AEAD_AES_256_GCM": 44,
}

// newKeys draws our key for a suite.
func newKeys(suite string) keys {
	k := keys{suite: suite, tag: "1", ours: make([]byte, lengths[suite])}
	rand.Read(k.ours)
	return k
}

// take takes the box's key for the suite out of a description of its.
func (k *keys) take(description string) error {
	for line := range strings.SplitSeq(description, "\r\n") {
		rest, ok := strings.CutPrefix(line, "a=crypto:")
		words := strings.Fields(rest)
		if !ok || len(words) < 3 || words[1] != k.suite {
			continue
		}
		text, _, _ := strings.Cut(strings.TrimPrefix(words[2], "inline:"), "|")
		theirs, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(theirs) != lengths[k.suite] {
			return fmt.Errorf("a key of %d octets for %s: %w", len(theirs), k.suite, err)
		}
		k.tag, k.theirs = words[0], theirs
		return nil
	}
	return fmt.Errorf("no key for %s in\n%s", k.suite, description)
}

// line is ours in a description.
func (k *keys) line() string {
	return fmt.Sprintf("a=crypto:%s %s inline:%s\r\n", k.tag, k.suite, base64.StdEncoding.EncodeToString(k.ours))
}

// directions, and what answers them (RFC 3264 §6.1).
var answers = map[string]string{"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}

// direction is that of a description.
func direction(description string) string {
	for d := range answers {
		if strings.Contains(description, "\r\na="+d+"\r\n") {
			return d
		}
	}
	return "sendrecv"
}

// speaks tells whether who describes himself so will send.
func speaks(direction string) bool { return direction == "sendrecv" || direction == "sendonly" }

// audioAt is where a description wants audio.
func audioAt(description string) (netip.AddrPort, error) {
	return wire.Message("\r\n\r\n" + description).AudioAt()
}
