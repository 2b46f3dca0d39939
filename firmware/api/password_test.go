package api

import (
	"bytes"
	"crypto/rand"
	"regexp"
	"strings"
	"testing"
)

func TestAFirstPasswordIsEasyToTypeAndNeverTheSame(t *testing.T) {
	form := regexp.MustCompile(`^[a-hjkmnp-z2-9]{4}(-[a-hjkmnp-z2-9]{4}){3}$`)
	seen := map[string]bool{}
	for range 200 {
		p, err := newFirstPassword(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if !form.MatchString(p) {
			t.Errorf("%q is hard to type", p)
		}
		if seen[p] {
			t.Errorf("%q came twice", p)
		}
		if weak := weakness(p); weak != nil && weak.Type == PasswordTooShort {
			t.Errorf("%q: %v", p, weak)
		}
		seen[p] = true
	}
}

func TestAFirstPasswordFavoursNoSign(t *testing.T) {
	// Every byte once: those that would make some signs likelier are passed over.
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	counts := map[rune]int{}
	source := bytes.NewReader(bytes.Repeat(all, 31))
	for range 248 * 31 / 16 {
		p, err := newFirstPassword(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range strings.ReplaceAll(p, "-", "") {
			counts[r]++
		}
	}
	for _, r := range firstAlphabet {
		if n := counts[r]; n < 247 || n > 249 {
			t.Errorf("%c came %d times in 31 rounds, want 248", r, n)
		}
	}
}

func TestAFirstPasswordIsNotMadeWithoutRandomness(t *testing.T) {
	if p, err := newFirstPassword(strings.NewReader("short")); err == nil {
		t.Errorf("made %q from nothing", p)
	}
}

func TestAWeakPasswordIsRefusedWithItsReason(t *testing.T) {
	for _, c := range []struct {
		password string
		want     ProblemType
	}{
		{"", PasswordTooShort},
		{"fifteen letters", PasswordTooShort},
		{"sixteen  letters", ""},
		{"quinze lettres é", ""}, // counted in characters, not in bytes
		{"éééééééééééééé1", PasswordTooShort},
		{strings.Repeat("a", 40), PasswordTooSimple},
		{strings.Repeat("abcd", 4), PasswordTooSimple},
		{strings.Repeat("abcde", 4), ""},
		{strings.Repeat("abcde", 52), PasswordTooLong},
	} {
		got := weakness(c.password)
		switch {
		case got == nil && c.want != "":
			t.Errorf("%q was taken", c.password)
		case got != nil && got.Type != c.want:
			t.Errorf("%q: %v, want %q", c.password, got, c.want)
		case got != nil && (got.Remedy == "" || strings.Contains(got.Error(), c.password) && c.password != ""):
			t.Errorf("%q: bad words: %v", c.password, got)
		}
	}
}

func TestAPasswordIsKeptAsArgon2idAndRecognised(t *testing.T) {
	hash, err := hashPassword(goodPassword, boardCost(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=32768,t=3,p=1$") || strings.Contains(hash, goodPassword) {
		t.Errorf("kept as %s", hash)
	}
	again, err := hashPassword(goodPassword, boardCost(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if again == hash {
		t.Error("the same password has the same hash twice: no salt")
	}
	for password, want := range map[string]bool{goodPassword: true, goodPassword + " ": false, "": false} {
		if got, err := matchesHash(hash, password); err != nil || got != want {
			t.Errorf("%q matches: %v, %v", password, got, err)
		}
	}
}

func TestADamagedHashLetsNobodyInAndTakesNoMemory(t *testing.T) {
	const salt, sum = "c29tZXNhbHRzb21lc2FsdA", "dZKHLGWoOmiexWOqu1U8jhRj4z9ZUDUuGMoLTjLOGFw"
	for _, hash := range []string{
		"", "$", "plain", "$argon2id$v=19$m=32768,t=3,p=1$$", "$argon2i$v=19$m=32768,t=3,p=1$" + salt + "$" + sum,
		"$argon2id$v=16$m=32768,t=3,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=4294967295,t=3,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=32768,t=0,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=32768,t=4000000,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=32768,t=3,p=0$" + salt + "$" + sum,
		"$argon2id$v=19$m=32768,t=3,p=1$" + salt + "$AAAA",
		"$argon2id$v=19$m=32768,t=3,p=1$" + salt + "$not base64",
	} {
		ok, err := matchesHash(hash, "")
		if ok || err == nil {
			t.Errorf("%q: matches %v, error %v", hash, ok, err)
		}
		if err != nil && hash != "" && hash != "$" && strings.Contains(err.Error(), hash) {
			t.Errorf("the error repeats the hash: %v", err)
		}
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=32768,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$dZKHLGWoOmiexWOqu1U8jhRj4z9ZUDUuGMoLTjLOGFw")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, hash string) {
		h, err := parseHash(hash)
		if err == nil && (h.memory > 64<<10 || h.time < 1 || h.time > 10 || h.threads < 1 || h.threads > 4 || len(h.sum) > 64) {
			t.Errorf("%q was read as %+v", hash, h)
		}
	})
}

func TestAFirstPasswordIsHashedWithoutHoldingTheStartUp(t *testing.T) {
	k := newKeyring(&memory{values: map[string][]byte{}}, rand.Reader, boardCost())
	if _, err := k.ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := k.load()
	if err != nil || !strings.HasPrefix(a.First, "$argon2id$v=19$m=1024,t=1,p=1$") {
		t.Errorf("%q, %v", a.First, err)
	}
	if err := k.change(t.Context(), goodPassword); err != nil {
		t.Fatal(err)
	}
	if a, err = k.load(); err != nil || !strings.HasPrefix(a.Hash, "$argon2id$v=19$m=32768,t=3,p=1$") {
		t.Errorf("%q, %v", a.Hash, err)
	}
}
