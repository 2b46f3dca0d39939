package bundle

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
)

// Suffix ends the name of a file that is a whole bundle.
const Suffix = ".bundle"

const (
	magic = "tollgate-bundle 2\n"
	// longLine is more than the manifest of any bundle of ours has, in bytes.
	longLine = 64 << 10
)

// Content is a file that goes into a bundle, read from its beginning.
type Content = io.ReadSeeker

// Write writes a bundle of files to w as one file and signs it. system says what one of them is; nil: none is a system. number and
// boxes are those of Sign.
func Write(w io.Writer, files map[string]Content, system *System, number uint64, boxes []string, key ed25519.PrivateKey) error {
	m := manifest{Format: format, Number: number, Boxes: boxes, System: system, Files: map[string]file{}}
	for name, content := range files {
		h := sha256.New()
		size, err := io.Copy(h, content)
		if err == nil {
			_, err = content.Seek(0, io.SeekStart)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		m.Files[name] = file{Size: size, SHA256: hex.EncodeToString(h.Sum(nil))}
	}
	if err := m.whole(); err != nil {
		return err
	}
	signed, signature, err := m.sign(key)
	if err != nil {
		return err
	}
	if len(signed) > longLine {
		return errors.New("the manifest is too long: a bundle holds a few files for a few boxes")
	}
	if _, err := fmt.Fprintf(w, "%s%s%s", magic, signature, signed); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		if _, err := io.Copy(w, files[name]); err != nil {
			return fmt.Errorf("write the bundle: %w", err)
		}
	}
	return nil
}

// Reader reads a bundle that is one file. What it hands on is as it was signed only when Next or Read has told the end of the
// file at hand without an error.
type Reader struct {
	Seal   Seal
	System *System // nil: the bundle holds none

	from  *bufio.Reader
	files map[string]file
	names []string // that are still to come
	name  string   // the file at hand
	left  int64    // bytes of it
	sum   hash.Hash
	err   error
}

// Open reads the first lines of a bundle. It fails with a sentence unless they are what a believed key has signed for this box.
func Open(r io.Reader, t Trust) (*Reader, error) {
	from := bufio.NewReader(r)
	first, err := readLine(from)
	if err != nil || string(first) != magic {
		return nil, errors.New("this is no bundle of Tollgate, or one of a kind that this version does not know")
	}
	signature, err := readLine(from)
	if err != nil {
		return nil, err
	}
	signed, err := readLine(from)
	if err != nil {
		return nil, err
	}
	m, signer, err := t.admit(signed, signature)
	if err != nil {
		return nil, err
	}
	return &Reader{
		Seal: Seal{Signer: signer, Number: m.Number}, System: m.System,
		from: from, files: m.Files, names: slices.Sorted(maps.Keys(m.Files)),
	}, nil
}

// readLine reads a line with its end, and no more than a line of ours can be long.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for len(line) < longLine {
		b, err := r.ReadByte()
		if err != nil {
			return nil, errors.New("the bundle ends within its first lines")
		}
		if line = append(line, b); b == '\n' {
			return line, nil
		}
	}
	return nil, errors.New("this is no bundle of Tollgate: its first lines are too long")
}

// Next goes to the next file and tells its name and its size in bytes. The error is io.EOF when there is none and the bundle has
// ended.
func (b *Reader) Next() (name string, size int64, err error) {
	if b.sum != nil { // what is left of the file at hand is verified as well
		if _, err := io.Copy(io.Discard, b); err != nil {
			return "", 0, err
		}
	}
	if b.err != nil {
		return "", 0, b.err
	}
	if len(b.names) == 0 {
		switch _, err := b.from.ReadByte(); {
		case err == nil:
			b.err = errors.New("the bundle is longer than it says")
		case errors.Is(err, io.EOF):
			b.err = io.EOF
		default:
			b.err = fmt.Errorf("read the bundle: %w", err)
		}
		return "", 0, b.err
	}
	b.name, b.names = b.names[0], b.names[1:]
	b.left, b.sum = b.files[b.name].Size, sha256.New()
	return b.name, b.left, nil
}

// Sum is what a file of the bundle has as its SHA-256 sum; nil: it holds none of that name.
func (b *Reader) Sum(name string) []byte {
	sum, _ := hex.DecodeString(b.files[name].SHA256)
	return sum
}

// Read reads from the file at hand. The error is io.EOF at its end when it is as it was signed.
func (b *Reader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.sum == nil {
		return 0, io.EOF
	}
	if b.left == 0 {
		return 0, b.end()
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.sum.Write(p[:n])
	b.left -= int64(n)
	if err != nil && b.left > 0 {
		if b.err = fmt.Errorf("read %s: %w", b.name, err); errors.Is(err, io.EOF) {
			b.err = fmt.Errorf("the bundle ends within %s, and %d bytes are missing", b.name, b.left)
		}
		return n, b.err
	}
	return n, nil
}

// end judges the file at hand, which was read whole.
func (b *Reader) end() error {
	sum := hex.EncodeToString(b.sum.Sum(nil))
	if b.sum = nil; sum != b.files[b.name].SHA256 {
		b.err = fmt.Errorf("%s was changed on the way: its checksum is wrong", b.name)
		return b.err
	}
	return io.EOF
}
