package site_test

import (
	"fmt"
	"os"
	"testing"

	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/site"
)

// binary is the program under test: TOLLGATE_BINARY, or built once for this run.
var binary string

func TestMain(m *testing.M) {
	os.Exit(branch.WithProgram(m.Run, func(name string) { binary = name }))
}

func open(t *testing.T, w site.Wishes) *site.Site {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	w.Binary = binary
	s, err := site.Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the box said:\n%s", s.Box.Process.Tail(40))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestCallsMixTransportsAndFamilies is 36 calls: three transports and two families on each of two sides, each with audio
// both ways.
func TestCallsMixTransportsAndFamilies(t *testing.T) {
	families := map[bool]string{false: "IPv4", true: "IPv6"}
	transports := []string{"udp", "tcp", "tls"}
	for _, officeSix := range []bool{false, true} {
		for _, carrierSix := range []bool{false, true} {
			for _, from := range transports {
				t.Run(fmt.Sprintf("%s over %s in the office, %s to the carrier", from, families[officeSix], families[carrierSix]), func(t *testing.T) {
					t.Parallel()
					s := open(t, site.Wishes{OfficeSix: officeSix, CarrierSix: carrierSix, OfficeTransport: from})
					far, err := s.Answer()
					if err != nil {
						t.Fatal(err)
					}
					defer far.Close()
					for _, to := range transports {
						t.Run(to, func(t *testing.T) {
							if err := s.Call(t.Context(), far, to); err != nil {
								t.Error(err)
							}
						})
					}
					if err := s.Box.AwaitRest(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}
