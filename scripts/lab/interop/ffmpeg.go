package interop

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

// FFmpeg is ffmpeg: its own SRTP, which knows AES-128 in counter mode alone.
type FFmpeg struct{}

// Suites are those that it knows.
func (FFmpeg) Suites() []string { return Suites[:2] }

var formats = map[Codec]string{PCMA: "alaw", PCMU: "mulaw"}

// Speak sends packets of 20 ms: the size it is told is that of a whole packet, tag included.
func (FFmpeg) Speak(s Stream) []string {
	tag := 10
	if strings.HasSuffix(s.Suite, "_32") {
		tag = 4
	}
	return []string{
		"ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-re", "-f", formats[s.Codec], "-ar", "8000", "-i", s.File,
		"-c", "copy", "-f", "rtp", "-payload_type", fmt.Sprint(s.Codec.Type),
		"-srtp_out_suite", s.Suite, "-srtp_out_params", base64.StdEncoding.EncodeToString(s.Key),
		fmt.Sprintf("srtp://%s?pkt_size=%d", s.At, 12+frame+tag),
	}
}

// Hear goes by a description, as ffmpeg does.
func (FFmpeg) Hear(s Stream) ([]string, error) {
	k := keys{suite: s.Suite, tag: "1", ours: s.Key}
	file := s.File + ".sdp"
	if err := os.WriteFile(file, []byte(describe(s.At, 1, "RTP/SAVP", s.Codec, "recvonly")+k.line()), 0o600); err != nil {
		return nil, fmt.Errorf("write a description: %w", err)
	}
	return []string{
		"ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-protocol_whitelist", "file,udp,rtp,srtp",
		"-probesize", "32", "-analyzeduration", "0", "-i", file, "-c", "copy", "-f", formats[s.Codec], "-flush_packets", "1", "-y", s.File,
	}, nil
}
