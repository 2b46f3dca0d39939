package bundle

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"maps"
	"strings"
	"testing"
)

func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(n byte) ed25519.PublicKey { return key(n).Public().(ed25519.PublicKey) }

var trust = Trust{Keys: []Key{{"old integrator", public(9), Settings}, {"integrator", public(1), Settings}, {"the maker", public(3), Systems}}, Serial: "B7", Names: []string{"02-00-5e-00-53-01"}, Last: 4}

func files() map[string][]byte {
	return map[string][]byte{"policy.yaml": []byte("version: 1\n"), "bans.txt": []byte("203.0.113.0/24\n")}
}

// signed is a bundle as somebody made it.
func signed(t testing.TB, number uint64, by byte, boxes ...string) map[string][]byte {
	t.Helper()
	f := files()
	m, sig, err := Sign(f, number, boxes, key(by))
	if err != nil {
		t.Fatal(err)
	}
	f[ManifestFile], f[SignatureFile] = m, sig
	return f
}

func TestABundleIsTakenOnlyAsItWasSigned(t *testing.T) {
	change := func(f map[string][]byte, name, data string) map[string][]byte {
		f[name] = []byte(data)
		return f
	}
	without := func(f map[string][]byte, name string) map[string][]byte {
		delete(f, name)
		return f
	}
	signature := func(f map[string][]byte, write func(string) string) map[string][]byte {
		return change(f, SignatureFile, write(string(f[SignatureFile])))
	}
	other := signed(t, 6, 1)
	for _, tc := range []struct {
		name  string
		files map[string][]byte
		want  string // part of the refusal; "" taken
	}{
		{"for every box", signed(t, 5, 1), ""},
		{"for this one among others, in small letters", signed(t, 5, 1, "a1", "b7"), ""},
		{"with the report of a box that took it", change(signed(t, 5, 1), "report-a1-2026-11-22.txt", "fine"), ""},
		{"not signed", files(), "not signed"},
		{"signature missing", without(signed(t, 5, 1), SignatureFile), "manifest.sig is missing"},
		{"signature cut off", change(signed(t, 5, 1), SignatureFile, "AAAA"), "signature is none"},
		{"signature with white space around it", signature(signed(t, 5, 1), func(s string) string { return "\r\n " + s + "\n" }), ""},
		{"signature with bits that say nothing", signature(signed(t, 5, 1), otherTrailingBits), "signature is none"},
		{"signature over two lines", signature(signed(t, 5, 1), func(s string) string { return s[:40] + "\n" + s[40:] }), "signature is none"},
		{"signature with a carriage return within", signature(signed(t, 5, 1), func(s string) string { return s[:40] + "\r" + s[40:] }), "signature is none"},
		{"signature of another bundle", change(signed(t, 5, 1), SignatureFile, string(other[SignatureFile])), "nobody this box knows"},
		{"for one of its ports", signed(t, 5, 1, "02-00-5E-00-53-01"), ""},
		{"signed by a key for systems", signed(t, 5, 3), "may sign systems only"},
		{"signed by a stranger", signed(t, 5, 2), "nobody this box knows"},
		{"manifest with one more space", change(signed(t, 5, 1), ManifestFile, string(signed(t, 5, 1)[ManifestFile])+" "), "nobody this box knows"},
		{"taken before", signed(t, 4, 1), "number 4 was taken already"},
		{"older", signed(t, 1, 1), "higher number"},
		{"for another box", signed(t, 5, 1, "A1"), "for A1, and this box is B7"},
		{"a bit flipped", change(signed(t, 5, 1), "policy.yaml", "version: 0\n"), "policy.yaml was changed"},
		{"cut off", change(signed(t, 5, 1), "policy.yaml", ""), "policy.yaml was changed"},
		{"a file taken out", without(signed(t, 5, 1), "bans.txt"), "bans.txt is listed"},
		{"a file added", change(signed(t, 5, 1), "certificate.pem", "x"), "certificate.pem was added"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			seal, err := Check(tc.files, trust)
			if tc.want == "" {
				if err != nil || seal != (Seal{"integrator", 5}) {
					t.Errorf("%+v, %v", seal, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v does not say %q", err, tc.want)
			}
			if errors.Is(err, ErrUnsigned) != (tc.name == "not signed") {
				t.Errorf("unsigned: %v", errors.Is(err, ErrUnsigned))
			}
		})
	}
}

// otherTrailingBits writes a signature in base64 with other bits behind the last byte, which a careless decoder drops.
func otherTrailingBits(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	at := strings.IndexByte(s, '=') - 1
	return s[:at] + string(alphabet[strings.IndexByte(alphabet, s[at])+1]) + s[at+1:]
}

func TestANumberBelowOneIsNotSigned(t *testing.T) {
	if _, _, err := Sign(files(), 0, nil, key(1)); err == nil {
		t.Error("number 0 was signed")
	}
}

// Whatever is done to a bundle, only what the key has signed is taken.
func FuzzCheck(f *testing.F) {
	good := signed(f, 5, 1)
	f.Add(good[ManifestFile], good[SignatureFile], good["policy.yaml"])
	f.Add([]byte(`{"tollgate":1,"number":99,"files":{}}`), []byte("AAAA"), []byte("x"))
	f.Fuzz(func(t *testing.T, m, sig, document []byte) {
		b := map[string][]byte{ManifestFile: m, SignatureFile: sig, "policy.yaml": document, "bans.txt": good["bans.txt"]}
		if _, err := Check(b, trust); err == nil && !maps.EqualFunc(b, good, bytes.Equal) {
			// White space around the signature may differ.
			if b[SignatureFile] = bytes.TrimSpace(sig); !bytes.Equal(b[SignatureFile], bytes.TrimSpace(good[SignatureFile])) || !bytes.Equal(m, good[ManifestFile]) || !bytes.Equal(document, good["policy.yaml"]) {
				t.Errorf("taken: %q %q %q", m, sig, document)
			}
		}
	})
}
