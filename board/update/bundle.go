package update

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Manifest is what an update says of itself, and what is signed.
type Manifest struct {
	Board   string `json:"board"`   // "virt"
	Release string `json:"release"` // for people
	Built   int64  `json:"built"`   // Unix seconds; what is newer has more
	Size    int64  `json:"size"`    // of the slot's content, in bytes
	SHA256  []byte `json:"sha256"`  // of the slot's content
}

// An update is three lines of text and then the slot's content as it is:
//
//	tollgate-update 1
//	base64 of the Ed25519 signature (RFC 8032) over the first and the third line, each with its line end
//	the manifest, as JSON
const (
	magic    = "tollgate-update 1\n"
	longLine = 4096 // bytes; the lines are about 250
)

// Pack writes an update with content, which is as long as its Size says, and signs it. SHA256 and Size are filled in.
func Pack(w io.Writer, m Manifest, content []byte, key ed25519.PrivateKey) error {
	sum := sha256.Sum256(content)
	m.Size, m.SHA256 = int64(len(content)), sum[:]
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	line = append(line, '\n')
	signature := ed25519.Sign(key, append([]byte(magic), line...))
	_, err = fmt.Fprintf(w, "%s%s\n%s", magic, base64.StdEncoding.EncodeToString(signature), line)
	if err == nil {
		_, err = w.Write(content)
	}
	if err != nil {
		return fmt.Errorf("write the update: %w", err)
	}
	return nil
}

// readManifest reads the three lines and believes nothing in them before the signature is one of keys.
func readManifest(r *bufio.Reader, keys []ed25519.PublicKey) (Manifest, error) {
	var m Manifest
	first, err := readLine(r)
	if err != nil || first != magic {
		return m, errors.New("this is no update of Tollgate, or one of a kind that this version does not know")
	}
	text, err := readLine(r)
	if err != nil {
		return m, err
	}
	line, err := readLine(r)
	if err != nil {
		return m, err
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSuffix(text, "\n"))
	if err != nil || !signed(keys, magic+line, signature) {
		return m, errors.New("the update's signature is not by a key that this box trusts: it was changed on the way, or comes from somebody else")
	}
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("the update's manifest: %w", err)
	}
	return m, nil
}

func signed(keys []ed25519.PublicKey, text string, signature []byte) bool {
	for _, key := range keys {
		if ed25519.Verify(key, []byte(text), signature) {
			return true
		}
	}
	return false
}

// readLine reads a line with its end, and no more than a line of ours can be long.
func readLine(r *bufio.Reader) (string, error) {
	var line strings.Builder
	for line.Len() < longLine {
		b, err := r.ReadByte()
		if err != nil {
			return "", errors.New("the update ends within its first lines")
		}
		line.WriteByte(b)
		if b == '\n' {
			return line.String(), nil
		}
	}
	return "", errors.New("this is no update of Tollgate: its first lines are too long")
}

// ParseKeys reads public keys, one a line in base64; empty lines and those that begin with # count nothing.
func ParseKeys(text string) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("line %d of the keys for updates is no Ed25519 key in base64", n+1)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
