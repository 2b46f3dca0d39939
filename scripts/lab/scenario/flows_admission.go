package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// rulesAboutCalls is an admission with a rule that counts at the moment now, and one that does not.
func rulesAboutCalls(now time.Time) string {
	if zone, err := time.LoadLocation("Europe/Paris"); err == nil {
		now = now.In(zone)
	}
	at := func(d time.Duration) string { return now.Add(d).Format("15:04") }
	return fmt.Sprintf(`admission:
  groups:
    - {name: desk, members: ["101"]}
  rules:
    - {name: hotline, action: allow, prefixes: ["+33899700"], groups: [desk]}
    - {name: closed-now, action: deny, prefixes: ["+33473"], when: {from: %q, to: %q}}
    - {name: closed-later, action: deny, prefixes: ["+33474"], when: {from: %q, to: %q}}
    - {name: not-sent-on, action: deny, countries: [DE], via: [transferred, redirected]}
    - {name: hidden, action: deny, direction: in, callers: [anonymous]}
  caps:
    - {name: mobiles, classes: [mobile], calls: 1}
`, at(-time.Hour), at(time.Hour), at(2*time.Hour), at(3*time.Hour))
}

// openLater is a call that a rule denies, but not at this time.
const openLater = `
INVITE{to 0474123456} -> INVITE{to +33474123456}
486                   <- 486
`

const premium = "premium number +33899123456: admission.classes does not list premium"

// judged are calls that the policy lets through or not, with the sentence that the administrator reads.
func judged() []Flow {
	var flows []Flow
	for _, dialled := range []string{
		"to 0899123456", "to +33899123456", "to 0033899123456", "to 0899.12.34.56", "to 0899-123-456", "to %30899123456", "to %2b33899123456",
		"uri tel:+33-899-12-34-56", "uri tel:0899123456;phone-context=+33", "uri tel:899123456;phone-context=+33",
		"uri sip:+33899123456@hidden-office.example;user=phone", "uri sip:0899123456;isub=1234@hidden-office.example",
	} {
		flows = append(flows, said("a premium number dialled as "+dialled[strings.IndexByte(dialled, ' ')+1:], premium, fmt.Sprintf(`
INVITE{%s} ->
403        <-
`, dialled)))
	}
	for _, dialled := range []string{"to *31*0899123456", "to %D9%A0%D9%A8%D9%A9%D9%A9123456", "to 0%25389123456"} {
		flows = append(flows, Flow{Name: "what is no number: " + dialled[3:], Ladder: fmt.Sprintf(`
INVITE{%s} ->
484        <-
`, dialled)})
	}
	return append(flows,
		Flow{Name: "the hotline of those who may call it", Ladder: `
INVITE{to 0899700123 | from <sip:101@hidden-office.example>} -> INVITE{to +33899700123}
486                                                          <- 486
`},
		said("the hotline of others", "premium number +33899700123: admission.classes does not list premium", `
INVITE{to 0899700123 | from <sip:102@hidden-office.example>} ->
403                                                          <-
`),
		said("a premium number abroad", "premium number +4990012345678 in Germany: admission.classes does not list premium", `
INVITE{to 004990012345678} ->
403                        <-
`),
		said("at a time when it is closed", "national number +33473123456: rule 2, closed-now, denies it at this time", `
INVITE{to 0473123456} ->
403                   <-
`),
		Flow{Name: "at a time when it is open", Ladder: openLater},
		Flow{Name: "one mobile too many", Play: oneMobileTooMany},
		said("a transfer to a premium number", premium, inbound+`
REFER{Refer-To: <sip:0899123456@hidden-office.example>} ->
403                                                     <-
`+officeHangsUp),
		said("a transfer to a country that calls are not sent on to", "international number +4930123456 in Germany: rule 4, not-sent-on, denies it when it is transferred", inbound+`
REFER{Refer-To: <sip:004930123456@hidden-office.example>} ->
403                                                       <-
`+officeHangsUp),
		said("the office forwards a carrier's call to a premium number", premium, `
INVITE                                             <- INVITE{from "Zoe" <sip:+33987654321@hidden-carrier.example>}
302{Contact: <sip:0899123456@hidden-office.example>} ->
                                                   -> 403
`),
		said("a carrier sends the office's call to a premium number", premium, `
INVITE -> INVITE
       <- 302{Contact: <sip:+33899123456@192.168.7.7>}
403    <-
`),
		said("a carrier's caller who stays unknown", "the call from somebody unknown: rule 5, hidden, denies it", `
 <- INVITE{from "Anonymous" <sip:anonymous@anonymous.invalid>}
 -> 603
`),
		Flow{Name: "an emergency number passes by every rule", Ladder: `
INVITE{to 112} -> INVITE{to 112}
200            <- 200
ACK            -> ACK
` + officeHangsUp},
		Flow{Name: "the command line tells the same", Play: tried},
	)
}

