package load

import "time"

// Measure is what a board was found to need.
type Measure struct {
	Packet     time.Duration // processor time of one packet through the relay, encrypted on one side
	Encryption time.Duration // of that, encryption or decryption
	Processors int
	At         time.Time
}

const (
	// packetsPerCall is both directions of 20 ms of audio in each packet.
	packetsPerCall = 2 * 50
	// share is how much of the processors the relay's part of audio may take. The rest is for the network card, the packet
	// filter and the kernel's part of receiving, which the measurement does not see and which take more than the relay, for
	// setting up calls, and for the page. With it a core of 10 µs in all a packet carries what it was seen to carry.
	share = 0.25
)

// Calls is how many calls the board carries; 0 when it was not measured.
func (m Measure) Calls() int {
	if m.Packet <= 0 || m.Processors <= 0 {
		return 0
	}
	return max(1, int(share*float64(m.Processors)*float64(time.Second)/float64(packetsPerCall*m.Packet)))
}
