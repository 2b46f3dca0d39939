package outlive

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/srtp/v3"

	"tollgate/scripts/lab"
)

// Audio is the RTP of one end: it speaks every 20 ms and checks what it hears, until Close.
type Audio struct {
	conn  net.PacketConn
	at    netip.AddrPort
	word  [4]byte // in every packet of the call
	heard atomic.Int64
	wrong atomic.Int64              // packets that do not decrypt, or are of another call
	last  atomic.Pointer[string]    // why
	first atomic.Pointer[time.Time] // when it heard something since mark
	rolls atomic.Uint32             // how often the numbers of the box have begun anew

	mu      sync.Mutex // guards everything below
	box     *net.UDPAddr
	seq     uint16
	mute    bool
	encrypt *srtp.Context
	decrypt *srtp.Context
	done    chan struct{}
	pass    chan []byte // handshakes; nil: there is none

	key  []byte // ours by SDES, with its salt
	pair tls.Certificate
}

// newAudio opens a port. first is the number of the first packet.
func newAudio(h *lab.Host, at netip.Addr, word uint32, first uint16) (*Audio, error) {
	c, err := h.ListenPacket(netip.AddrPortFrom(at, 0).String())
	if err != nil {
		return nil, err
	}
	a := &Audio{conn: c, at: c.LocalAddr().(*net.UDPAddr).AddrPort(), seq: first, done: make(chan struct{})}
	binary.BigEndian.PutUint32(a.word[:], word)
	go a.listen()
	return a, nil
}

// Close ends it.
func (a *Audio) Close() {
	close(a.done)
	a.conn.Close()
}

// start speaks to the box from now on.
func (a *Audio) start(to netip.AddrPort) {
	a.mu.Lock()
	defer a.mu.Unlock()
	begun := a.box != nil
	a.box = net.UDPAddrFromAddrPort(to)
	if !begun {
		go a.speak()
	}
}

func (a *Audio) speak() {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-a.done:
			return
		case <-t.C:
			a.say()
		}
	}
}

// say sends the next packet.
func (a *Audio) say() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seq++
	if a.mute || a.pass != nil && a.encrypt == nil {
		return
	}
	b := make([]byte, 172)
	b[0], b[1] = 0x80, 8
	binary.BigEndian.PutUint16(b[2:], a.seq)
	binary.BigEndian.PutUint32(b[4:], uint32(a.seq)*160)
	copy(b[8:], a.word[:]) // as SSRC
	copy(b[12:], a.word[:])
	if a.encrypt != nil {
		sealed, err := a.encrypt.EncryptRTP(nil, b, nil)
		if err != nil {
			return
		}
		b = sealed
	}
	_, _ = a.conn.WriteTo(b, a.box) // the box may be away
}

// skip leaves numbers out, as after a loss.
func (a *Audio) skip(n uint16) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seq += n
}

// hush stops speaking, or goes on.
func (a *Audio) hush(quiet bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mute = quiet
}

// mark forgets when it has heard something first.
func (a *Audio) mark() { a.first.Store(nil) }

func (a *Audio) listen() {
	for b := make([]byte, 2000); ; {
		n, _, err := a.conn.ReadFrom(b)
		if err != nil {
			return
		}
		if b[0] >= 20 && b[0] < 64 {
			a.mu.Lock()
			pass := a.pass
			a.mu.Unlock()
			if pass != nil {
				select {
				case pass <- append([]byte(nil), b[:n]...):
				default:
				}
			}
			continue
		}
		if n >= 12 && b[1]&0x7f == 8 {
			a.take(b[:n])
		}
	}
}

// take checks a packet of the box.
func (a *Audio) take(b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pass != nil && a.decrypt == nil {
		return
	}
	if a.decrypt != nil {
		ssrc := binary.BigEndian.Uint32(b[8:])
		clear, err := a.decrypt.DecryptRTP(nil, b, nil)
		if err != nil {
			a.fault("packet %d does not decrypt: %v", binary.BigEndian.Uint16(b[2:]), err)
			return
		}
		roc, _ := a.decrypt.ROC(ssrc)
		a.rolls.Store(roc)
		b = clear
	}
	if len(b) != 172 || string(b[12:16]) != string(a.word[:]) {
		a.fault("a packet of another call, or %d bytes of none", len(b))
		return
	}
	a.heard.Add(1)
	if now := time.Now(); a.first.Load() == nil {
		a.first.Store(&now)
	}
}

func (a *Audio) fault(format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	a.last.Store(&why)
	a.wrong.Add(1)
}

// profiles are the suites that the carrier speaks.
var profiles = map[string]srtp.ProtectionProfile{
	"AES_CM_128_HMAC_SHA1_80": srtp.ProtectionProfileAes128CmHmacSha1_80,
	"AEAD_AES_128_GCM":        srtp.ProtectionProfileAeadAes128Gcm,
}

