package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestASecretNeverPrints(t *testing.T) {
	const value = "hunter2-hunter2-hunter2"
	p := mustParse(t, small)
	s := Secret(value)
	things := map[string]any{
		"secret": s, "pointer": &s, "account": p.Trunks[0].Accounts[0], "trunk": p.Trunks[0], "policy": *p, "policy pointer": p,
		"list": []Secret{s}, "map": map[string]Secret{"s": s}, "any": struct{ S any }{s}, "error": fmt.Errorf("%w: %v", fmt.Errorf("x"), s),
	}
	for name, thing := range things {
		for _, printed := range waysToPrint(t, thing) {
			if strings.Contains(printed, "hunter2") || strings.Contains(printed, fmt.Sprintf("%x", "hunter2")) {
				t.Errorf("%s prints its secret: %s", name, printed)
			}
		}
	}
	if s.Reveal() != value {
		t.Error("Reveal does not reveal")
	}
}

func waysToPrint(t *testing.T, thing any) []string {
	t.Helper()
	var out []string
	// Every verb but %p and %w, for which fmt asks no method of a secret. Go vet refuses both.
	for _, verb := range "vsqxXdtbcoOUeEfFgGTyz!" {
		for _, flags := range []string{"", "+", "#", "-20", "020", ".3", " "} {
			out = append(out, fmt.Sprintf("%"+flags+string(verb), thing))
		}
	}
	out = append(out, fmt.Sprint(thing), fmt.Sprintln(thing))
	asJSON, _ := json.Marshal(thing)
	asYAML, _ := yaml.Marshal(thing)
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "thing", thing)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "thing", thing, slog.Group("g", "thing", thing))
	return append(out, string(asJSON), string(asYAML), logged.String())
}

func TestAnEmptySecretPrintsNothing(t *testing.T) {
	if got := fmt.Sprintf("%s|%v|%q", Secret(""), Secret(""), Secret("")); got != "||" {
		t.Errorf("printed %q", got)
	}
}

// Whatever slip of the hand spoils the lines around a secret, no fault repeats it: not as a value that runs on, not as a
// key, not as a source line.
func TestNoSlipOfTheHandMakesAFaultRepeatASecret(t *testing.T) {
	const marker = "hunter2"
	from := strings.Index(small, "    accounts:")
	to := strings.Index(small, "        numbers:") + 20
	for at := from; at < to; at++ {
		mutants := []string{small[:at] + small[at+1:], small[:at] + "\n" + small[at+1:]}
		for _, r := range "\"':#-|>&*!%@`?,[]{}\n\t\\ =~x0" {
			mutants = append(mutants, small[:at]+string(r)+small[at:])
		}
		for _, doc := range mutants {
			_, err := Parse([]byte(doc))
			if err != nil && strings.Contains(err.Error(), marker) {
				t.Fatalf("at %q a fault repeats the secret:\n%v", doc[at-10:at+10], err)
			}
		}
	}
}
