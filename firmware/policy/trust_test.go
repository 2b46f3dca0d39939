package policy

import (
	"os"
	"strings"
	"testing"
)

// authorities returns two certificates with remarks between them, as bundles come.
func authorities() (string, error) {
	b, err := os.ReadFile("testdata/authorities.pem")
	return string(b), err
}

func TestTrustIsCertificatesAndNothingElse(t *testing.T) {
	two, err := authorities()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, pem, problem string }{
		{"two certificates", two, ""},
		{"blanks around them", "\n\n" + two + "  \n", ""},
		{"nothing", " ", "is not PEM"},
		{"a word", "hunter2", "is not PEM"},
		{"cut off", two[:len(two)-40], "holds something that is not PEM after certificate 1"},
		{"something behind", two + "hunter2", "holds something that is not PEM after certificate 2"},
		{"a key", two + "-----BEGIN EC PRIVATE KEY-----\naHVudGVyMg==\n-----END EC PRIVATE KEY-----\n", "holds a private key, which has no place here"},
		{"a request", "-----BEGIN CERTIFICATE REQUEST-----\naHVudGVyMg==\n-----END CERTIFICATE REQUEST-----\n", "holds PEM that is no certificate"},
		{"no certificate within", "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n", "certificate 1 cannot be read"},
	} {
		if _, problem := certificates(c.pem); problem != c.problem {
			t.Errorf("%s: %q, want %q", c.name, problem, c.problem)
		}
	}
}

func TestTheSameCertificatesAreTheSameText(t *testing.T) {
	two, err := authorities()
	if err != nil {
		t.Fatal(err)
	}
	tidy := tidyTrust(two)
	if tidyTrust(tidy) != tidy || tidyTrust("\n# mine\n"+two) != tidy || strings.Contains(tidy, "#") {
		t.Error("tidying is not stable")
	}
	for _, s := range []string{"", TrustSystem, "hunter2"} {
		if tidyTrust(s) != s {
			t.Errorf("%q was changed", s)
		}
	}
}
