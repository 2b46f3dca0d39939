package policy

import "time"

// Rotation says how old the passwords of peers may get.
type Rotation struct {
	Days      int `yaml:"days"`       // after which a password is due, 0: never; default 90
	GraceDays int `yaml:"grace_days"` // for which the one before is kept after a rotation; default 7
}

// Every is the age at which a password is due; 0: never.
func (r Rotation) Every() time.Duration { return time.Duration(r.Days) * 24 * time.Hour }

// Grace is how long the password before is kept.
func (r Rotation) Grace() time.Duration { return time.Duration(r.GraceDays) * 24 * time.Hour }

func (c *checker) rotation() {
	c.between("rotation.days", c.p.Rotation.Days, 0, 3650)
	c.between("rotation.grace_days", c.p.Rotation.GraceDays, 1, 60)
}
