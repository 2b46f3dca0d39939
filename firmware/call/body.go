package call

import (
	"errors"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/multipart"
	"tollgate/firmware/ua"
)

// A call carries session descriptions. Of a body with several parts (RFC 5621) the description is taken, and the others,
// such as a location or ISUP, stay on the side that they came from: they say where somebody is, or name the equipment.

// message is a request or response as far as its body goes.
type message interface {
	Body() []byte
	SetBody([]byte)
	ContentType() *sip.ContentTypeHeader
	AppendHeader(sip.Header)
	RemoveHeader(name string) bool
}

// severalParts tells whether a message has a body of several parts.
func severalParts(m message) bool {
	h := m.ContentType()
	return h != nil && len(m.Body()) > 0 && multipart.Is(h.Value())
}

// unpack leaves the session description of a request with several parts. What must be understood is passed over when
// that is wanted; with an error the request stays as it is.
func unpack(in *ua.Incoming, passOver bool) error {
	if !severalParts(in.Request) {
		return nil
	}
	sdp, err := multipart.Description(in.ContentType().Value(), in.Body())
	if err != nil && !(passOver && errors.Is(err, multipart.ErrRequired)) {
		return err
	}
	in.Request = in.Request.Clone()
	carryOnly(in.Request, sdp)
	return nil
}

// unpackLater does so with a request of a call under way. One that cannot be read stays, and is refused for it; an ACK
// cannot be refused.
func (s *Session) unpackLater(in *ua.Incoming) {
	switch in.Method {
	case sip.INVITE, sip.UPDATE, sip.ACK:
	default:
		return
	}
	if err := unpack(in, s.urgent || in.IsAck()); err != nil {
		s.log.Info("body not read", "from", in.Peer.Name, "err", err)
	}
}

// unpacked is a response with its session description alone: nobody can be told that the rest was not understood.
func unpacked(res *sip.Response) *sip.Response {
	if !severalParts(res) {
		return res
	}
	sdp, err := multipart.Description(res.ContentType().Value(), res.Body())
	if err != nil && !errors.Is(err, multipart.ErrRequired) {
		return res // it will be no use as a description
	}
	res = res.Clone()
	carryOnly(res, sdp)
	return res
}

// carryOnly replaces a body by a session description, which may be empty.
func carryOnly(m message, sdp []byte) {
	if h := m.ContentType(); h != nil {
		m.RemoveHeader(h.Name())
	}
	if len(sdp) > 0 {
		m.AppendHeader(sip.NewHeader("Content-Type", sdpType))
	}
	m.SetBody(sdp)
}

// readBody takes the session description out of the INVITE. An emergency call needs none: without it the offer is ours.
func (s *Session) readBody() *refusal {
	err := unpack(s.in(), s.seeksHelp())
	switch {
	case err == nil && (len(s.in().Body()) == 0 || s.in().HasBody(sdpType)):
		return nil
	case err == nil && s.seeksHelp():
		s.in().Request = s.in().Request.Clone()
		carryOnly(s.in().Request, nil)
		return nil
	case err == nil:
		return notTaken("the INVITE has a body that is no session description")
	case errors.Is(err, multipart.ErrRequired):
		return notTaken(err.Error())
	}
	return &refusal{status: 400, rule: "sip", reason: err.Error()}
}

// notTaken refuses a body and says what would be taken (RFC 3261 §21.4.13).
func notTaken(reason string) *refusal {
	return &refusal{status: 415, rule: "sdp", reason: reason, headers: []sip.Header{sip.NewHeader("Accept", sdpType+", multipart/mixed")}}
}
