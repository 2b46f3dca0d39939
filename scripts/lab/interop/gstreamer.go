package interop

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// GStreamer is GStreamer with libsrtp, which knows all suites.
type GStreamer struct{}

// Suites are those that it knows.
func (GStreamer) Suites() []string { return Suites }

// ciphers of libsrtp as GStreamer calls them, with what authenticates.
var ciphers = map[string][2]string{
	"AES_CM_128_HMAC_SHA1_80": {"aes-128-icm", "hmac-sha1-80"}, "AES_CM_128_HMAC_SHA1_32": {"aes-128-icm", "hmac-sha1-32"},
	"AES_256_CM_HMAC_SHA1_80": {"aes-256-icm", "hmac-sha1-80"}, "AES_256_CM_HMAC_SHA1_32": {"aes-256-icm", "hmac-sha1-32"},
	"AEAD_AES_128_GCM": {"aes-128-gcm", "null"}, "AEAD_AES_256_GCM": {"aes-256-gcm", "null"},
}

// Speak sends packets of 20 ms.
func (GStreamer) Speak(s Stream) []string {
	c := ciphers[s.Suite]
	return launch(
		"filesrc location="+s.File,
		fmt.Sprintf("rawaudioparse format=%s sample-rate=8000 num-channels=1", formats[s.Codec]),
		fmt.Sprintf("rtp%spay min-ptime=20000000 max-ptime=20000000 pt=%d", strings.ToLower(s.Codec.Name), s.Codec.Type),
		fmt.Sprintf("srtpenc key=%s rtp-cipher=%s rtp-auth=%s rtcp-cipher=%[2]s rtcp-auth=%s", hex.EncodeToString(s.Key), c[0], c[1], c[1]),
		fmt.Sprintf("udpsink sync=true host=%s port=%d", s.At.Addr(), s.At.Port()),
	)
}

// Hear decrypts packets of the one source that is heard; libsrtp has to know its number beforehand.
func (GStreamer) Hear(s Stream) ([]string, error) {
	c := ciphers[s.Suite]
	caps := fmt.Sprintf("application/x-srtp,media=(string)audio,clock-rate=(int)8000,encoding-name=(string)%s,payload=(int)%d,ssrc=(uint)%d,srtp-key=(buffer)%s,srtp-cipher=(string)%s,srtp-auth=(string)%s,srtcp-cipher=(string)%[5]s,srtcp-auth=(string)%[6]s",
		s.Codec.Name, s.Codec.Type, s.SSRC, hex.EncodeToString(s.Key), c[0], c[1])
	return launch(
		fmt.Sprintf("udpsrc address=%s port=%d caps=%s", s.At.Addr(), s.At.Port(), caps),
		"srtpdec", fmt.Sprintf("rtp%sdepay", strings.ToLower(s.Codec.Name)), "filesink buffer-mode=unbuffered location="+s.File,
	), nil
}

// launch joins elements, each with its properties.
func launch(elements ...string) []string {
	return append([]string{"gst-launch-1.0", "--quiet"}, strings.Fields(strings.Join(elements, " ! "))...)
}
