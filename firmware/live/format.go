package live

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// A record is a line that says what it is, and its payload:
//
//	tollgate record 1 <SHA-256 of the payload, hexadecimal>\n
//	payload
const (
	kind    = "tollgate record "
	version = "1"
	largest = 64 << 20 // a record is smaller
)

// head is the line before a payload.
func head(payload []byte) []byte {
	return fmt.Appendf(nil, "%s%s %x\n", kind, version, sha256.Sum256(payload))
}

// decode returns the payload of a record that is whole and of this version.
func decode(b []byte) ([]byte, error) {
	line, payload, found := bytes.Cut(b[:min(len(b), largest)], []byte("\n"))
	rest, ours := bytes.CutPrefix(line, []byte(kind))
	if !found || !ours {
		return nil, errors.New("it is no record of ours, or it was cut off")
	}
	v, sum, _ := bytes.Cut(rest, []byte(" "))
	if string(v) != version {
		return nil, fmt.Errorf("it was written by another release (version %q, not %s); the call in it cannot go on", v, version)
	}
	want := sha256.Sum256(payload)
	if got, err := hex.DecodeString(string(sum)); err != nil || !bytes.Equal(got, want[:]) {
		return nil, errors.New("it is damaged: its contents are not those that were written")
	}
	return payload, nil
}