// said is a ladder after which the box's log has a sentence once more.
func said(name, reason, ladder string) Flow {
	return Flow{Name: name, Play: func(ctx context.Context, w *world) error {
		return w.says(ctx, reason, func() error { return w.take(ctx, ladder) })
	}}
}

// says does something after which the box's log has a sentence once more.
func (w *world) says(ctx context.Context, reason string, do func() error) error {
	times := func() int { return strings.Count(w.box.Process.Output(), reason) }
	before := times()
	if err := do(); err != nil {
		return err
	}
	if err := w.box.Process.Await(ctx, "saying "+reason, func() bool { return times() > before }); err != nil {
		return fmt.Errorf("the box does not say %q: %w", reason, err)
	}
	return nil
}

// oneMobileTooMany calls a second mobile while one call to a mobile is up, and something else, which passes.
func oneMobileTooMany(ctx context.Context, w *world) error {
	const first = `
INVITE{to 0612345678} -> INVITE{to +33612345678}
200                   <- 200
ACK                   -> ACK
wait 3000             |
BYE                   -> BYE
200                   <- 200
`
	running, err := w.begin(ctx, Flow{Ladder: first, While: first})
	if err == nil {
		err = w.answered(ctx, running)
	}
	if err != nil {
		return err
	}
	err = w.says(ctx, "1 call is in progress that cap mobiles counts, it is 1", func() error {
		return w.take(ctx, `
INVITE{to 0798765432} ->
503                   <-
`)
	})
	other := w.take(ctx, `
INVITE{to 004930123456} -> b:INVITE{to +4930123456}
486                     <- b:486
`)
	return errors.Join(err, other, w.end(ctx, Flow{Ladder: first}, running))
}

// tried asks the command line about calls.
func tried(ctx context.Context, w *world) error {
	if err := w.command(ctx, "try", "0123456789"); err != nil {
		return err
	}
	err := w.command(ctx, "try", "0899 12 34 56", "--from", "102")
	if err == nil || !strings.Contains(err.Error(), "REFUSED with 403: "+premium) || !strings.Contains(err.Error(), "rule 1, hotline, does not fit") && !strings.Contains(err.Error(), "other destinations") {
		return fmt.Errorf("tollgate try says %v", err)
	}
	return w.rehearsed(ctx)
}

// rehearsed replays the calls that were let through, under a policy that closes at once what it closes later.
func (w *world) rehearsed(ctx context.Context) error {
	if err := w.take(ctx, openLater); err != nil {
		return err
	}
	policy, err := w.policy()
	if err != nil {
		return err
	}
	strict := regexp.MustCompile(`(?m)(prefixes: \["\+33474"\]), when.*$`).ReplaceAllString(policy, "$1}")
	for document, want := range map[string]string{policy: "All ", strict: "Would have blocked "} {
		file := w.lab.Path("rehearsed.yaml")
		if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
			return fmt.Errorf("write the policy: %w", err)
		}
		out, err := exec.CommandContext(ctx, w.box.Binary, "rehearse", file, "--state", w.box.State()).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), want) {
			return fmt.Errorf("tollgate rehearse says %q (%v), want %q", out, err, want)
		}
	}
	return nil
}
