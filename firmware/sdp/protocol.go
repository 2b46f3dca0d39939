package sdp

import "strings"

// The transports of an audio stream that Tollgate speaks: RFC 3551, RFC 4585, RFC 3711 and RFC 5124, and the last two with
// keys by DTLS (RFC 5764 §9). The feedback profiles are answered in kind, as RFC 4585 §4.1 wants, but never offered.
const (
	protoAVP       = "RTP/AVP"
	protoAVPF      = "RTP/AVPF"
	protoSAVP      = "RTP/SAVP"
	protoSAVPF     = "RTP/SAVPF"
	protoDTLSSAVP  = "UDP/TLS/RTP/SAVP"
	protoDTLSSAVPF = "UDP/TLS/RTP/SAVPF"
)

// protocolOf returns the transport in its proper spelling and whether Tollgate speaks it.
func protocolOf(s string) (string, bool) {
	p := strings.ToUpper(s)
	switch p {
	case protoAVP, protoAVPF, protoSAVP, protoSAVPF, protoDTLSSAVP, protoDTLSSAVPF:
		return p, true
	}
	return s, false
}

func isDTLS(proto string) bool { return proto == protoDTLSSAVP || proto == protoDTLSSAVPF }

func isSecure(proto string) bool { return proto == protoSAVP || proto == protoSAVPF || isDTLS(proto) }
