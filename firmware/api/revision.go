package api

import (
	"fmt"
	"strings"
	"time"

	"tollgate/firmware/policy"
)

// ImportRequest brings a whole policy document.
type ImportRequest struct {
	Document string `json:"document" doc:"The policy, YAML, as one text. A secret written *** keeps the one in force."`
	Why      string `json:"why,omitempty" maxLength:"500" doc:"A note for the list of revisions."`
}

// ImportResult says what an import changed and whether it is on trial.
type ImportResult struct {
	Revision Revision `json:"revision" doc:"The revision now in force. State proposed: on trial until its deadline."`
	Changes  []Change `json:"changes" nullable:"false" doc:"Empty when the document says what was in force already."`

	Warnings []Warning `json:"warnings" nullable:"false" doc:"What works and has its price; to be shown in red."`
}

// Warning is something in the policy that works and that the operator should know the price of.
type Warning struct {
	Peer string `json:"peer" doc:"Whom it concerns: pbx, phones or the name of a trunk."`
	Path string `json:"path" doc:"Where it stands in the policy, such as trunks[0].transport."`
	Text string `json:"text" doc:"What it costs, as a sentence."`
}

// Warnings shows those of a policy.
func Warnings(p *policy.Policy, now time.Time) []Warning {
	all := []Warning{}
	for _, w := range p.Warnings(now) {
		all = append(all, Warning{Peer: warned(p, w.Path), Path: w.Path, Text: w.Text})
	}
	return all
}

// warned is the peer that a path of the policy leads to.
func warned(p *policy.Policy, path string) string {
	var i int
	if _, err := fmt.Sscanf(path, "trunks[%d]", &i); err == nil && i < len(p.Trunks) {
		return p.Trunks[i].Name
	}
	section, _, _ := strings.Cut(path, ".")
	return section
}

// Change is one difference between two policies; secrets are masked.
type Change struct {
	Path string `json:"path"`
	Old  string `json:"old" doc:"Empty when it is new."`
	New  string `json:"new" doc:"Empty when it is gone."`
}

// ConfirmRequest names the revision the person has seen working.
type ConfirmRequest struct {
	Revision uint64 `json:"revision" doc:"Number of the revision on trial."`
}
