package policy

import (
	"net/url"
	"time"
)

// Updates says where the box fetches bundles by itself, and whose settings in them it takes. Systems are taken from who made its
// image.
type Updates struct {
	From         string   `yaml:"from"`          // https address of a bundle; empty: nowhere
	EveryMinutes int      `yaml:"every_minutes"` // default 1440
	When         When     `yaml:"when"`          // hours in which it fetches, and restarts for a system; default always
	Signers      []Signer `yaml:"signers"`       // may be empty
}

// Every is how often the address is asked.
func (u Updates) Every() time.Duration { return time.Duration(u.EveryMinutes) * time.Minute }

// The bounds of every_minutes: a server is no telephone, and a box that asks once a month is forgotten.
const (
	leastEvery = 5
	mostEvery  = 31 * wholeDay
)

func (c *checker) updates() {
	u := c.p.Updates
	c.between("updates.every_minutes", u.EveryMinutes, leastEvery, mostEvery)
	c.when("updates.when", u.When)
	c.signers("updates.signers", u.Signers)
	if u.From == "" {
		for path, without := range map[string]bool{"updates.when": u.When.Always(), "updates.signers": len(u.Signers) == 0} {
			if !without {
				c.fault(path, "write the address as updates.from, or leave it out", "has no effect, because nothing is fetched")
			}
		}
		return
	}
	from, err := url.Parse(u.From)
	switch {
	case err == nil && from.User != nil:
		c.fault("updates.from", "leave out what stands before @: what is signed needs no secret", "holds a password")
	case err != nil || !printable(u.From, 512) || from.Host == "" || from.Fragment != "":
		c.fault("updates.from", "write it like https://updates.example/branch.bundle", "%s is not an address", quoted(u.From))
	case from.Scheme != "https":
		c.fault("updates.from", "write an address that begins with https://", "everybody on the way could see and delay what comes from %s", quoted(u.From))
	}
}
