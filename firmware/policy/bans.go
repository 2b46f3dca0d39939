package policy

import (
	"net/netip"
	"time"
)

// Bans say what becomes of sources that misbehave. The first six numbers are how often one source may do a thing within
// Seconds; several kinds of misbehaviour add up, each by its share of what it may.
type Bans struct {
	Mode           BanMode `yaml:"mode"`           // default ban
	Seconds        int     `yaml:"seconds"`        // default 60
	Malformed      int     `yaml:"malformed"`      // messages that are no SIP; default 30
	Strangers      int     `yaml:"strangers"`      // messages from where no peer is; default 30
	WrongPasswords int     `yaml:"wrong_password"` // digest answers that are wrong; default 10
	UnknownUsers   int     `yaml:"unknown_users"`  // different names that do not exist, or are refused; default 10
	Scanners       int     `yaml:"scanners"`       // messages of programs that look for victims; default 1
	Unacknowledged int     `yaml:"unacknowledged"` // refusals of INVITEs that nobody acknowledged; default 30
	// FirstMinutes is how long the first ban lasts, default 10; each further one lasts twice as long, up to LongestHours,
	// default 24. A source that has kept the peace for LongestHours begins anew.
	FirstMinutes int `yaml:"first_minutes"`
	LongestHours int `yaml:"longest_hours"`
	// Never are sources that are not banned, whatever they do; may be empty.
	Never []netip.Prefix `yaml:"never"`
}

// BanMode says whether misbehaviour has consequences.
type BanMode string

// The modes: banning, telling whom the box would ban, and neither.
const (
	BanModeBan   BanMode = "ban"
	BanModeWatch BanMode = "watch"
	BanModeOff   BanMode = "off"
)

// Window is the time that the numbers count for.
func (b Bans) Window() time.Duration { return time.Duration(b.Seconds) * time.Second }

// First is how long a first ban lasts.
func (b Bans) First() time.Duration { return time.Duration(b.FirstMinutes) * time.Minute }

// Longest is how long a ban lasts at most.
func (b Bans) Longest() time.Duration { return time.Duration(b.LongestHours) * time.Hour }

func defaultBans() Bans {
	return Bans{
		Mode: BanModeBan, Seconds: 60, Malformed: 30, Strangers: 30, WrongPasswords: 10, UnknownUsers: 10, Scanners: 1, Unacknowledged: 30,
		FirstMinutes: 10, LongestHours: 24,
	}
}

// between checks a number that has a least and a most.
func (c *checker) between(path string, n, least, most int) {
	if n < least || n > most {
		c.fault(path, "", "%d is not between %d and %d", n, least, most)
	}
}

func (c *checker) bans() {
	b := c.p.Bans
	one(c, "bans.mode", b.Mode, BanModeBan, BanModeWatch, BanModeOff)
	c.between("bans.seconds", b.Seconds, 10, 3600)
	for _, n := range []struct {
		key string
		n   int
	}{
		{"malformed", b.Malformed}, {"strangers", b.Strangers}, {"wrong_password", b.WrongPasswords},
		{"unknown_users", b.UnknownUsers}, {"scanners", b.Scanners}, {"unacknowledged", b.Unacknowledged},
	} {
		c.between("bans."+n.key, n.n, 1, 10_000)
	}
	c.between("bans.first_minutes", b.FirstMinutes, 1, 1440)
	c.between("bans.longest_hours", b.LongestHours, 1, 720)
	if b.LongestHours > 0 && b.First() > b.Longest() {
		c.fault("bans.first_minutes", "write less, or more for longest_hours", "%d minutes are more than the longest ban", b.FirstMinutes)
	}
	c.ranges("bans.never", b.Never)
}
