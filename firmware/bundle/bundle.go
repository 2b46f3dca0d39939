// Package bundle seals the files that a box is to take, so that it can tell who wrote them and that nothing was added, changed
// or brought back from an earlier time.
//
// A bundle is a set of files and a manifest that lists each with its size and SHA-256 sum, the boxes it is for and a number that
// grows from one bundle to the next. The manifest is signed with Ed25519 (RFC 8032). The files lie side by side in a folder, as on
// a stick, or one behind the other in a single file, which may hold a system for the box too:
//
//	tollgate-bundle 2
//	the signature, in base64
//	the manifest, as JSON on one line
//	the files as they are, in the order of their names
//
// A key that is believed may sign settings, systems or both. A system is never in the folder form: it is too large to be judged in
// memory, and Reader hands it on as it comes.
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

// format is the number of the layout.
const format = 2

// preface keeps a signature of a manifest from being one of anything else.
const preface = "tollgate manifest\n"

// manifest is what is signed.
type manifest struct {
	Format int             `json:"tollgate"`
	Number uint64          `json:"number"`
	Boxes  []string        `json:"boxes,omitempty"` // serial numbers; none: every box
	System *System         `json:"system,omitempty"`
	Files  map[string]file `json:"files"` // by name
}

type file struct {
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // in hexadecimal digits
}

// System is what a bundle says of the system in it.
type System struct {
	File    string `json:"file"`    // which of the files it is
	Board   string `json:"board"`   // "virt"
	Release string `json:"release"` // for people
	Built   int64  `json:"built"`   // Unix seconds; what is newer has more
}

// Key is somebody whose bundles are believed.
type Key struct {
	Name string
	Key  ed25519.PublicKey
	May  Grant
}

// Grant is what a key may sign.
type Grant uint8

// The grants; a key may have both, also by standing in a list twice.
const (
	Settings Grant = 1 << iota // every file but a system
	Systems
)

// Trust is what a box believes.
type Trust struct {
	Keys   []Key
	Serial string   // of this box
	Names  []string // other names that it goes by, such as the MAC addresses of its ports
	Last   uint64   // number of the latest bundle with settings that was taken; 0: none
}

// Seal says what a bundle's seal is worth.
type Seal struct {
	Signer string // name of the key
	Number uint64
}

// ErrUnsigned says that the files have no manifest, so that nobody vouches for them.
var ErrUnsigned = errors.New("the files are not signed: there is no " + ManifestFile)

// Check tells whether the files of a folder are what a believed key has signed for this box. The error is ErrUnsigned when they
// have no manifest at all, else a sentence with what to do.
func Check(files map[string][]byte, t Trust) (Seal, error) {
	signed, there := files[ManifestFile]
	if !there {
		return Seal{}, ErrUnsigned
	}
	m, signer, err := t.admit(signed, files[SignatureFile])
	if err != nil {
		return Seal{}, err
	}
	if m.System != nil {
		return Seal{}, errors.New("a system comes in a file whose name ends in " + Suffix + ", and not in a folder")
	}
	return Seal{Signer: signer, Number: m.Number}, m.matches(files)
}

// admit judges a bundle by its manifest, and believes nothing in it before the signature is that of a key.
func (t Trust) admit(signed, signature []byte) (manifest, string, error) {
	signer, may, err := verify(signed, signature, t.Keys)
	if err != nil {
		return manifest{}, "", err
	}
	m, err := read(signed)
	if err != nil {
		return manifest{}, "", err
	}
	settings := len(m.Files) > 1 || m.System == nil
	switch {
	case len(m.Boxes) > 0 && !slices.ContainsFunc(m.Boxes, t.is):
		return m, "", fmt.Errorf("these files are for %s, and this box is %s", strings.Join(m.Boxes, ", "), t.Serial)
	case m.System != nil && may&Systems == 0:
		return m, "", fmt.Errorf("%s signed this system, and may sign settings only: systems are signed by who made the image of this box", signer)
	case settings && may&Settings == 0:
		return m, "", fmt.Errorf("%s signed these settings, and may sign systems only: name the key in the policy's signers", signer)
	case settings && m.Number <= t.Last:
		return m, "", fmt.Errorf("these files have number %d, and number %d was taken already: sign them anew with a higher number", m.Number, t.Last)
	}
	return m, signer, nil
}

// is tells whether this box goes by a name.
func (t Trust) is(name string) bool {
	return strings.EqualFold(name, t.Serial) || slices.ContainsFunc(t.Names, func(n string) bool { return strings.EqualFold(n, name) })
}

// verify names the key that signed the manifest, and what it may sign.
func verify(signed, signature []byte, keys []Key) (signer string, may Grant, err error) {
	if len(signature) == 0 {
		return "", 0, fmt.Errorf("%s is missing: sign the files again", SignatureFile)
	}
	text := bytes.TrimSpace(signature)
	// A decoder passes over line ends, strict or not: a signature is written in one way, so that no text but that is one.
	sig, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(sig) != ed25519.SignatureSize || bytes.ContainsAny(text, "\r\n") {
		return "", 0, errors.New("the signature is none: sign the files again")
	}
	for _, k := range keys {
		if len(k.Key) == ed25519.PublicKeySize && ed25519.Verify(k.Key, message(signed), sig) {
			if may |= k.May; signer == "" {
				signer = k.Name
			}
		}
	}
	if may == 0 {
		return "", 0, errors.New("the files were signed by nobody this box knows, or changed since: sign them with a key that its policy or its image names")
	}
	return signer, may, nil
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
		return m, fmt.Errorf("%s has layout %d, and this version knows %d: sign the files with the version that runs on the box", ManifestFile, m.Format, format)
	}
	return m, m.whole()
}

// whole tells whether a manifest says of its files what a reader must know.
func (m manifest) whole() error {
	for name, f := range m.Files {
		if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != sha256.Size || f.Size < 0 || name == "" {
			return fmt.Errorf("%s tells neither size nor sum of %q", ManifestFile, name)
		}
	}
	if s := m.System; s != nil {
		if f, listed := m.Files[s.File]; !listed || f.Size == 0 || s.Board == "" || s.Built <= 0 {
			return fmt.Errorf("%s does not tell what system it is", ManifestFile)
		}
	}
	return nil
}

// matches tells whether the files are those of the manifest, no more and no fewer. Reports that boxes wrote do not count.
func (m manifest) matches(files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		data, there := files[name]
		if !there {
			return fmt.Errorf("%s is listed in %s and missing", name, ManifestFile)
		}
		if sum(data) != m.Files[name].SHA256 {
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
	m := manifest{Format: format, Number: number, Boxes: boxes, Files: map[string]file{}}
	for name, data := range files {
		if sealed(name) {
			m.Files[name] = file{Size: int64(len(data)), SHA256: sum(data)}
		}
	}
	return m.sign(key)
}

func (m manifest) sign(key ed25519.PrivateKey) (signed, signature []byte, err error) {
	if m.Number == 0 {
		return nil, nil, errors.New("bundles are numbered from 1")
	}
	if signed, err = json.Marshal(m); err != nil {
		return nil, nil, fmt.Errorf("write the manifest: %w", err)
	}
	signed = append(signed, '\n')
	signature = base64.StdEncoding.AppendEncode(nil, ed25519.Sign(key, message(signed)))
	return signed, append(signature, '\n'), nil
}
