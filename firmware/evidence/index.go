package evidence

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"tollgate/firmware/api"
)

// words are those of an index in one language. The reasons in it are sentences of the box, which speaks English.
type words struct {
	title, box, zone, key, check, policy, none    string
	calls, alarms, refusals                       string
	from, to, trunk, answered, ended, rule, steps string
	found, action, simulated, times               string
}

var english = words{
	title: "Evidence of a telephone gateway", box: "Box %s, release %s", zone: "Times are in UTC, and of the office (%s) behind them.",
	key: "Signed with the key of the box, whose certificate (box.pem) has the SHA-256 fingerprint", check: "To check it:",
	policy: "Revision %d of the policy, in force from %s", none: "none",
	calls: "Calls", alarms: "Fraud alarms", refusals: "Refused for fraud",
	from: "from", to: "to", trunk: "trunk", answered: "answered", ended: "ended", rule: "let through by", steps: "considered",
	found: "found by", action: "done", simulated: "simulated: nothing was done", times: "times",
}

var french = words{
	title: "Pièces d’une passerelle téléphonique", box: "Boîtier %s, version %s", zone: "Les heures sont en UTC, suivies de celles du site (%s).",
	key: "Signé avec la clé du boîtier, dont le certificat (box.pem) a l’empreinte SHA-256", check: "Pour vérifier :",
	policy: "Révision %d des règles, en vigueur depuis %s", none: "aucun",
	calls: "Appels", alarms: "Alertes de fraude", refusals: "Refusés pour fraude",
	from: "de", to: "vers", trunk: "opérateur", answered: "décroché", ended: "terminé", rule: "autorisé par", steps: "examiné",
	found: "détecté par", action: "action", simulated: "simulation : rien n’a été fait", times: "fois",
}

// check are commands that every system with OpenSSL has.
const check = `    openssl x509 -in box.pem -pubkey -noout > box.pub
    openssl dgst -sha256 -verify box.pub -signature SHA256SUMS.sig SHA256SUMS
    sha256sum -c SHA256SUMS
`

// index is the text that a person reads first.
func (w words) index(c Case, fingerprint string) []byte {
	var b strings.Builder
	at := func(t time.Time) string {
		return t.UTC().Format("2006-01-02 15:04:05Z") + " (" + t.In(c.Zone).Format("2006-01-02 15:04:05 -07:00") + ")"
	}
	fmt.Fprintf(&b, "%s\n\n"+w.box+"\n"+w.zone+"\n", w.title, clean(c.Serial), clean(c.Release), c.Zone)
	for _, r := range c.Revisions {
		fmt.Fprintf(&b, w.policy+"\n", r.Number, at(r.From))
	}
	fmt.Fprintf(&b, "%s\n%s\n%s\n%s", w.key, fingerprint, w.check, check)
	w.heading(&b, w.alarms, len(c.Alarms))
	for _, a := range c.Alarms {
		fmt.Fprintf(&b, "%s  %s %s %s %s\n    %s %s: %s\n    %s: %s\n", at(a.At), w.from, clean(a.Caller), w.to, clean(a.To), w.found, clean(a.Rule), clean(a.Reason), w.action, w.done(a))
	}
	w.heading(&b, w.calls, len(c.Calls))
	for _, e := range c.Calls {
		w.call(&b, e, at)
	}
	w.heading(&b, w.refusals, len(c.Refusals))
	for _, r := range c.Refusals {
		fmt.Fprintf(&b, "%s  %s %s %s %s, %d %s\n    %s: %s\n", at(r.At), w.from, clean(r.From), w.to, clean(r.To), r.Count, w.times, clean(r.Rule), clean(r.Reason))
	}
	return []byte(b.String())
}

func (w words) heading(b *strings.Builder, name string, n int) {
	fmt.Fprintf(b, "\n%s: %d\n", name, n)
	if n == 0 {
		fmt.Fprintf(b, "%s\n", w.none)
	}
}

func (w words) done(a api.FraudAlarm) string {
	if a.Simulated {
		return w.simulated
	}
	return clean(a.Action)
}

// call writes what became of a call, and why it was let through.
func (w words) call(b *strings.Builder, e api.EndedCall, at func(time.Time) string) {
	c := e.Call
	fmt.Fprintf(b, "%s  %s %s %s %s, %s %s\n    %s\n", at(c.Started), w.from, clean(c.From), w.to, clean(c.To), w.trunk, clean(c.Trunk), clean(c.ID))
	if c.Answered != nil {
		fmt.Fprintf(b, "    %s %s\n", w.answered, at(*c.Answered))
	}
	fmt.Fprintf(b, "    %s %s, %.1f s, SIP %d: %s\n", w.ended, at(e.Ended), e.Seconds, e.Status, clean(e.Reason))
	if c.Rule != "" {
		fmt.Fprintf(b, "    %s %s\n", w.rule, clean(c.Rule))
	}
	for _, s := range c.Steps {
		fmt.Fprintf(b, "    %s %s: %s, %s\n", w.steps, clean(s.Rule), clean(s.Says), clean(s.Why))
	}
}

// clean keeps what a caller has chosen from acting on the screen or the printer of whoever reads it.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}
