package sdp

import "strings"

// zrtpHash reads a=zrtp-hash, "<version> <64 hexadecimal digits>", the hash of a Hello message (RFC 6189 §8.1). What is
// anything else counts as not said.
func zrtpHash(value string) (string, bool) {
	version, hash, _ := strings.Cut(value, " ")
	hash = strings.TrimSpace(hash)
	if len(version) == 0 || len(version) > 8 || strings.Trim(version, "0123456789.") != "" {
		return "", false
	}
	if len(hash) != 64 || strings.Trim(hash, "0123456789abcdefABCDEF") != "" {
		return "", false
	}
	return version + " " + hash, true
}

// readZRTP collects the hashes of a section, else those of the session. There may be one for each version.
func (d *Description) readZRTP(s *section) (hashes []string) {
	for _, a := range d.attributesOf(s, "zrtp-hash") {
		if h, ok := zrtpHash(a.value); ok && len(hashes) < 4 {
			hashes = append(hashes, h)
		}
	}
	return hashes
}

// zrtp are the hashes of the other leg's author that pass on with codecs: none where speech is converted, for then the two
// ends cannot encrypt it between them.
func (a *Anchor) zrtp(codecs []Codec, other *Audio) []string {
	if !a.ZRTP || Converts(&Audio{Codecs: codecs}, other) {
		return nil
	}
	return other.ZRTP
}
