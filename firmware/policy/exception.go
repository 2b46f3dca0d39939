package policy

import (
	"fmt"
	"slices"
	"time"

	"tollgate/firmware/credential"
)

// Exception lets pass for a reason and a time what is too weak, because there are carriers and systems that know nothing
// better. Empty: none is made.
type Exception struct {
	Reason string `yaml:"reason"`
	Until  string `yaml:"until"` // the last day on which it counts, such as 2027-03-31
}

// Made tells whether there is one.
func (e Exception) Made() bool { return e != Exception{} }

// last is the last day that the exception counts for, false when that is no day.
func (e Exception) last() (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, e.Until)
	return t, err == nil
}

// Over tells whether the exception does not count any more at the moment now.
func (e Exception) Over(now time.Time) bool {
	last, ok := e.last()
	return e.Made() && ok && !now.Before(last.AddDate(0, 0, 1))
}

// exception checks one. That it is not needed is no fault: the next password may be better, and the policy holds on.
func (c *checker) exception(path string, e Exception) {
	if !e.Made() {
		return
	}
	if c.required(path+".reason", e.Reason != "", "write why nothing better can be had") && !printable(e.Reason, 200) {
		c.fault(path+".reason", "use up to 200 printable characters", "is not a reason")
	}
	if c.required(path+".until", e.Until != "", "write the last day on which it counts, such as 2027-03-31") {
		if _, ok := e.last(); !ok {
			c.fault(path+".until", "write it like 2027-03-31", "%s is not a day", quoted(e.Until))
		}
	}
}

// weakness is a password that an exception was made for.
type weakness struct {
	path string // of the exception
	Exception
	why string // why the password is weak; "" when it is not
}

// exceptions lists every exception with what it is for. Of a masked password nothing is known.
func (p *Policy) exceptions() (list []weakness) {
	if e := p.PBX.WeakSecret; e.Made() && p.PBX.Secret != SecretMask {
		why := credential.Weak(p.PBX.Secret.Reveal(), p.PBX.names()...)
		if _, _, is := p.PBX.Secret.Hashes(); is { // nothing of it is known any more
			why = "was weak when it came in"
		}
		list = append(list, weakness{"pbx.weak_secret", e, why})
	}
	for i, t := range p.Trunks {
		for j, a := range t.Accounts {
			if e := a.WeakSecret; e.Made() && a.Secret != SecretMask {
				path := index(index("trunks", i)+".accounts", j) + ".weak_secret"
				list = append(list, weakness{path, e, credential.Weak(a.Secret.Reveal(), t.names(a)...)})
			}
		}
	}
	return list
}

// names are what a password of the PBX must not hold: its user and the realm.
func (p PBX) names() []string { return []string{p.User, DigestRealm} }

// names are what a password of one of the trunk's accounts must not hold.
func (t Trunk) names(a Account) []string {
	return slices.Concat([]string{a.User, a.AuthUser, t.Domain}, a.Numbers)
}

// Lapsed are the exceptions that do not count any more at the moment now. A policy with one is not put into force anew; one
// that is in force stays there, since no calls at all would be worse than a weak password.
func (p *Policy) Lapsed(now time.Time) (faults Faults) {
	for _, w := range p.exceptions() {
		if w.why != "" && w.Over(now) {
			faults = append(faults, Fault{Path: w.path + ".until", Problem: fmt.Sprintf("the exception has ended on %s", w.Until),
				Hint: "replace the secret by a strong one, or give a later day"})
		}
	}
	return faults
}

// soonOver is how long before its end an exception is warned of.
const soonOver = 30 * 24 * time.Hour

// weakSecrets tells which exceptions were made and when they end.
func (p *Policy) weakSecrets(now time.Time, add func(path, text string, args ...any)) {
	for _, w := range p.exceptions() {
		switch last, _ := w.last(); {
		case w.why == "":
			add(w.path, "The password is strong enough now: remove the exception.")
		case w.Over(now):
			add(w.path, "The password %s, and the exception for it has ended on %s: replace it by a strong one.", w.why, w.Until)
		case last.Sub(now) < soonOver:
			add(w.path, "The password %s, and the exception for it ends on %s: ask for a strong one now.", w.why, w.Until)
		default:
			add(w.path, "The password %s: whoever sees one of its answers can find it. The exception counts until %s.", w.why, w.Until)
		}
	}
}
