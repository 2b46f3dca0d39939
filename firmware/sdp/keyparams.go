package sdp

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"tollgate/firmware/policy"
)

// readCryptos reads the section's a=crypto lines (RFC 4568 §9.1):
//
//	1 AES_CM_128_HMAC_SHA1_80 inline:<base64 of key and salt>|2^31|1:4 WSH=128
//	|  suite                   key parameters      lifetime    MKI:len  session parameters
//	tag
//
// A line that cannot be used does not spoil the others (RFC 4568 §5.1.2): it is kept in a.Refused.
func (s *section) readCryptos(a *Audio) error {
	count := 0
	for _, attr := range s.attributes {
		if attr.name != "crypto" {
			continue
		}
		if count++; count > maxCryptos {
			return unacceptable(attr.line, "the stream has more than %d crypto lines", maxCryptos)
		}
		c, refused := readCrypto(attr.value)
		if _, twice := Tagged(a.Cryptos, c.Tag); refused == "" && twice {
			refused = "its tag is not the only one of its number"
		}
		if refused != "" {
			a.Refused = append(a.Refused, RefusedCrypto{Tag: c.Tag, Suite: string(c.Suite), Reason: refused})
			continue
		}
		a.Cryptos = append(a.Cryptos, c)
	}
	return nil
}

// readCrypto reads one line. A reason other than "" says why it cannot be used; c then holds what was read so far.
func readCrypto(value string) (c Crypto, refused string) {
	words := strings.Fields(value)
	if len(words) < 3 {
		return c, "it lacks a suite or a key"
	}
	tag, err := strconv.ParseUint(words[0], 10, 32)
	if err != nil || tag < 1 || tag > 999999999 {
		return c, "its tag is not a number from 1 to 999999999"
	}
	c.Tag, c.Suite = int(tag), policy.Suite(printable(words[1]))
	if KeyLength(c.Suite) == 0 {
		return c, "its suite is not one that Tollgate uses"
	}
	if refused := c.readKey(words[2]); refused != "" {
		return c, refused
	}
	return c, checkSessionParameters(words[3:])
}

// readKey reads "inline:<key>[|lifetime][|MKI:length]".
func (c *Crypto) readKey(s string) (refused string) {
	method, rest, ok := strings.Cut(s, ":")
	if !ok || !strings.EqualFold(method, "inline") {
		return "its key method is not inline"
	}
	if strings.Contains(rest, ";") {
		return "it has several keys"
	}
	fields := strings.Split(rest, "|")
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(fields[0], "="))
	if err != nil {
		return "its key is not base64"
	}
	if len(key) != KeyLength(c.Suite) {
		return fmt.Sprintf("its key has %d bytes instead of %d", len(key), KeyLength(c.Suite))
	}
	c.Key = key
	return c.readKeyOptions(fields[1:])
}

// readKeyOptions reads a lifetime, an MKI or both; only an MKI has a colon (RFC 4568 §6.1).
func (c *Crypto) readKeyOptions(fields []string) (refused string) {
	for i, f := range fields {
		value, length, isMKI := strings.Cut(f, ":")
		switch {
		case isMKI && i == len(fields)-1:
			if c.MKI = readMKI(value, length); c.MKI == nil {
				return "its MKI makes no sense"
			}
		case !isMKI && i == 0:
			if c.Lifetime = readLifetime(f); c.Lifetime == 0 {
				return "its lifetime makes no sense"
			}
		default:
			return "its key has options that are not known"
		}
	}
	return ""
}

// readLifetime reads "2^31" or a plain number; 0 when it is neither. RFC 4568 §6.1: at most 2^48 packets.
func readLifetime(s string) uint64 {
	if exponent, ok := strings.CutPrefix(s, "2^"); ok {
		n, err := strconv.ParseUint(exponent, 10, 8)
		if err != nil || n > 48 {
			return 0
		}
		return 1 << n
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > 1<<48 {
		return 0
	}
	return n
}

// readMKI returns the identifier as it stands in packets, nil when it does not fit its length of 1 to 128 bytes.
func readMKI(value, length string) []byte {
	n, err := strconv.ParseUint(length, 10, 8)
	if err != nil || n < 1 || n > 128 {
		return nil
	}
	v, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n < 8 && v >= 1<<(8*n) {
		return nil
	}
	var wide [128 + 8]byte
	binary.BigEndian.PutUint64(wide[128:], v)
	return append([]byte(nil), wide[len(wide)-int(n):]...)
}

// checkSessionParameters refuses a line for every parameter that would weaken it or that is not known (RFC 4568 §6.3):
// KDR, UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP, UNAUTHENTICATED_SRTP, FEC_ORDER and FEC_KEY. WSH is a hint, and what starts
// with a dash may be ignored (§6.3.8).
func checkSessionParameters(words []string) (refused string) {
	for _, w := range words {
		name, _, _ := strings.Cut(w, "=")
		if name != "WSH" && !strings.HasPrefix(w, "-") {
			return "its session parameter " + printable(name) + " is not accepted"
		}
	}
	return ""
}

// printable keeps a word of the other side short enough for a reason.
func printable(s string) string {
	if len(s) > 40 || !isToken(s) {
		return "(unreadable)"
	}
	return s
}
