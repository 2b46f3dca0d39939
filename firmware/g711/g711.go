// Package g711 converts speech between the two encodings of ITU-T G.711, byte by byte and in place.
//
// PCMU (mu-law) and PCMA (A-law) are two scales of 8 bits a sample at the same rate, so that a packet of one becomes a
// packet of the other without a change of length or timing. The conversion is that of the Recommendation's own tables and
// not by way of linear samples, so that several conversions on a call's way add no more noise than one.
//
// It is pure. It leaves to others which codec a packet is in (sdp) and packets (media).
package g711

// Conversion is what becomes of the speech of a packet.
type Conversion uint8

// The conversions.
const (
	None  Conversion = iota
	MuToA            // PCMU becomes PCMA
	AToMu            // PCMA becomes PCMU
)

// The tables of G.711, by the magnitude of a sample as its code counts it, from 0 for the quietest to 127.
var (
	// muToA is Table 3/G.711.
	muToA = [128]uint8{
		0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7,
		8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
		24, 26, 28, 30, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
		45, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
		63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78,
		79, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95,
		96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
		112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
	}
	// aToMu is Table 4/G.711.
	aToMu = [128]uint8{
		1, 3, 5, 7, 9, 11, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23,
		24, 25, 26, 27, 28, 29, 30, 31, 32, 32, 33, 33, 34, 34, 35, 35,
		36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 48, 49, 49,
		50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 64,
		65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80,
		80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95,
		96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
		112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
	}
	// bytes are the same for whole bytes as they are sent, by Conversion.
	bytes = [3][256]byte{MuToA: whole(fromMu), AToMu: whole(fromA)}
)

// Signs and inversions of what is sent: the first bit is 1 for positive samples, PCMU inverts the others, PCMA every second
// one (G.711 §3.1 and §3.2).
const (
	sign     = 0x80
	muInvert = 0x7f
	aInvert  = 0x55
)

func fromMu(b byte) byte { return b&sign | muToA[b&^sign^muInvert] ^ aInvert }

func fromA(b byte) byte { return b&sign | aToMu[b&^sign^aInvert] ^ muInvert }

func whole(convert func(byte) byte) (t [256]byte) {
	for i := range t {
		t[i] = convert(byte(i))
	}
	return t
}

// Convert converts speech in place. None leaves it as it is.
func (c Conversion) Convert(speech []byte) {
	if c == None || c > AToMu {
		return
	}
	table := &bytes[c]
	for i, b := range speech {
		speech[i] = table[b]
	}
}
