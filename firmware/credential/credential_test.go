package credential

import (
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAPasswordOfTheBoxIsRandomLongAndSafeToType(t *testing.T) {
	count := map[rune]int{}
	seen := map[string]bool{}
	for range 2000 {
		p, err := New(rand.Reader)
		if err != nil || len(p) != Length || seen[p] {
			t.Fatalf("%q, %v", p, err)
		}
		seen[p] = true
		for _, r := range p {
			count[r]++
		}
		if len(seen)%10 > 0 {
			continue
		}
		if why := Weak(p, "office", "+33123456700"); why != "" {
			t.Errorf("%q %s", p, why)
		}
	}
	// 48,000 characters among 57: 842 of each, give or take 29; six times that happens never.
	for _, r := range alphabet {
		if n := count[r]; n < 660 || n > 1030 {
			t.Errorf("%q comes %d times", r, n)
		}
	}
	if strings.ContainsAny(alphabet, "0O1lI\"'\\$&;:@%#*!? ") || len(count) != len(alphabet) {
		t.Errorf("alphabet %q, used %d", alphabet, len(count))
	}
	if _, err := New(iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("without randomness: %v", err)
	}
}

func TestWeakPasswordsAreToldWithoutRepeatingThem(t *testing.T) {
	names := []string{"alice", "carrier.example", "tollgate", "+33423456700", "42"}
	for password, want := range map[string]string{
		"":                                     "has 0 characters where 16 are the least",
		"fifteen-letters":                      "has 15 characters",
		"Kd8Alice2vRq9wZm4t":                   "holds the user",
		"xxTOLLGATEyyy42vRq":                   "holds the user, realm",
		"q8w-33423456700-zZ":                   "holds a telephone number",
		"aaaaaaaaaaaaaaaaaaaaaaaa":             "is of a pattern",
		"passwordpassword1":                    "is of a pattern",
		"qwertyuiop123456":                     "is of a pattern",
		"0123456789abcdef":                     "is of a pattern",
		"Summer2026Lyon!!":                     "is of a pattern",
		"P4ssw0rdP4ssw0rd":                     "is of a pattern",
		"4Kq9-mZt7-xW2v-Rb8n":                  "",
		"correct battery horse 7 staple":       "",
		strings.Repeat("é7K", 8):               "is of a pattern",
		strings.Repeat("4Kq9mZt7xW2vRb8n", 64): "", // one of them would do
		strings.Repeat("4Kq9", 16):             "is of a pattern",
	} {
		got := Weak(password, names...)
		if want == "" != (got == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
		if len(password) > 3 && strings.Contains(got, password) {
			t.Errorf("%q repeats the password", got)
		}
	}
}

// An estimate of a long text must not hold a box up that reads a policy from somebody.
func FuzzWeak(f *testing.F) {
	f.Add("password1!password1!password1!", "alice")
	f.Add(strings.Repeat("1234", 64), "1234")
	f.Fuzz(func(t *testing.T, password, name string) {
		if len(password) > 1024 || len(name) > 128 {
			t.Skip()
		}
		if why := Weak(password, name); len(password) >= 4*Least && why != "" && strings.Contains(why, password) {
			t.Errorf("%q repeats the password", why)
		}
	})
}
