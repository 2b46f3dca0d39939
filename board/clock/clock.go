// Package clock finds out what time it is, from time servers, and sets the machine's clock. Most boards have none that runs
// without power: they begin in 1970, or where the last power cut left them.
//
//	Clamp (what is known to have passed) -> Ask every server (SNTP, RFC 4330) -> Agree (the majority) -> Adjust
//
// What a server says is believed only if it answers the very question (its origin time is a random number of ours) and most
// servers agree with it. No answer, and no agreement, changes nothing.
//
// It leaves to others which servers are asked, when, and what waits for the time.
package clock

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Sample is what one server says.
type Sample struct {
	Server netip.AddrPort
	Offset time.Duration // to be added to the clock of this machine
	Delay  time.Duration // there and back; the offset is sure to half of it
}

// An SNTP message (RFC 4330 section 4):
//
//	0 LI VN Mode | 1 stratum | 2 poll | 3 precision | 4 root delay | 8 root dispersion | 12 reference
//	16 reference time | 24 origin | 32 receive | 40 transmit
const (
	messageSize = 48
	version     = 4
	client      = 3
	server      = 4
	unsynced    = 3  // leap indicator
	mostStratum = 15 // 0 is a kiss of death, 16 not synchronised
)

// answerTime is how long one server may take.
const answerTime = 2 * time.Second

// Ask asks one server.
func Ask(ctx context.Context, s netip.AddrPort) (Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", s.String())
	if err != nil {
		return Sample{}, fmt.Errorf("ask %v for the time: %w", s, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	var cookie [8]byte
	rand.Read(cookie[:])
	asked := time.Now()
	if _, err := conn.Write(question(cookie)); err != nil {
		return Sample{}, fmt.Errorf("ask %v for the time: %w", s, err)
	}
	b := make([]byte, 512)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return Sample{}, fmt.Errorf("%v does not say what time it is: %w", s, err)
		}
		passed := time.Since(asked)
		received, sent, err := answer(b[:n], cookie)
		if errors.Is(err, errStranger) {
			continue
		}
		if err != nil {
			return Sample{}, fmt.Errorf("%v: %w", s, err)
		}
		delay := max(passed-sent.Sub(received), 0)
		// RFC 4330 section 5, with the way there as long as the way back.
		return Sample{Server: s, Offset: received.Sub(asked.Round(0)) - delay/2, Delay: delay}, nil
	}
}

func question(cookie [8]byte) []byte {
	q := make([]byte, messageSize)
	q[0] = version<<3 | client
	copy(q[40:], cookie[:])
	return q
}

// errStranger says that a datagram is no answer to the question.
var errStranger = errors.New("no answer to the question")

// answer reads what a server says: when the question came, and when the answer left.
func answer(b []byte, cookie [8]byte) (received, sent time.Time, err error) {
	if len(b) < messageSize || b[0]&7 != server || [8]byte(b[24:32]) != cookie {
		return received, sent, errStranger
	}
	if b[0]>>6 == unsynced || b[1] == 0 || b[1] > mostStratum {
		return received, sent, fmt.Errorf("it does not know the time itself (stratum %d)", b[1])
	}
	received, sent = moment(b[32:]), moment(b[40:])
	if sent.Before(received) || sent.Sub(received) > answerTime || received.IsZero() {
		return received, sent, errors.New("its times contradict one another")
	}
	return received, sent, nil
}

// era is when NTP's seconds begin anew in 2036 (RFC 4330 section 3); from a time before, they are of that era.
var era = time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC)

// moment reads a time of NTP: seconds since 1900 and parts of 2^-32 of one. Zero is none.
func moment(b []byte) time.Time {
	seconds, parts := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if seconds == 0 && parts == 0 {
		return time.Time{}
	}
	begin := era
	if seconds&(1<<31) != 0 {
		begin = era.Add(-1 << 32 * time.Second)
	}
	return begin.Add(time.Duration(seconds)*time.Second + time.Duration(uint64(parts)*uint64(time.Second)>>32))
}

// together is how far servers may be from one another, besides what is unsure of each.
const together = 500 * time.Millisecond

// Agree returns what most of the servers asked say: more than half of those that were asked, or of two both. One that was asked alone
// is believed. asked counts those that did not answer, too.
func Agree(samples []Sample, asked int) (Sample, error) {
	var best []Sample
	for _, s := range samples {
		var with []Sample
		for _, o := range samples {
			if (s.Offset - o.Offset).Abs() <= together+s.Delay/2+o.Delay/2 {
				with = append(with, o)
			}
		}
		if len(with) > len(best) {
			best = with
		}
	}
	if len(best) == 0 {
		return Sample{}, fmt.Errorf("none of %d time servers says what time it is", asked)
	}
	if 2*len(best) <= len(samples) {
		return Sample{}, fmt.Errorf("%d time servers say so many different things that none is believed", len(samples))
	}
	return slices.MinFunc(best, func(a, b Sample) int { return int(a.Delay - b.Delay) }), nil
}

// step is how far off the clock may be for it to be turned slowly instead of set.
const step = 128 * time.Millisecond

// Adjust corrects the machine's clock: a little by turning it faster or slower, more at once.
func Adjust(offset time.Duration) error {
	if offset.Abs() < step {
		t := unix.Timex{Modes: adjSingleShot, Offset: offset.Microseconds()}
		if _, err := unix.Adjtimex(&t); err != nil {
			return fmt.Errorf("turn the clock by %v: %w", offset, err)
		}
		return nil
	}
	return set(time.Now().Add(offset))
}

// adjSingleShot is ADJ_OFFSET_SINGLESHOT (adjtimex(2)).
const adjSingleShot = 0x8001

// Clamp sets the clock to the latest moment that is known to have passed, if it is earlier than that, and returns what it was
// turned by.
func Clamp(passed ...time.Time) (time.Duration, error) {
	latest := slices.MaxFunc(append(passed, time.Time{}), time.Time.Compare)
	now := time.Now()
	if !now.Before(latest) {
		return 0, nil
	}
	return latest.Sub(now.Round(0)), set(latest)
}

func set(t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		return fmt.Errorf("set the clock to %v: %w", t.UTC().Format(time.RFC3339), err)
	}
	return nil
}
