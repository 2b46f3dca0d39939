package header

import "testing"

// BenchmarkCarry is what each message of a call costs: an INVITE of fourteen fields of which none passes, and of which two do.
func BenchmarkCarry(b *testing.B) {
	usual := []string{"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", "Max-Forwards: 70", "From: <sip:201@192.0.2.9>;tag=1", "To: <sip:1@x>", "Call-ID: a",
		"CSeq: 1 INVITE", "Contact: <sip:x@192.0.2.9>", "Allow: INVITE, ACK", "Supported: timer", "Session-Expires: 1800", "Min-SE: 90", "User-Agent: x",
		"Content-Type: application/sdp", "Content-Length: 0"}
	for name, m := range map[string]Message{
		"nothing passes": message(usual...),
		"two fields do":  message(append(usual, "Alert-Info: <urn:alert:source:internal>", "User-to-User: 00c8;encoding=hex")...),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Carry(m, Invite)
			}
		})
	}
}
