package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const most = 1 << 20

func identity(t testing.TB) Identity {
	t.Helper()
	i, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func sealed(t testing.TB, plain string, f For) []byte {
	t.Helper()
	s, err := Seal([]byte(plain), f)
	if err != nil {
		t.Fatal(err)
	}
	if len(plain) > 3 && bytes.Contains(s, []byte(plain)) {
		t.Fatal("it can be read")
	}
	return s
}

func TestWhatIsSealedForABoxOpensThereAlone(t *testing.T) {
	own, other := identity(t), identity(t)
	s := sealed(t, "the key of a trunk", For{Recipients: []string{other.Recipient(), own.Recipient()}})
	for _, i := range []Identity{own, other} {
		if plain, err := Open(s, most, i, ""); err != nil || string(plain) != "the key of a trunk" {
			t.Errorf("%q, %v", plain, err)
		}
	}
	for _, i := range []Identity{identity(t), {}} {
		if _, err := Open(s, most, i, "a pass phrase"); !errors.Is(err, ErrOther) {
			t.Errorf("somebody else: %v", err)
		}
	}
	kept, err := ParseIdentity(own.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := Open(s, most, kept, ""); err != nil || string(plain) != "the key of a trunk" {
		t.Errorf("after a restart: %q, %v", plain, err)
	}
}

func TestWhatIsSealedWithAPassPhraseAsksForIt(t *testing.T) {
	s := sealed(t, "everything", For{Phrase: "correct horse"})
	for phrase, want := range map[string]error{"": ErrPhrase, "another": ErrWrong, "correct horse": nil} {
		plain, err := Open(s, most, identity(t), phrase)
		if !errors.Is(err, want) || want == nil && string(plain) != "everything" {
			t.Errorf("%q: %q, %v", phrase, plain, err)
		}
	}
	costly := bytes.Replace(s, []byte(fmt.Sprintf(" %d\n", phraseWork)), []byte(" 19\n"), 1)
	if _, err := Open(costly, most, Identity{}, "correct horse"); err == nil || errors.Is(err, ErrWrong) {
		t.Errorf("a file that costs half a gigabyte: %v", err)
	}
}

func TestWhatWasChangedCutOffOrIsTooLongDoesNotOpen(t *testing.T) {
	own := identity(t)
	s := sealed(t, strings.Repeat("settings\n", 20_000), For{Recipients: []string{own.Recipient()}})
	flipped := bytes.Clone(s)
	flipped[len(s)-9] ^= 1
	for name, broken := range map[string][]byte{"flipped": flipped, "cut off": s[:len(s)-1], "cut at a piece": s[:len(s)-20_000], "empty": {}, "text": []byte("hello"), "a later version": []byte("age-encryption.org/v9\n")} {
		if plain, err := Open(broken, most, own, ""); err == nil {
			t.Errorf("%s: %d bytes were opened", name, len(plain))
		}
	}
	if _, err := Open(s, 179_999, own, ""); err == nil || !strings.Contains(err.Error(), "more than 179999 bytes") {
		t.Errorf("one byte too many: %v", err)
	}
	if plain, err := Open(s, 180_000, own, ""); err != nil || len(plain) != 180_000 {
		t.Errorf("%d, %v", len(plain), err)
	}
}

func TestWhoCanOpenItMustBeSaid(t *testing.T) {
	r := identity(t).Recipient()
	for _, f := range []For{{}, {Recipients: []string{r}, Phrase: "x"}, {Recipients: []string{r[:20]}}, {Recipients: []string{"AGE-SECRET-KEY-1"}}} {
		if _, err := Seal(nil, f); err == nil {
			t.Errorf("%q was taken", f)
		}
	}
}

func TestAKeyDoesNotPrint(t *testing.T) {
	i := identity(t)
	if text := fmt.Sprintf("%v %+v %#v %s %q %x", i, i, i, i, i, i) + fmt.Sprint(i.LogValue(), Identity{}); strings.Contains(text, "SECRET") || strings.Contains(text, i.Reveal()) {
		t.Error(text)
	}
	if _, err := ParseIdentity(i.Reveal()[:40]); err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
}

// Whatever a file is, opening it ends with an error or with what was sealed, never with more than was asked for.
func FuzzOpen(f *testing.F) {
	own := identity(f)
	f.Add(sealed(f, "settings", For{Recipients: []string{own.Recipient()}}), 100)
	f.Add(sealed(f, strings.Repeat("settings", 9000), For{Recipients: []string{own.Recipient()}}), 7)
	f.Add([]byte("age-encryption.org/v1\n-> X25519 a\nb\n--- c\n"), 0)
	f.Fuzz(func(t *testing.T, sealed []byte, most int) {
		if most = most & 0xfffff; ByPhrase(sealed) {
			return // each would cost a second
		}
		if plain, err := Open(sealed, most, own, ""); err == nil && len(plain) > most {
			t.Errorf("%d bytes of at most %d", len(plain), most)
		}
	})
}
