package capture

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/scripts/lab/tone"
)

var (
	here  = netip.MustParseAddrPort("198.51.100.2:40000")
	there = netip.MustParseAddrPort("198.51.100.10:5061")
	other = netip.MustParseAddrPort("198.51.100.2:40001")
)

// frame writes an Ethernet frame around a UDP or TCP payload.
func frame(p Packet) []byte {
	be := binary.BigEndian
	var transport []byte
	protocol := byte(protocolUDP)
	transport = be.AppendUint16(be.AppendUint16(transport, p.Source.Port()), p.Destination.Port())
	if p.Protocol == TCP {
		protocol = protocolTCP
		transport = be.AppendUint32(transport, p.Sequence)
		flags := byte(0x10)
		if p.Syn {
			flags = 2
		}
		transport = append(transport, 0, 0, 0, 0, 5<<4, flags, 0, 0, 0, 0, 0, 0)
	} else {
		transport = be.AppendUint16(transport, uint16(8+len(p.Payload)))
		transport = append(transport, 0, 0)
	}
	transport = append(transport, p.Payload...)
	ip := []byte{0x45, 0}
	ip = be.AppendUint16(ip, uint16(20+len(transport)))
	ip = append(ip, 0, 0, 0, 0, 64, protocol, 0, 0)
	ip = append(append(ip, p.Source.Addr().AsSlice()...), p.Destination.Addr().AsSlice()...)
	ethernet := append(make([]byte, 12), 8, 0)
	return slices.Concat(ethernet, ip, transport, make([]byte, 4)) // some padding, as short frames have
}

// file writes packets as a pcap file.
func file(packets ...Packet) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, pcapMagicMicro)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, linkEthernet, 0, 0, 0)
	for _, p := range packets {
		f := frame(p)
		b = le.AppendUint32(le.AppendUint32(b, uint32(p.At.Unix())), uint32(p.At.Nanosecond()/1000))
		b = le.AppendUint32(le.AppendUint32(b, uint32(len(f))), uint32(len(f)))
		b = append(b, f...)
	}
	return b
}

func TestPacketsAreReadBackFromAFile(t *testing.T) {
	want := []Packet{
		{At: time.Unix(1700000000, 5000), Protocol: UDP, Source: here, Destination: there, Payload: []byte("media")},
		{At: time.Unix(1700000001, 0), Protocol: TCP, Source: there, Destination: here, Sequence: 77, Syn: true, Payload: []byte{}},
	}
	name := filepath.Join(t.TempDir(), "a.pcap")
	if err := os.WriteFile(name, append(file(want...), 1, 2, 3), 0o600); err != nil { // cut off in the next record
		t.Fatal(err)
	}
	got, err := Read(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if !g.At.Equal(w.At) || g.Protocol != w.Protocol || g.Source != w.Source || g.Destination != w.Destination ||
			g.Sequence != w.Sequence || g.Syn != w.Syn || !bytes.Equal(g.Payload, w.Payload) {
			t.Errorf("packet %d is %+v, want %+v", i, g, w)
		}
	}
}

// recorder notes what is written to a connection as TCP packets.
type recorder struct {
	net.Conn
	packets             *[]Packet
	source, destination netip.AddrPort
	next                uint32
}

func (r *recorder) Write(b []byte) (int, error) {
	*r.packets = append(*r.packets, Packet{
		Protocol: TCP, Source: r.source, Destination: r.destination, Sequence: r.next, Payload: bytes.Clone(b),
	})
	r.next += uint32(len(b))
	return r.Conn.Write(b)
}

