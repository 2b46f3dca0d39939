package sdp

import "strings"

// The transports of an audio stream that Tollgate speaks: RFC 3551, RFC 4585, RFC 3711 and RFC 5124. The feedback
// profiles are answered in kind, as RFC 4585 §4.1 wants, but never offered.
const (
	protoAVP   = "RTP/AVP"
	protoAVPF  = "RTP/AVPF"
	protoSAVP  = "RTP/SAVP"
	protoSAVPF = "RTP/SAVPF"
)

// protocolOf returns the transport in its proper spelling and whether Tollgate speaks it.
func protocolOf(s string) (string, bool) {
	p := strings.ToUpper(s)
	switch p {
	case protoAVP, protoAVPF, protoSAVP, protoSAVPF:
		return p, true
	}
	return s, false
}

func isSecure(proto string) bool { return proto == protoSAVP || proto == protoSAVPF }
