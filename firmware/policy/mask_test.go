package policy

import (
	"strings"
	"testing"
)

func TestAMaskTakesTheSecretInForceOfTheSameUser(t *testing.T) {
	inForce := mustParse(t, small)
	masked := strings.Replace(small, "hunter2-hunter2-hunter2", `"***"`, 1)
	for _, c := range []struct{ name, doc, want string }{
		{"same trunk, same user", masked, ""},
		{"other trunk", strings.Replace(masked, "carrier-a", "carrier-b", 1), "trunks[0].accounts[0].secret"},
		{"other user", strings.Replace(masked, "alice", "bob", 1), "trunks[0].accounts[0].secret"},
		{"a PBX that had none", strings.Replace(masked, "192.0.2.20\n", "192.0.2.20\n  authentication: digest\n  user: x\n  secret: '***'\n", 1), "pbx.secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustParse(t, c.doc)
			faults := FillSecrets(p, inForce)
			if c.want != "" {
				if len(faults) != 1 || faults[0].Path != c.want || !p.masked() {
					t.Errorf("faults %v, want one at %s", faults, c.want)
				}
				return
			}
			if faults != nil || p.Trunks[0].Accounts[0].Secret != inForce.Trunks[0].Accounts[0].Secret {
				t.Errorf("faults %v, or another secret", faults)
			}
		})
	}
}

func TestASecretThatIsWrittenStays(t *testing.T) {
	p := mustParse(t, small)
	if faults := FillSecrets(p, nil); faults != nil {
		t.Error(faults)
	}
	if p.Trunks[0].Accounts[0].Secret.Reveal() != "hunter2-hunter2-hunter2" {
		t.Error("the secret changed")
	}
}