// handshake returns the packets of a real TLS connection over which a SIP request went.
func handshake(t *testing.T, version uint16) []Packet {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	var up, down []Packet
	client := tls.Client(&recorder{a, &up, here, there, 1 << 31}, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
	server := tls.Server(&recorder{b, &down, there, here, 0xfffffff0}, // wraps around
		&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: version, SessionTicketsDisabled: true})
	done := make(chan error, 1)
	go func() {
		_, err := bufio.NewReader(server).ReadString(0x0a)
		done <- err
	}()
	if _, err := client.Write([]byte("REGISTER sip:carrier.example SIP/2.0\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return append(up, down...)
}

func TestTLSIsToldWithItsVersionWhateverTheOrderOfSegments(t *testing.T) {
	for version, name := range map[uint16]string{tls.VersionTLS10: "TLS 1.0", tls.VersionTLS12: "TLS 1.2", tls.VersionTLS13: "TLS 1.3"} {
		packets := handshake(t, version)
		packets = append(packets, packets[0]) // sent twice
		if version == tls.VersionTLS12 {
			slices.Reverse(packets[1:])
		}
		s := JudgeSignalling(packets)
		if len(s.ClearText) > 0 || s.Streams != 2 || !slices.Equal(s.Versions, []string{name}) {
			t.Errorf("%s is judged as %+v", name, s)
		}
	}
}

func TestSignallingThatCanBeReadIsFound(t *testing.T) {
	message := []byte("OPTIONS sip:x SIP/2.0\r\n\r\n")
	for name, p := range map[string]Packet{
		"a gap":                 {Protocol: TCP, Source: here, Destination: there, Sequence: 1<<31 + 100000, Payload: []byte{23, 3, 3, 0, 0}},
		"SIP over UDP":          {Protocol: UDP, Source: here, Destination: there, Payload: message},
		"SIP over TCP":          {Protocol: TCP, Source: here, Destination: there, Payload: message},
		"SIP in a fragment":     {Protocol: Fragment, Source: here, Destination: there, Payload: message},
		"something else in TCP": {Protocol: TCP, Source: other, Destination: there, Payload: []byte("GET / HTTP/1.1\r\n")},
	} {
		if s := JudgeSignalling(append(handshake(t, tls.VersionTLS13), p)); len(s.ClearText) == 0 {
			t.Errorf("%s was not noticed", name)
		}
	}
}

// media returns the RTP packets of samples, coded by the closest code word.
func media(samples []int16, decode func(byte) int16, key func() byte) []Packet {
	var packets []Packet
	for i := 0; i+160 <= len(samples); i += 160 {
		b := []byte{0x80, 8, byte(i / 160 >> 8), byte(i / 160), 0, 0, 0, 0, 1, 2, 3, 4}
		for _, x := range samples[i : i+160] {
			b = append(b, closest(x, decode)^key())
		}
		packets = append(packets, Packet{Protocol: UDP, Source: here, Destination: there, Payload: b})
	}
	return packets
}

func closest(x int16, decode func(byte) int16) byte {
	best, distance := byte(0), 1<<17
	for code := range 256 {
		d := int(decode(byte(code))) - int(x)
		if d = max(d, -d); d < distance {
			best, distance = byte(code), d
		}
	}
	return best
}

func TestPlainAudioDecodesToItsTone(t *testing.T) {
	nothing := func() byte { return 0 }
	for codec, decode := range map[string]func(byte) int16{"PCMU": ulaw, "PCMA": alaw} {
		streams := Streams(media(tone.Generate(620, 2), decode, nothing), 50)
		if len(streams) != 1 || streams[0].Packets != 100 {
			t.Fatalf("%s: streams %+v", codec, streams)
		}
		if j := tone.Judge(streams[0].Decoded()[codec], 620, 850); !j.Heard() {
			t.Errorf("%s: a plain stream decodes to %s", codec, j)
		}
		if e := streams[0].Entropy(); e > 7 {
			t.Errorf("%s: a tone has %.2f bits a byte", codec, e)
		}
	}
}

func TestEncryptedAudioDecodesToNothing(t *testing.T) {
	stream := make([]byte, 1)
	key := func() byte {
		_, _ = rand.Read(stream)
		return stream[0]
	}
	s := Streams(media(tone.Generate(620, 4), alaw, key), 50)[0]
	if e := s.Entropy(); e < 7.9 {
		t.Errorf("ciphertext has %.3f bits a byte", e)
	}
	for codec, samples := range s.Decoded() {
		if strength := tone.Strength(tone.Loudest(samples), 620); strength > 1000 {
			t.Errorf("the tone is at %.0f in ciphertext read as %s", strength, codec)
		}
	}
}

func TestG711IsExpandedAsTheStandardSays(t *testing.T) {
	for _, c := range []struct {
		name   string
		got    int16
		wanted int16
	}{
		{"µ-law 0x00", ulaw(0x00), -32124}, {"µ-law 0x80", ulaw(0x80), 32124}, {"µ-law 0xff", ulaw(0xff), 0},
		{"A-law 0x2a", alaw(0x2a), -32256}, {"A-law 0xaa", alaw(0xaa), 32256}, {"A-law 0xd5", alaw(0xd5), 8},
	} {
		if c.got != c.wanted {
			t.Errorf("%s is %d, want %d", c.name, c.got, c.wanted)
		}
	}
}

const dump = `====================
tag: rcv
pid: 12
proto: tls ipv4
srcip: 198.51.100.2
srcport: 40000
dstip: 198.51.100.10
dstport: 5061
~~~~~~~~~~~~~~~~~~~~
` + "REGISTER sip:carrier.example SIP/2.0\r\ncall-id: abc@192.0.2.5\r\n\r\n" + `
||||||||||||||||||||
====================
tag: snd
srcip: 198.51.100.10
srcport: 5061
dstip: 198.51.100.2
dstport: 40000
~~~~~~~~~~~~~~~~~~~~
SIP/2.0 200 OK`

func TestWhatKamailioWroteDownIsRead(t *testing.T) {
	messages := parseDump(dump)
	if len(messages) != 1 {
		t.Fatalf("%d messages, want the one that is complete", len(messages))
	}
	m := messages[0]
	if !m.Received || m.Source != here || m.Destination != there || m.FirstLine() != "REGISTER sip:carrier.example SIP/2.0" {
		t.Errorf("read %+v", m)
	}
	if got := m.Header("Call-ID"); got != "abc@192.0.2.5" {
		t.Errorf("Call-ID is %q", got)
	}
}

func TestALeakedWordIsFoundWithItsSurroundings(t *testing.T) {
	words := []Word{{"192.0.2.5", "inside address"}, {"OFFICE.example", "inside host name"}, {"", "nothing"}}
	found := Find([]byte("Contact: <sip:101@pbx.office.example>"), words)
	if len(found) != 1 || !strings.Contains(found[0], "inside host name") || !strings.Contains(found[0], "101@pbx") {
		t.Errorf("found %q", found)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(file(Packet{Protocol: UDP, Source: here, Destination: there, Payload: []byte("x")}))
	f.Add(file(Packet{Protocol: TCP, Source: here, Destination: there, Payload: []byte{22, 3, 3, 0, 1, 2}}))
	f.Fuzz(func(_ *testing.T, b []byte) {
		packets, err := decode(bytes.NewReader(b))
		if err != nil {
			return
		}
		JudgeSignalling(packets)
		for _, s := range Streams(packets, 1) {
			s.Entropy()
		}
	})
}
