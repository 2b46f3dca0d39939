package sdp

// Direction is who may send, seen from the author of the description (RFC 8866 §6.7).
type Direction string

// The four directions.
const (
	SendRecv Direction = "sendrecv"
	SendOnly Direction = "sendonly"
	RecvOnly Direction = "recvonly"
	Inactive Direction = "inactive"
)

func directionOf(s string) (Direction, bool) {
	switch d := Direction(s); d {
	case SendRecv, SendOnly, RecvOnly, Inactive:
		return d, true
	}
	return "", false
}

// Sends tells whether the author of the description will send.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Receives tells whether the author of the description wants to receive.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly }

func direction(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	}
	return Inactive
}

// deaf is the direction of an author who cannot receive: the old way to hold is an address of 0.0.0.0
// (RFC 3264 §8.4), which says nothing about what its author sends.
func (d Direction) deaf() Direction { return direction(d.Sends(), false) }

// within narrows an answer's direction to what the offer allows (RFC 3264 §6.1): nobody receives what the other does
// not send.
func (d Direction) within(offer Direction) Direction {
	return direction(d.Sends() && offer.Receives(), d.Receives() && offer.Sends())
}
