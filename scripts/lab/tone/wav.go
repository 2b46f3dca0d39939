package tone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Format words of a WAV file (RIFF, "fmt " chunk).
const (
	wavPCM     = 1
	wavHeader  = 44
	wavFmtSize = 16
)

// WriteFile writes samples as a mono WAV file.
func WriteFile(name string, samples []int16) error {
	data := uint32(2 * len(samples))
	b := make([]byte, 0, wavHeader+int(data))
	le := binary.LittleEndian
	b = le.AppendUint32(append(b, "RIFF"...), wavHeader-8+data)
	b = le.AppendUint32(append(b, "WAVEfmt "...), wavFmtSize)
	b = le.AppendUint16(le.AppendUint16(b, wavPCM), 1)
	b = le.AppendUint32(le.AppendUint32(b, Rate), 2*Rate)
	b = le.AppendUint16(le.AppendUint16(b, 2), 16)
	b = le.AppendUint32(append(b, "data"...), data)
	for _, x := range samples {
		b = le.AppendUint16(b, uint16(x))
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		return fmt.Errorf("write tone: %w", err)
	}
	return nil
}

// ReadFile reads a mono WAV file of 16-bit samples at Rate. A file whose writer is still at work or was killed, so that
// its sizes are not filled in, is read as far as it goes.
func ReadFile(name string) ([]int16, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	samples, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("read recording %s: %w", name, err)
	}
	return samples, nil
}

func decode(b []byte) ([]int16, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, errors.New("not a WAV file")
	}
	le := binary.LittleEndian
	known := false
	for rest := b[12:]; len(rest) >= 8; {
		id, size := string(rest[:4]), int(le.Uint32(rest[4:8]))
		rest = rest[8:]
		switch id {
		case "fmt ":
			if err := checkFormat(rest); err != nil {
				return nil, err
			}
			known = true
		case "data":
			if !known {
				return nil, errors.New("samples come before their format")
			}
			if size == 0 || size > len(rest) {
				size = len(rest)
			}
			return samplesOf(rest[:size]), nil
		}
		if size += size & 1; size > len(rest) {
			break
		}
		rest = rest[size:]
	}
	return nil, io.ErrUnexpectedEOF
}

func checkFormat(b []byte) error {
	if len(b) < wavFmtSize {
		return io.ErrUnexpectedEOF
	}
	le := binary.LittleEndian
	coding, channels, rate, bits := le.Uint16(b), le.Uint16(b[2:]), le.Uint32(b[4:]), le.Uint16(b[14:])
	if coding != wavPCM || channels != 1 || rate != Rate || bits != 16 {
		return fmt.Errorf("format %d, %d channels, %d Hz, %d bits: want PCM, mono, %d Hz, 16 bits", coding, channels, rate, bits, Rate)
	}
	return nil
}

func samplesOf(b []byte) []int16 {
	samples := make([]int16, len(b)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return samples
}
