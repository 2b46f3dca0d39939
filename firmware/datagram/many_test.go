package datagram

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestManyDatagramsComeTogether(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			a := netip.MustParseAddrPort(address)
			s, err := Bind(a, WantPort(a.Addr().Is4()))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			at, err := unix.Getsockname(int(s))
			if err != nil {
				t.Fatal(err)
			}
			port := portOf(at)
			peer := listen(t, address)
			to := netip.AddrPortFrom(a.Addr(), port)
			const sent = Most + 3
			for i := range sent {
				if _, err := peer.WriteToUDPAddrPort(fmt.Appendf(nil, "%d", i), to); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := peer.WriteToUDPAddrPort(make([]byte, Longest+1), to); err != nil {
				t.Fatal(err)
			}
			m := NewMany()
			got := 0
			for _, want := range []int{Most, sent + 1 - Most} {
				n, errno := m.Receive(s)
				if n != want || errno != 0 || m.Full(n) != (want == Most) {
					t.Fatalf("%d came together: %v", n, errno)
				}
				for i := range n {
					b, length, from := m.Datagram(i)
					if from.AddrPort() != addrOf(peer) || m.Port(i) != port {
						t.Errorf("datagram %d is from %v, for port %d", got, from.AddrPort(), m.Port(i))
					}
					if got < sent && string(b[:length]) != fmt.Sprint(got) || got == sent && length != Longest+1 {
						t.Errorf("datagram %d has %d bytes", got, length)
					}
					got++
				}
			}
			if n, errno := m.Receive(s); n != 0 || errno != unix.EAGAIN {
				t.Errorf("%d more came: %v", n, errno)
			}
		})
	}
}

func portOf(a unix.Sockaddr) uint16 {
	if v4, ok := a.(*unix.SockaddrInet4); ok {
		return uint16(v4.Port)
	}
	return uint16(a.(*unix.SockaddrInet6).Port)
}

// TestRawDatagramsArriveLikeOthers sends to ordinary sockets: a checksum that is wrong would have the kernel drop them.
func TestRawDatagramsArriveLikeOthers(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for raw sockets")
	}
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			peer := listen(t, address)
			from := netip.AddrPortFrom(addrOf(peer).Addr(), 4242)
			to := NameOf(addrOf(peer))
			r, err := OpenRaw(from.Addr().Is4(), 46<<2)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			var sent [][]byte
			for n := range Most {
				b := make([]byte, n*MostRaw/(Most-1))
				for i := range b {
					b[i] = byte(rand.Uint32())
				}
				if n%3 == 0 {
					b = bytes.Repeat([]byte{byte(n / 3 * 255)}, n) // sums that are all ones, or none
				}
				if place := r.Queue(from, &to, b); place != n || r.Full() != (n == Most-1) {
					t.Fatalf("datagram %d has place %d", n, place)
				}
				sent = append(sent, b)
			}
			if failed := r.Flush(); failed != 0 || r.Full() {
				t.Fatalf("%b could not be sent", failed)
			}
			b := make([]byte, Longest)
			for i, want := range sent {
				n, source, err := peer.ReadFromUDPAddrPort(b)
				if err != nil || source != from || !bytes.Equal(b[:n], want) {
					t.Fatalf("datagram %d: %d bytes from %v, %v", i, n, source, err)
				}
			}
		})
	}
}

func TestADatagramThatCannotBeSentIsTold(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for raw sockets")
	}
	r, err := OpenRaw(true, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	peer := listen(t, "127.0.0.1:0")
	good, bad := NameOf(addrOf(peer)), NameOf(netip.MustParseAddrPort("255.255.255.255:9")) // broadcast is not allowed
	from := netip.MustParseAddrPort("127.0.0.1:4242")
	for i := range 5 {
		to := &good
		if i%2 == 1 {
			to = &bad
		}
		r.Queue(from, to, []byte{byte(i)})
	}
	if failed := r.Flush(); failed != 0b01010 {
		t.Errorf("%b could not be sent", failed)
	}
	for _, want := range []byte{0, 2, 4} {
		b := make([]byte, 10)
		if n, _, err := peer.ReadFromUDPAddrPort(b); err != nil || n != 1 || b[0] != want {
			t.Errorf("%d instead of %d: %v", b[0], want, err)
		}
	}
}

func TestTheChecksumIsThatOfRFC1071(t *testing.T) {
	for range 2000 {
		b := make([]byte, rand.IntN(1300))
		for i := range b {
			b[i] = byte(rand.Uint32())
			if rand.IntN(4) == 0 {
				b[i] = 0xff
			}
		}
		more := uint64(rand.IntN(1 << 16))
		want := more
		for i := 0; i < len(b); i += 2 {
			want += uint64(b[i]) << 8
			if i+1 < len(b) {
				want += uint64(b[i+1])
			}
		}
		for want > 0xffff {
			want = want>>16 + want&0xffff
		}
		if got := onesSum(b, more); uint64(got) != want {
			t.Fatalf("the sum of %x is %x, want %x", b, got, want)
		}
	}
}
