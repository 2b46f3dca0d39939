package edge

import (
	"bytes"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/access"
	"tollgate/firmware/field"
)

// note tells what a source has done. What came over a connection cannot have been forged: its handshake took an answer.
func (e *Edge) note(s access.Source, o access.Offence, user string, proven bool) {
	if e.conduct == nil {
		return
	}
	e.conduct.Misbehaved(time.Now(), access.Deed{
		Offence: o, Side: s.Side, Source: s.Addr.Addr(), Peer: s.Dialled != "" || e.access.Known(s), User: user, Proven: proven,
	})
}

// noteWrong tells of a wrong digest. Every name that was tried counts, whether it exists or not: to look it up would take
// time that tells.
func (e *Edge) noteWrong(c *Conn, v access.Verdict) {
	s := c.source()
	e.note(s, access.OffenceWrongPassword, "", v.Proven)
	e.note(s, access.OffenceUnknownUser, v.User, v.Proven)
}

// noteAgent tells of programs that look for victims and say so.
func (e *Edge) noteAgent(c *Conn, req *sip.Request) {
	if e.conduct == nil {
		return
	}
	if h := field.All(req, "User-Agent"); len(h) > 0 && access.Scanner(h[0].Value()) {
		e.note(c.source(), access.OffenceScanner, "", c.transport.Stream())
	}
}

// noteOpen counts an INVITE that is refused without state, until its ACK comes.
func (e *Edge) noteOpen(c *Conn, req *sip.Request) {
	if req.IsInvite() {
		e.note(c.source(), access.OffenceUnacknowledged, "", c.transport.Stream())
	}
}

func (e *Edge) acknowledged(c *Conn) {
	if e.conduct != nil {
		e.conduct.Acknowledged(time.Now(), c.remote.Addr())
	}
}

// offenceOf is what a stranger's bytes are. They are not parsed: a line that names a scanner is looked for, and no more.
func offenceOf(b []byte) access.Offence {
	const name = "user-agent:"
	b = b[:min(len(b), 1500)]
	for line := range bytes.Lines(b) {
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) && access.Scanner(string(line[len(name):])) {
			return access.OffenceScanner
		}
	}
	return access.OffenceStranger
}
