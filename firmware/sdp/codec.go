package sdp

import (
	"slices"
	"strconv"
	"strings"
)

// Codec is one payload type of a stream (RFC 8866 §6.6 and §6.15).
type Codec struct {
	PT       uint8  // RTP payload type, 0-127
	Name     string // encoding name, in its usual spelling where it is a known one
	Rate     int    // RTP clock, Hz
	Channels int
	Fmtp     string // format parameters without the payload type, "" when there are none
}

// Same tells whether two codecs are the same encoding; payload type and parameters may differ.
func (c Codec) Same(o Codec) bool {
	return strings.EqualFold(c.Name, o.Name) && c.Rate == o.Rate && c.Channels == o.Channels
}

// Voice tells whether the codec carries speech, and not DTMF (RFC 4733) or comfort noise (RFC 3389) beside it.
func (c Codec) Voice() bool { return c.Name != telephoneEvent && c.Name != comfortNoise }

const (
	telephoneEvent = "telephone-event"
	comfortNoise   = "CN"
)

// staticCodec returns the meaning of an audio payload type that may stand without an rtpmap (RFC 3551 §6).
func staticCodec(pt uint8) (Codec, bool) {
	c := Codec{PT: pt, Rate: 8000, Channels: 1}
	switch pt {
	case 0:
		c.Name = "PCMU"
	case 3:
		c.Name = "GSM"
	case 4:
		c.Name = "G723"
	case 8:
		c.Name = "PCMA"
	case 9:
		c.Name = "G722"
	case 13:
		c.Name = comfortNoise
	case 15:
		c.Name = "G728"
	case 18:
		c.Name = "G729"
	}
	return c, c.Name != ""
}

// canonical returns the usual spelling of a known encoding name, others as they are.
func canonical(name string) string {
	for _, known := range []string{
		"PCMU", "PCMA", "G722", "G723", "G726-32", "G728", "G729", "GSM", "iLBC", "opus", "speex", "AMR", "AMR-WB", "EVS",
		"SILK", "L16", telephoneEvent, comfortNoise,
	} {
		if strings.EqualFold(known, name) {
			return known
		}
	}
	return name
}

// readCodecs fills a.Codecs in the order of the m= line.
func (s *section) readCodecs(a *Audio) error {
	said := s.payloadAttributes()
	seen := [128]bool{}
	for _, f := range s.formats {
		n, err := strconv.ParseUint(f, 10, 8)
		if err != nil || n > 127 {
			return malformed(s.line, "%s is not a payload type", quote(f))
		}
		pt := uint8(n)
		c, known := staticCodec(pt)
		if i := ofType(said, pt); i >= 0 {
			if said[i].Name != "" {
				c, known = said[i], true
			}
			c.Fmtp = said[i].Fmtp
		}
		if seen[pt] || !known || confusesRTCP(pt) {
			continue
		}
		seen[pt] = true
		a.Codecs = append(a.Codecs, c)
	}
	return nil
}

func ofType(codecs []Codec, pt uint8) int {
	return slices.IndexFunc(codecs, func(c Codec) bool { return c.PT == pt })
}

// confusesRTCP tells the payload types that look like RTCP packets when the marker is set (RFC 5761 §4).
func confusesRTCP(pt uint8) bool { return pt >= 64 && pt <= 95 }

// payloadAttributes collects a=rtpmap and a=fmtp by payload type: the last rtpmap counts, and the first fmtp. A type with
// an fmtp alone has no name. Lines that make no sense are skipped: then the payload type is unknown, and the call goes on
// with another.
func (s *section) payloadAttributes() []Codec {
	var said []Codec
	for _, a := range s.attributes {
		if a.name != "rtpmap" && a.name != "fmtp" {
			continue
		}
		number, rest, _ := strings.Cut(a.value, " ")
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil || n > 127 {
			continue
		}
		pt, rest := uint8(n), strings.TrimSpace(rest)
		c := Codec{PT: pt}
		i := ofType(said, pt)
		if i >= 0 {
			c = said[i]
		}
		if a.name == "fmtp" && c.Fmtp == "" && isParameters(rest) {
			c.Fmtp = rest
		} else if m, ok := readRTPMap(pt, rest); ok && a.name == "rtpmap" {
			m.Fmtp = c.Fmtp
			c = m
		}
		if i >= 0 {
			said[i] = c
		} else {
			said = append(said, c)
		}
	}
	return said
}

// readRTPMap reads "<encoding name>/<clock rate>[/<channels>]".
func readRTPMap(pt uint8, s string) (Codec, bool) {
	words := strings.Split(s, "/")
	if len(words) < 2 || len(words) > 3 || !isToken(words[0]) {
		return Codec{}, false
	}
	c := Codec{PT: pt, Name: canonical(words[0]), Channels: 1}
	var err error
	if c.Rate, err = strconv.Atoi(words[1]); err != nil || c.Rate < 1 || c.Rate > 384000 {
		return Codec{}, false
	}
	if len(words) == 3 {
		if c.Channels, err = strconv.Atoi(words[2]); err != nil || c.Channels < 1 || c.Channels > 8 {
			return Codec{}, false
		}
	}
	return c, true
}

// isParameters tells whether format parameters are harmless to repeat: the letters, digits and signs that registered
// encodings use, and no room for more.
func isParameters(s string) bool {
	if s == "" || len(s) > 200 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("=;,-_+/. ", c) >= 0:
		default:
			return false
		}
	}
	return true
}