// describe writes the audio's description, in answer to one of the box's or by itself.
func (a *Audio) describe(version int, direction string, offer string) (string, error) {
	proto, lines := "RTP/AVP", ""
	switch {
	case strings.Contains(offer, "UDP/TLS/RTP/SAVP"):
		proto = "UDP/TLS/RTP/SAVP"
		f, err := a.fingerprint()
		if err != nil {
			return "", err
		}
		lines = "a=fingerprint:sha-256 " + f + "\r\na=setup:active\r\na=rtcp-mux\r\n"
	case strings.Contains(offer, "RTP/SAVP"):
		proto = "RTP/SAVP"
		line, err := a.exchange(offer)
		if err != nil {
			return "", err
		}
		lines = line
	}
	return fmt.Sprintf("v=0\r\no=- 1 %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d %s 8\r\na=rtpmap:8 PCMA/8000\r\na=%s\r\n%s",
		version, a.at.Addr(), a.at.Addr(), a.at.Port(), proto, direction, lines), nil
}

// exchange takes the box's key out of an offer and answers with ours, both the same for the whole call.
func (a *Audio) exchange(offer string) (string, error) {
	for line := range strings.SplitSeq(offer, "\r\n") {
		rest, ok := strings.CutPrefix(line, "a=crypto:")
		words := strings.Fields(rest)
		if !ok || len(words) < 3 {
			continue
		}
		profile, ok := profiles[words[1]]
		if !ok {
			continue
		}
		theirs, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.Split(words[2], "|")[0], "inline:"))
		if err != nil {
			return "", err
		}
		if a.key == nil {
			a.key = make([]byte, len(theirs))
			rand.Read(a.key)
			if err := a.secure(profile, a.key, theirs); err != nil {
				return "", err
			}
		}
		return fmt.Sprintf("a=crypto:%s %s inline:%s\r\n", words[0], words[1], base64.StdEncoding.EncodeToString(a.key)), nil
	}
	return "", fmt.Errorf("no suite of ours is offered:\n%s", offer)
}

func (a *Audio) secure(p srtp.ProtectionProfile, ours, theirs []byte) error {
	e, err := srtp.CreateContext(ours[:16], ours[16:], p)
	if err != nil {
		return err
	}
	d, err := srtp.CreateContext(theirs[:16], theirs[16:], p, srtp.SRTPReplayProtection(64))
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.encrypt, a.decrypt = e, d
	return nil
}

func (a *Audio) fingerprint() (string, error) {
	if a.pair.PrivateKey == nil {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", err
		}
		t := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
		if err != nil {
			return "", err
		}
		a.pair = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	sum := sha256.Sum256(a.pair.Certificate[0])
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":"), nil
}

// shake makes the keys by a handshake that we begin.
func (a *Audio) shake(ctx context.Context, to netip.AddrPort) error {
	way := &way{audio: a, to: net.UDPAddrFromAddrPort(to), in: make(chan []byte, 64)}
	a.mu.Lock()
	a.pass = way.in
	a.mu.Unlock()
	c, err := dtls.ClientWithOptions(way, way.to, dtls.WithCertificates(a.pair), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80), dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret))
	if err != nil {
		return err
	}
	if err := c.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("DTLS with the box: %w", err)
	}
	state, ok := c.ConnectionState()
	if !ok {
		return fmt.Errorf("DTLS with the box has no result")
	}
	b, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(16+14))
	if err != nil {
		return err
	}
	ours := append(append([]byte(nil), b[:16]...), b[32:46]...)
	theirs := append(append([]byte(nil), b[16:32]...), b[46:]...)
	return a.secure(srtp.ProtectionProfileAes128CmHmacSha1_80, ours, theirs)
}

// way is the net.PacketConn of a handshake on the port of the audio.
type way struct {
	audio *Audio
	to    net.Addr
	in    chan []byte
}

func (w *way) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case m := <-w.in:
		return copy(b, m), w.to, nil
	case <-w.audio.done:
		return 0, nil, net.ErrClosed
	}
}

func (w *way) WriteTo(b []byte, _ net.Addr) (int, error) { return w.audio.conn.WriteTo(b, w.to) }
func (w *way) Close() error                              { return nil }
func (w *way) LocalAddr() net.Addr                       { return w.audio.conn.LocalAddr() }
func (w *way) SetDeadline(time.Time) error               { return nil }
func (w *way) SetReadDeadline(time.Time) error           { return nil }
func (w *way) SetWriteDeadline(time.Time) error          { return nil }

// offerKeys writes an offer with a key of ours.
func (a *Audio) offerKeys() string {
	a.key = make([]byte, 30)
	rand.Read(a.key)
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%s\r\n",
		a.at.Addr(), a.at.Addr(), a.at.Port(), base64.StdEncoding.EncodeToString(a.key))
}

// takeKeys takes the box's key out of its answer.
func (a *Audio) takeKeys(answer string) error {
	_, rest, _ := strings.Cut(answer, "inline:")
	text, _, _ := strings.Cut(rest, "\r\n")
	theirs, err := base64.StdEncoding.DecodeString(strings.Split(text, "|")[0])
	if err != nil || len(theirs) != 30 {
		return fmt.Errorf("no key in\n%s", answer)
	}
	return a.secure(srtp.ProtectionProfileAes128CmHmacSha1_80, a.key, theirs)
}
