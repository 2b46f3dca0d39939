package bundle

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
)

var newest = System{File: "system", Board: "virt", Release: "1.1.0", Built: 1001}

// packed is a bundle with a system and settings, signed by a key that may sign both.
func packed(t testing.TB, by byte, system *System, content map[string]string) []byte {
	t.Helper()
	files := map[string]Content{}
	for name, text := range content {
		files[name] = strings.NewReader(text)
	}
	var out bytes.Buffer
	if err := Write(&out, files, system, 5, []string{"B7"}, key(by)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func both() map[string]string {
	return map[string]string{"policy.yaml": "version: 1\n", "system": strings.Repeat("the new system. ", 9000)}
}

// unpack reads a whole bundle.
func unpack(packed []byte, t Trust) (map[string]string, error) {
	b, err := Open(bytes.NewReader(packed), t)
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	for {
		name, _, err := b.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(b)
		if err != nil {
			return nil, err
		}
		got[name] = string(content)
	}
}

// fleet believes one key for everything, which stands in two lists.
func fleet() Trust {
	return Trust{Serial: "b7", Last: 4, Keys: []Key{{"fleet", public(1), Settings}, {"image", public(1), Systems}, {"integrator", public(2), Settings}, {"maker", public(3), Systems}}}
}

func TestABundleInOneFileComesOutAsItWentIn(t *testing.T) {
	for _, tc := range []struct {
		by      byte
		system  *System
		content map[string]string
	}{
		{1, &newest, both()},
		{2, nil, map[string]string{"bans.txt": "203.0.113.0/24\n", "policy.yaml": ""}},
		{3, &newest, map[string]string{"system": "s"}},
	} {
		got, err := unpack(packed(t, tc.by, tc.system, tc.content), fleet())
		if err != nil || !maps.Equal(got, tc.content) {
			t.Errorf("key %d: %d files, %v", tc.by, len(got), err)
		}
	}
	// Who passes over a file has it verified all the same.
	b, err := Open(bytes.NewReader(packed(t, 1, &newest, both())), fleet())
	if err != nil || *b.System != newest || b.Seal != (Seal{"fleet", 5}) {
		t.Fatalf("%+v, %v", b, err)
	}
	for range 2 {
		if _, _, err := b.Next(); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := b.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestABundleInOneFileIsTakenOnlyAsItWasSigned(t *testing.T) {
	whole := packed(t, 1, &newest, both())
	head := bytes.Index(whole, []byte("version"))
	flipped := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 4
		return b
	}
	for name, tc := range map[string]struct {
		packed []byte
		trust  Trust
		want   string
	}{
		"something else":             {bytes.Repeat([]byte("PK\x03\x04"), 50_000), fleet(), "no bundle of Tollgate"},
		"first line alone":           {[]byte(magic), fleet(), "first lines"},
		"a line without an end":      {[]byte(magic + strings.Repeat("A", 2*longLine)), fleet(), "too long"},
		"a stranger's":               {packed(t, 9, &newest, both()), fleet(), "nobody this box knows"},
		"a bit of the manifest":      {flipped(head - 10), fleet(), "nobody this box knows"},
		"a bit of the settings":      {flipped(head), fleet(), "policy.yaml was changed"},
		"a bit of the system":        {flipped(len(whole) - 10), fleet(), "system was changed"},
		"cut off":                    {whole[:len(whole)-1], fleet(), "ends within system, and 1 bytes are missing"},
		"longer":                     {append(bytes.Clone(whole), 0), fleet(), "longer than it says"},
		"a system by an integrator":  {packed(t, 2, &newest, both()), fleet(), "may sign settings only"},
		"settings by who makes both": {packed(t, 3, &newest, both()), fleet(), "may sign systems only"},
		"settings taken before":      {whole, Trust{Serial: "B7", Last: 5, Keys: fleet().Keys}, "number 5 was taken already"},
		"another box's":              {whole, Trust{Serial: "C1", Keys: fleet().Keys}, "for B7, and this box is C1"},
	} {
		if _, err := unpack(tc.packed, tc.trust); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	// A system's age is not told by the bundle's number.
	if _, err := unpack(packed(t, 3, &newest, map[string]string{"system": "s"}), Trust{Serial: "B7", Last: 99, Keys: fleet().Keys}); err != nil {
		t.Errorf("a system with a low number: %v", err)
	}
}

func TestASystemThatDoesNotSayWhatItIsIsNotSigned(t *testing.T) {
	for _, s := range []System{{}, {File: "other", Board: "virt", Built: 1}, {File: "system", Built: 1}, {File: "system", Board: "virt"}} {
		if err := Write(io.Discard, map[string]Content{"system": strings.NewReader("s")}, &s, 1, nil, key(1)); err == nil {
			t.Errorf("%+v was signed", s)
		}
	}
}

func TestKeysAreRead(t *testing.T) {
	const line = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	if keys, err := ParseKeys("# ours\n\n"+line+"\n", "maker", Systems); len(keys) != 1 || err != nil || keys[0].May != Systems {
		t.Errorf("%+v, %v", keys, err)
	}
	if _, err := ParseKeys("\n"+line[:20], "maker", Systems); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("%v", err)
	}
}

// Whatever is done to a bundle in one file, only what the key has signed is taken.
func FuzzOpen(f *testing.F) {
	small := map[string]string{"policy.yaml": "version: 1\n", "system": "s"} // large inputs are searched slowly
	f.Add(packed(f, 1, &newest, small))
	f.Add([]byte(magic + "AAAA\n{}\n"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		got, err := unpack(packed, fleet())
		if err == nil && !maps.Equal(got, small) {
			t.Errorf("taken: %q", packed)
		}
	})
}
