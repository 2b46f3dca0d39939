package media

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
)

// FuzzPacket: whatever comes in, plain or under a key, RTP or RTCP, nothing panics and nothing is written outside the
// buffers; what passes as plain RTP is RTP to another implementation too, and survives encryption.
func FuzzPacket(f *testing.F) {
	call := func(t testing.TB) (plain *half, secure map[string]*half, w *worker) {
		secure = map[string]*half{}
		for name, k := range map[string]*Keys{"cm": testKeys(aesCM, "k"), "gcm": testKeys(gcm, "k")} {
			o, err := newOpener(*k)
			if err != nil {
				t.Fatal(err)
			}
			s, err := newSealer(*k)
			if err != nil {
				t.Fatal(err)
			}
			secure[name] = &half{setting: setting{open: o, seal: s}}
		}
		return &half{}, secure, &worker{}
	}
	for _, v := range vectors() {
		f.Add(unhex(f, v.clear))
		f.Add(unhex(f, v.sealed))
	}
	f.Add(report(1))
	f.Add([]byte{0xbf, 0xc8, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		plain, secure, w := call(t)
		for _, mux := range []bool{false, true} {
			for _, port := range []bool{false, true} {
				fl := &flow{half: &half{setting: setting{mux: mux}}, control: port}
				control, v := fl.kind(in)
				if v != passed {
					continue
				}
				fuzzOpen(t, w, plain, secure, in, control)
			}
		}
	})
}

func fuzzOpen(t *testing.T, w *worker, plain *half, secure map[string]*half, in []byte, control bool) {
	clear, v := w.open(plain, bytes.Clone(in), control)
	if v == passed && !control {
		if err := (&rtp.Packet{}).Unmarshal(clear); err != nil && clear[0]&0x10 == 0 {
			t.Fatalf("%x passes as RTP: %v", clear, err)
		}
	}
	for name, h := range secure {
		w.open(h, bytes.Clone(in), control)
		if v != passed || len(clear) > largest {
			continue
		}
		seal := h.seal.rtp
		if control {
			seal = h.seal.rtcp
		}
		sealed, sv := seal(w.out[:], bytes.Clone(clear))
		if sv == passed && len(sealed) > len(clear)+overhead {
			t.Fatalf("%s: sealing %d bytes makes %d", name, len(clear), len(sealed))
		}
	}
}
