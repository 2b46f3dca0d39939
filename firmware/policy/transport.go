package policy

import (
	"slices"
	"strings"
)

// transport checks how a peer is spoken with.
func (c *checker) transport(path string, t Transport, s TLS) {
	if !one(c, path+".transport", t, UDP, TCP, TLSTransport) {
		return
	}
	if t != TLSTransport {
		if s != (TLS{}) {
			c.fault(path+".tls", "write transport: tls, or remove it", "has no effect with transport: %s", t)
		}
		return
	}
	c.trust(path+".tls.trust", s.Trust)
	c.host(path+".tls.server_name", s.ServerName, false)
	if s == (TLS{}) {
		return // a PBX that registers is not connected to
	}
	one(c, path+".tls.wildcards", s.Wildcards, WildcardsRefused, WildcardsAccepted)
	one(c, path+".tls.client_authentication", s.ClientAuthentication, ClientAuthOff, ClientAuthRequired)
	c.ownCertificate(path+".tls", s)
}

// codecNames are the codecs that can be relayed, by their SDP encoding names (RFC 3551 §6, RFC 7587).
var codecNames = []string{"PCMA", "PCMU", "G722", "opus", "G729"}

func (c *checker) codecs(path string, list []string) {
	if !c.required(path, len(list) > 0, "write at least one of "+strings.Join(codecNames, ", ")) {
		return
	}
	if !c.atMost(path, len(list), 16) {
		return
	}
	for i, name := range list {
		switch {
		case strings.EqualFold(name, "telephone-event"):
			c.fault(index(path, i), "remove it", "telephone-event is always allowed and not listed")
		case !slices.Contains(codecNames, name):
			c.unknownCodec(index(path, i), name)
		case slices.Contains(list[:i], name):
			c.fault(index(path, i), "keep one of the two", "%s is listed twice", name)
		}
	}
}

func (c *checker) unknownCodec(path, name string) {
	hint := "write " + orList(codecNames)
	if near := nearest(name, codecNames); near != "" {
		hint = "did you mean " + near + "?"
	}
	c.fault(path, hint, "%s is not a codec known here", quoted(name))
}

// ptime checks the length of packets: whole frames of 10 ms, which every codec known here has, and no more than a packet holds.
func (c *checker) ptime(path string, ms int) {
	if ms != 0 && (ms < 10 || ms > 60 || ms%10 != 0) {
		c.fault(path, "write 10, 20, 30, 40, 50 or 60, or remove it", "%d milliseconds are no length of a packet", ms)
	}
}
