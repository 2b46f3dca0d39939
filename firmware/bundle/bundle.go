// Package bundle seals the files that a box is to take, so that it can tell who wrote them and that nothing was added, changed
// or brought back from an earlier time.
//
// A bundle is a set of files and a manifest that lists each with its SHA-256 sum, the boxes it is for and a number that grows
// from one bundle to the next. The manifest is signed with Ed25519 (RFC 8032); whoever holds the files holds the bundle, be it
// on a stick or behind an address.
//
// It leaves to others where the files come from, which keys are believed and what the files mean.
package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The two files that seal the others.
const (
	ManifestFile  = "manifest.json"
	SignatureFile = "manifest.sig"
)

// format is the number of the manifest's layout.
const format = 1

// preface keeps a signature of a manifest from being one of anything else.
const preface = "tollgate manifest\n"

// manifest is what is signed.
type manifest struct {
	Format int               `json:"tollgate"`
	Number uint64            `json:"number"`
	Boxes  []string          `json:"boxes,omitempty"` // serial numbers; none: every box
	Files  map[string]string `json:"files"`           // name -> SHA-256 in hexadecimal digits
}

// Key is somebody whose bundles are believed.
type Key struct {
	Name string
	Key  ed25519.PublicKey
}

// Trust is what a box believes.
type Trust struct {
	Keys   []Key
	Serial string // of this box
	Last   uint64 // number of the latest bundle that was taken; 0: none
}

// Seal says what a bundle's seal is worth.
type Seal struct {
	Signer string // name of the key
	Number uint64
}

// ErrUnsigned says that the files have no manifest, so that nobody vouches for them.
var ErrUnsigned = errors.New("the files are not signed: there is no " + ManifestFile)

// Check tells whether the files are what a believed key has signed for this box. The error is ErrUnsigned when they have no
// manifest at all, else a sentence with what to do.
func Check(files map[string][]byte, t Trust) (Seal, error) {
	signed, there := files[ManifestFile]
	if !there {
		return Seal{}, ErrUnsigned
	}
	signer, err := verify(signed, files[SignatureFile], t.Keys)
	if err != nil {
		return Seal{}, err
	}
	m, err := read(signed)
	if err != nil {
		return Seal{}, err
	}
	switch {
	case len(m.Boxes) > 0 && !slices.ContainsFunc(m.Boxes, func(b string) bool { return strings.EqualFold(b, t.Serial) }):
		return Seal{}, fmt.Errorf("these files are for %s, and this box is %s", strings.Join(m.Boxes, ", "), t.Serial)
	case m.Number <= t.Last:
		return Seal{}, fmt.Errorf("these files have number %d, and number %d was taken already: sign them anew with a higher number", m.Number, t.Last)
	}
	return Seal{Signer: signer, Number: m.Number}, m.matches(files)
}

// verify names the key that signed the manifest.
func verify(signed, signature []byte, keys []Key) (string, error) {
	if len(signature) == 0 {
		return "", fmt.Errorf("%s is missing: sign the files again", SignatureFile)
	}
	text := bytes.TrimSpace(signature)
	// A decoder passes over line ends, strict or not: a signature is written in one way, so that no text but that is one.
	sig, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(sig) != ed25519.SignatureSize || bytes.ContainsAny(text, "\r\n") {
		return "", fmt.Errorf("%s holds no signature: sign the files again", SignatureFile)
	}
	for _, k := range keys {
		if len(k.Key) == ed25519.PublicKeySize && ed25519.Verify(k.Key, message(signed), sig) {
			return k.Name, nil
		}
	}
	return "", errors.New("the files were signed by nobody this box knows, or changed since: sign them with a key of the policy's stick.signers")
}

func message(manifest []byte) []byte { return append([]byte(preface), manifest...) }

func read(signed []byte) (manifest, error) {
	d := json.NewDecoder(bytes.NewReader(signed))
	d.DisallowUnknownFields()
	var m manifest
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("%s cannot be read: %w", ManifestFile, err)
	}
	if m.Format != format {
		return m, fmt.Errorf("%s has layout %d, and this version knows %d: update the box first", ManifestFile, m.Format, format)
	}
	return m, nil
}

// matches tells whether the files are those of the manifest, no more and no fewer. Reports that boxes wrote do not count.
func (m manifest) matches(files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		data, there := files[name]
		if !there {
			return fmt.Errorf("%s is listed in %s and missing", name, ManifestFile)
		}
		if sum(data) != m.Files[name] {
			return fmt.Errorf("%s was changed after it was signed", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if _, listed := m.Files[name]; !listed && sealed(name) {
			return fmt.Errorf("%s was added after the files were signed", name)
		}
	}
	return nil
}

// sealed tells whether a file belongs to what is signed.
func sealed(name string) bool {
	return name != ManifestFile && name != SignatureFile && !strings.HasPrefix(name, ReportPrefix)
}

// ReportPrefix begins the names of the files that a box writes beside a bundle.
const ReportPrefix = "report-"

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// Sign makes the two files that seal others. number must be higher than that of any bundle these boxes took; no boxes means
// every box.
func Sign(files map[string][]byte, number uint64, boxes []string, key ed25519.PrivateKey) (signed, signature []byte, err error) {
	if number == 0 {
		return nil, nil, errors.New("bundles are numbered from 1")
	}
	m := manifest{Format: format, Number: number, Boxes: boxes, Files: map[string]string{}}
	for name, data := range files {
		if sealed(name) {
			m.Files[name] = sum(data)
		}
	}
	if signed, err = json.MarshalIndent(m, "", "  "); err != nil {
		return nil, nil, fmt.Errorf("write the manifest: %w", err)
	}
	signed = append(signed, '\n')
	signature = base64.StdEncoding.AppendEncode(nil, ed25519.Sign(key, message(signed)))
	return signed, append(signature, '\n'), nil
}
