package policy

import (
	"strings"
	"testing"
)

func TestANumberThatAdmissionLetsThroughMayBeOverflowedTo(t *testing.T) {
	const head = `
version: 1
site: {name: Lyon, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: eth0, address: 192.0.2.10/24}
  outside: {interface: eth1, address: 198.51.100.10/24}
pbx: {address: 192.0.2.20, overflow: NUMBER}
trunks:
  - {name: carrier-a, domain: carrier.example, accounts: [{user: alice, numbers: [+33423456700]}]}
`
	for name, c := range map[string]struct{ number, admission string }{
		"open by default":            {"+33612345678", ""},
		"its country is listed":      {"+4930123456", "admission: {countries: [eea]}"},
		"its class is listed":        {"+4930123456", "admission: {classes: [national, international]}"},
		"a rule allows it":           {"+4930123456", `admission: {rules: [{name: substitute, action: allow, prefixes: ["+4930"], via: [overflowed]}]}`},
		"denied at night alone":      {"+33612345678", `admission: {rules: [{name: night, action: deny, classes: [mobile], when: {from: "20:00", to: "07:00"}}]}`},
		"what is dialled is denied":  {"+33612345678", `admission: {rules: [{name: dialled, action: deny, classes: [mobile], via: [dialled]}]}`},
		"other numbers are denied":   {"+33612345678", `admission: {rules: [{name: others, action: deny, prefixes: ["+337", "118"]}]}`},
		"what comes in is denied":    {"+33612345678", `admission: {rules: [{name: in, action: deny, direction: in, callers: [anonymous]}]}`},
		"overseas, by its territory": {"+262262123456", "admission: {classes: [national], countries: [RE]}"},
	} {
		if _, err := Parse([]byte(strings.Replace(head, "NUMBER", c.number, 1) + c.admission + "\n")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
