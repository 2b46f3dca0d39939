package branch_test

import (
	"strings"
	"testing"

	"tollgate/scripts/lab/branch"
)

// The carrier takes the box's connection only with a certificate of its authority, and when it connects itself, the box
// takes it only with a certificate for the carrier's domain.
func TestBoxAndCarrierProveThemselvesByCertificates(t *testing.T) {
	for name, newConnection := range map[string]bool{"calls on the box's connection": false, "the carrier connects": true} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, build(t, branch.Wishes{MutualTLS: true, NewConnection: newConnection}))
		})
	}
}

func TestACertificateThatTheCarrierDoesNotKnowOpensNothing(t *testing.T) {
	b := build(t, branch.Wishes{MutualTLS: true, Stranger: true})
	err := b.Box.Await(t.Context(), "saying why the trunk is down", func(s branch.Status) bool {
		return len(s.Trunks) == 1 && s.Trunks[0].State == "down" && s.Trunks[0].Reason != ""
	})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := b.Carrier.Messages()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.Received && m.Source.Addr() == b.Lab.BoxPublic() && strings.HasPrefix(m.Text, "REGISTER") {
			t.Errorf("the carrier took a message of a box that it does not know:\n%s", m.Text)
		}
	}
}
