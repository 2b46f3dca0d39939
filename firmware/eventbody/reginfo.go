package eventbody

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

// regInfo is the body of the reg package (RFC 3680 §5). Where a contact really is stays behind, and so do Call-IDs,
// sequence numbers and parameters of its registration.
type regInfo struct {
	XMLName       xml.Name       `xml:"urn:ietf:params:xml:ns:reginfo reginfo"`
	Version       uint32         `xml:"version,attr"`
	State         string         `xml:"state,attr"`
	Registrations []registration `xml:"registration"`
}

type registration struct {
	AOR      string    `xml:"aor,attr"`
	ID       string    `xml:"id,attr"`
	State    string    `xml:"state,attr"`
	Contacts []contact `xml:"contact"`
}

type contact struct {
	ID         string  `xml:"id,attr"`
	State      string  `xml:"state,attr"`
	Event      string  `xml:"event,attr"`
	Expires    *uint32 `xml:"expires,attr"`     // seconds
	RetryAfter *uint32 `xml:"retry-after,attr"` // seconds
	URI        string  `xml:"uri"`
}

func readRegInfo(body []byte) (*regInfo, error) {
	r := &regInfo{}
	if err := readXML(body, r); err != nil {
		return nil, err
	}
	if err := scope(r.State); err != nil {
		return nil, err
	}
	entries := len(r.Registrations)
	for i := range r.Registrations {
		entries += len(r.Registrations[i].Contacts)
		if err := r.Registrations[i].check(); err != nil {
			return nil, err
		}
	}
	if entries > maxEntries {
		return nil, fmt.Errorf("%d registrations and contacts are more than %d", entries, maxEntries)
	}
	return r, nil
}

func (r *registration) check() error {
	if !identifier(r.ID) || r.AOR == "" || oneOf(r.State, "init active terminated") == "" {
		return errors.New("a registration lacks its aor, its id or a state that is known")
	}
	for i := range r.Contacts {
		c := &r.Contacts[i]
		event := oneOf(c.Event, "registered created refreshed shortened expired deactivated probation unregistered rejected")
		if !identifier(c.ID) || oneOf(c.State, "active terminated") == "" || event == "" {
			return errors.New("a contact lacks its id, or a state or event that is known")
		}
		if trim(c.URI) == "" {
			return errors.New("a contact has no URI")
		}
	}
	return nil
}

func (r *regInfo) rename(n *Names) {
	for i := range r.Registrations {
		reg := &r.Registrations[i]
		if aor, ok := n.URI(reg.AOR); ok {
			reg.AOR = aor
		} else {
			reg.AOR = n.Entity
		}
		reg.ID = n.Alias(reg.ID)
		for j := range reg.Contacts {
			c := &reg.Contacts[j]
			c.ID, c.URI = n.Alias(c.ID), n.Contact(trim(c.URI))
		}
	}
}

func (r *regInfo) write() ([]byte, error) { return writeXML(r) }

func trim(s string) string { return strings.TrimSpace(s) }
