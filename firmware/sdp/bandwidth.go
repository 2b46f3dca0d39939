package sdp

import (
	"strconv"
	"strings"
)

// shares are what the author lets RTCP have (RFC 3556 §2): b=RS for those who send audio, b=RR for those who only listen, in
// bits a second; nil is not said.
type shares struct{ senders, receivers *int }

// read takes a b= line; other kinds are of no concern, and neither is what is no number.
func (s *shares) read(value string) {
	kind, rest, _ := strings.Cut(value, ":")
	n, err := strconv.Atoi(strings.TrimSpace(rest))
	if err != nil || n < 0 {
		return
	}
	switch strings.TrimSpace(kind) {
	case "RS":
		s.senders = &n
	case "RR":
		s.receivers = &n
	}
}

// none tells whether there is to be no RTCP at all: nothing for either, where the stream does not say what the session says.
func (s shares) none(session shares) bool {
	if s.senders == nil {
		s.senders = session.senders
	}
	if s.receivers == nil {
		s.receivers = session.receivers
	}
	return s.senders != nil && *s.senders == 0 && s.receivers != nil && *s.receivers == 0
}

func (d *Description) readBandwidth(l line) {
	if s := d.last(); s != nil {
		s.shares.read(l.value)
	} else {
		d.shares.read(l.value)
	}
}
