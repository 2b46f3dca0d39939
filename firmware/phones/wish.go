package phones

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/ua"
)

const (
	maxContacts = 8         // of one REGISTER
	maxValue    = 512       // bytes of a URI or an instance
	usual       = time.Hour // asked for where the phone names no lifetime (RFC 3261 §10.2.1.1)
	longest     = 24 * 3600 // seconds
)

// wish is what a REGISTER asks for. Without contacts it asks what is registered.
type wish struct {
	user     string // of the address of record
	digest   string // user of the credentials, "" without any
	contacts []contact
	all      bool // "*": remove everything
}

// contact is one Contact of a REGISTER.
type contact struct {
	uri      sip.Uri
	text     string // uri as the phone wrote it
	expires  time.Duration
	q        string
	instance string // with its quotes
	regID    string
	token    string
}

// readWish reads a REGISTER. The error is for the administrator.
func (p *Phones) readWish(in *ua.Incoming, from netip.Addr) (wish, error) {
	user, err := url.PathUnescape(in.To().Address.User)
	if err != nil || user == "" || len(user) > 64 || strings.ContainsAny(user, "\x00\r\n\"<>@ ") {
		return wish{}, errors.New("its To names no user")
	}
	w := wish{user: user, digest: digestUser(in)}
	common, given := usual, false
	if h := field.All(in, "Expires"); len(h) > 0 {
		common, given = lifetime(h[0].Value()), true
	}
	values, all, err := ua.Bindings(in, maxContacts, given && common == 0)
	if err != nil {
		return wish{}, err
	}
	w.all = all
	for _, v := range values {
		c, err := readContact(v, common)
		if err != nil {
			return wish{}, err
		}
		c.token = p.token(w.user, c, from)
		w.contacts = append(w.contacts, c)
	}
	return w, nil
}

func readContact(value string, common time.Duration) (contact, error) {
	c := contact{expires: common}
	params := sip.NewParams()
	if len(value) > 2*maxValue || strings.ContainsFunc(value, unicode.IsControl) {
		return c, errors.New("a Contact is too long or holds control characters")
	}
	if _, err := sip.ParseAddressValue(value, &c.uri, &params); err != nil {
		return c, errors.New("a Contact cannot be read")
	}
	if (c.uri.Scheme != "sip" && c.uri.Scheme != "sips") || c.uri.Host == "" {
		return c, errors.New("a Contact is no SIP URI")
	}
	c.text = c.uri.String()
	for _, param := range params {
		switch strings.ToLower(param.K) {
		case "expires":
			c.expires = lifetime(param.V)
		case "q":
			if q, err := strconv.ParseFloat(param.V, 64); err == nil && q >= 0 && q <= 1 {
				c.q = strconv.FormatFloat(q, 'f', -1, 64)
			}
		case "+sip.instance":
			if v := strings.Trim(param.V, `"`); len(v) <= maxValue && !strings.ContainsAny(v, `"\`) {
				c.instance = `"` + v + `"`
			}
		case "reg-id":
			if n, err := strconv.ParseUint(param.V, 10, 31); err == nil && n > 0 {
				c.regID = strconv.FormatUint(n, 10)
			}
		}
	}
	return c, nil
}

// lifetime reads delta-seconds. What is malformed counts as an hour (RFC 3261 §10.2.1.1 and §20.10).
func lifetime(s string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return usual
	}
	return time.Duration(min(n, longest)) * time.Second
}

// token is the user part under which the PBX knows a contact. It is the same for the same device of the same user
// whatever its flow (RFC 5626 §6), or, where a device gives no name, for the same Contact from the same address. Nobody
// who lacks the box's key can make or guess one.
func (p *Phones) token(user string, c contact, from netip.Addr) string {
	device := c.instance + "\x00" + c.regID
	if c.instance == "" {
		device = c.uri.User + "@" + c.uri.Host + ":" + strconv.Itoa(c.uri.Port) + "\x00" + from.String()
	}
	return p.sealed("token", user, device)[:24]
}

// sealed is what the box alone can make of the parts.
func (p *Phones) sealed(parts ...string) string {
	h := hmac.New(sha256.New, p.seal)
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// value writes the contact as the PBX is to know it.
func (c contact) value(l ua.Local, expires time.Duration) string {
	v := "<" + l.Contact(c.token) + ">;expires=" + seconds(expires)
	if c.q != "" {
		v += ";q=" + c.q
	}
	if c.instance != "" {
		v += ";+sip.instance=" + c.instance
	}
	if c.regID != "" {
		v += ";reg-id=" + c.regID
	}
	return v
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
