package policy

import (
	"crypto/ed25519"
	"encoding/base64"
)

// Stick says what becomes of the files on a USB stick.
type Stick struct {
	Take    StickTake `yaml:"take"`    // default ask
	Signers []Signer  `yaml:"signers"` // may be empty
}

// StickTake says which sticks are taken by a box that has a policy already. One without a policy takes what comes.
type StickTake string

// What is taken: what a signer has signed, and anything else once an administrator has said yes; only what is signed; nothing.
const (
	StickAsk    StickTake = "ask"
	StickSigned StickTake = "signed"
	StickOff    StickTake = "off"
)

// Signer is somebody whose files are taken unasked.
type Signer struct {
	Name string `yaml:"name"`
	Key  string `yaml:"key"` // Ed25519, 32 octets in base64
}

// Public is the signer's key; nil when Key is none.
func (s Signer) Public() ed25519.PublicKey {
	key, err := base64.StdEncoding.DecodeString(s.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil
	}
	return key
}

// maxSigners is how many keys a box believes at most.
const maxSigners = 16

func (c *checker) stick() {
	s := c.p.Stick
	one(c, "stick.take", s.Take, StickAsk, StickSigned, StickOff)
	if s.Take == StickSigned && len(s.Signers) == 0 {
		c.fault("stick.take", "name a signer, or write off", "takes what is signed, and there is no signer")
	}
	c.signers("stick.signers", s.Signers)
}

func (c *checker) signers(path string, list []Signer) {
	if !c.atMost(path, len(list), maxSigners) {
		return
	}
	names, keys := map[string]bool{}, map[string]bool{}
	for i, signer := range list {
		c.signer(index(path, i), signer, names, keys)
	}
}

func (c *checker) signer(path string, s Signer, names, keys map[string]bool) {
	if c.required(path+".name", s.Name != "", "write whose key it is") {
		switch {
		case !printable(s.Name, 64):
			c.fault(path+".name", "use up to 64 printable characters", "is not a name")
		case names[s.Name]:
			c.fault(path+".name", "give each signer a name of its own", "%s is there twice", quoted(s.Name))
		}
		names[s.Name] = true
	}
	if c.required(path+".key", s.Key != "", "write the line that tollgate signer prints") {
		switch {
		case s.Public() == nil:
			c.fault(path+".key", "write the line that tollgate signer prints: 44 characters", "is not the public half of an Ed25519 key")
		case keys[s.Key]:
			c.fault(path+".key", "give each signer a key of its own", "is the key of another signer")
		}
		keys[s.Key] = true
	}
}
