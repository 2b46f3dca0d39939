package datagram

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTwinsReceiveByOneAndSendByTheOther(t *testing.T) {
	for _, address := range []string{"127.0.0.1:23456", "[::1]:23456"} {
		t.Run(address, func(t *testing.T) {
			a := netip.MustParseAddrPort(address)
			in, out, err := BindTwins(a, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			defer out.Close()
			peer := listen(t, netip.AddrPortFrom(a.Addr(), 0).String())
			to := NameOf(addrOf(peer))
			b := make([]byte, 16)
			for _, s := range []Socket{out, in} {
				if errno := s.Send([]byte("question"), &to); errno != 0 {
					t.Fatal(errno)
				}
				_, from, err := peer.ReadFromUDPAddrPort(b)
				if err != nil || from != a {
					t.Fatalf("came from %v, want %v: %v", from, a, err)
				}
				if _, err := peer.WriteToUDPAddrPort([]byte("answer"), from); err != nil {
					t.Fatal(err)
				}
			}
			var source Name
			for range 2 {
				if n, errno := in.Receive(b, &source); errno != 0 || string(b[:n]) != "answer" {
					t.Errorf("received %q: %v", b[:n], errno)
				}
			}
			if _, errno := out.Receive(b, &source); errno != unix.EAGAIN {
				t.Errorf("something came to the one that sends: %v", errno)
			}
		})
	}
}

// Whoever else shares addresses gets none of what is for the twins, and they take nobody's.
func TestNobodyJoinsTwins(t *testing.T) {
	a := netip.MustParseAddrPort("127.0.0.1:23457")
	sharing := Option{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}
	in, out, err := BindTwins(a, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Bind(a, sharing); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("bound beside twins: %v, %v", s, err)
	}
	if err := errors.Join(in.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	other, err := Bind(a, sharing)
	if err != nil {
		t.Fatalf("the twins are gone: %v", err)
	}
	defer other.Close()
	if _, _, err := BindTwins(a, nil, nil); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("twins beside another: %v", err)
	}
}
