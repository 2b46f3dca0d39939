package credential

import (
	"strings"
	"testing"
	"time"
)

// Whoever sends the box a policy must not be able to keep it busy with its passwords.
func TestNoPasswordTakesLongToJudge(t *testing.T) {
	for _, p := range []string{
		strings.Repeat("4@({[<3695!|10$7+2%zZx", 10), strings.Repeat("password1!", 20) + "x", "p4ssw0rd" + strings.Repeat("$5|!", 20),
		strings.Repeat("19/11/1999-", 10), strings.Repeat("a1", 30) + "b", strings.Repeat("qwerty", 12) + "x", "4@3!0$7+abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzab",
	} {
		began := time.Now()
		Weak(p)
		if took := time.Since(began); took > 2*time.Second { // some milliseconds, unless the machine is very busy
			t.Errorf("%q: %v", p, took)
		}
	}
}
