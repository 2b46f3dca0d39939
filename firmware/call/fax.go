package call

import (
	"errors"
	"fmt"
	"time"

	"tollgate/firmware/policy"
	"tollgate/firmware/sdp"
)

// A fax may be sent as sound, which is encrypted like any other, or by T.38, which never is. Peers begin with sound and then ask
// for T.38 by a re-INVITE; where that is refused, they go on with sound.

// errFax says that a fax may not go in the clear.
var errFax = errors.New("T.38")

// fax tells whether a description is of a fax by T.38.
func fax(d *sdp.Description) bool {
	if d == nil {
		return false
	}
	a, ok := d.Audio()
	return ok && a.Fax != nil
}

// mayFax says why a fax may not go by T.38 on a leg; nil when it may: nothing is encrypted there and nothing has to be, or the
// policy makes an exception that counts today.
func (l *Leg) mayFax(now time.Time) error {
	if !l.keys.encrypted() && l.Party.SRTP != policy.SRTPRequired {
		return nil
	}
	name, e := l.Party.Peer.Name, l.Party.ClearFax
	switch {
	case !e.Made():
		return fmt.Errorf("%w is never encrypted, and the audio with %s is: the fax goes on as sound", errFax, name)
	case e.Over(now):
		return fmt.Errorf("%w is never encrypted, and the exception for %s has ended on %s: the fax goes on as sound", errFax, name, e.Until)
	}
	return nil
}

// takeFax takes a peer's offer of T.38. The keys of the leg are kept, for when it speaks again.
func (s *Session) takeFax(l *Leg, d *sdp.Description, body []byte) error {
	if err := l.mayFax(time.Now()); err != nil {
		return err
	}
	l.took(d, body)
	return nil
}
