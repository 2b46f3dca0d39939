package media

import (
	"bytes"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"tollgate/firmware/policy"
)

// lookAt has the relay look at its ways as if so much time had passed since begun.
func (c *call) lookAt(begun time.Time, after time.Duration) {
	c.worker.do(func() { c.worker.keepAllWays(begun.Add(after)) })
}

// reported takes a compound packet of the box's and reads it as another implementation does.
func (p *peer) reported(mux bool) []rtcp.Packet {
	p.t.Helper()
	socket := p.rtcp
	if mux {
		socket = p.rtp
	}
	b, _, ok := read(p.t, socket, patience)
	if !ok {
		p.t.Fatal("no report comes")
	}
	if p.decrypt != nil {
		var err error
		if b, err = p.decrypt.DecryptRTCP(nil, b, nil); err != nil {
			p.t.Fatal(err)
		}
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil || rtcp.CompoundPacket(packets).Validate() != nil {
		p.t.Fatalf("%x is no compound packet: %v", b, err)
	}
	return packets
}

// control sends RTCP of the peer's.
func (p *peer) control(packets ...rtcp.Packet) {
	p.t.Helper()
	b, err := rtcp.Marshal(packets)
	if err == nil && p.encrypt != nil {
		b, err = p.encrypt.EncryptRTCP(nil, b, nil)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	write(p.t, p.rtcp, p.boxRTCP(), b)
}

func TestTheBoxReportsInThePlaceOfAPeerThatDoesNot(t *testing.T) {
	for _, mux := range []bool{false, true} {
		for _, suite := range []policy.Suite{plainRTP, aesCM, gcm} {
			t.Run(fmt.Sprint(mux, suite), func(t *testing.T) {
				call, begun := newCall(t, plainRTP, suite), time.Now()
				call.b.set(func(p *Params) { p.Mux = mux })
				call.lookAt(begun, 0)
				call.converse(9)
				call.b.seq++ // one is lost on the way
				call.converse(1)
				call.lookAt(begun, 9*time.Second)
				silent(t, call.a.rtcp, "a peer that may still hear from the other itself")

				call.lookAt(begun, 10*time.Second)
				for to, from := range map[*peer]*peer{call.a: call.b, call.b: call.a} {
					packets := to.reported(mux && to == call.b)
					rr, isReceiver := packets[0].(*rtcp.ReceiverReport)
					if !isReceiver || rr.SSRC != from.ssrc || len(rr.Reports) != 1 { // nothing has left since the look before
						t.Fatalf("told %v", packets)
					}
				}
				call.converse(10)
				call.lookAt(begun, 15*time.Second)
				for to, from := range map[*peer]*peer{call.a: call.b, call.b: call.a} {
					packets := to.reported(mux && to == call.b)
					sr, ok := packets[0].(*rtcp.SenderReport)
					if !ok || sr.SSRC != from.ssrc || sr.PacketCount != 20 || sr.OctetCount != 20*160 || len(sr.Reports) != 1 {
						t.Fatalf("told %v", packets)
					}
					if name := packets[1].(*rtcp.SourceDescription).Chunks[0]; name.Source != from.ssrc || name.Items[0].Type != rtcp.SDESCNAME {
						t.Errorf("described as %v", name)
					}
					about := sr.Reports[0]
					if about.SSRC != to.ssrc || about.LastSequenceNumber != uint32(to.seq-1) || about.Delay != 0 || about.LastSenderReport != 0 {
						t.Errorf("reported is %+v of a source that has sent %d", about, to.seq-1)
					}
					if lost := map[*peer]uint32{call.a: 0, call.b: 1}[to]; about.TotalLost != lost || about.FractionLost != 0 {
						t.Errorf("lost are %d, and lately %d; want %d and none", about.TotalLost, about.FractionLost, lost)
					}
					// The clock of the source: 8000 a second from its last packet on.
					passed := sr.RTPTime - uint32(from.seq-1)*160
					if want := uint32(8000 * 15); passed > want || passed < want-8000 {
						t.Errorf("the source's clock is %d ticks ahead, want about %d", passed, want)
					}
					if at := int64(sr.NTPTime>>32) - 2208988800; at < begun.Unix()+14 || at > begun.Unix()+16 {
						t.Errorf("it is %d, and the report says %d", begun.Unix()+15, at)
					}
				}
			})
		}
	}
}

func TestTheBoxStopsWhenThePeerReportsItself(t *testing.T) {
	call, begun := newCall(t, plainRTP, aesCM), time.Now()
	call.lookAt(begun, 0)
	call.converse(3)
	const middle = 0x12345678
	sender := &rtcp.SenderReport{SSRC: call.a.ssrc, NTPTime: middle << 16, RTPTime: 5, PacketCount: 3, OctetCount: 480}
	call.a.control(sender, rtcp.NewCNAMESourceDescription(call.a.ssrc, "a"))
	if got := call.b.reported(false)[0].(*rtcp.SenderReport); got.NTPTime != sender.NTPTime {
		t.Errorf("relayed is %v", got)
	}
	call.stats(Caller, "not counted", func(s LegStats) bool { return s.ControlIn == 1 })
	call.lookAt(begun, 9*time.Second)
	call.converse(1)
	call.lookAt(begun, 14*time.Second)
	silent(t, call.b.rtcp, "the peer whose partner reports")
	about := call.a.reported(false)[0].(*rtcp.SenderReport).Reports[0]
	if about.LastSenderReport != middle || about.Delay>>16 < 12 || about.Delay>>16 > 14 {
		t.Errorf("the report answers %x, %d s ago", about.LastSenderReport, about.Delay>>16)
	}

	// The partner says nothing of what it hears any more.
	call.converse(1)
	call.lookAt(begun, 19*time.Second)
	if r := call.b.reported(false)[0].(*rtcp.SenderReport); r.SSRC != call.a.ssrc {
		t.Errorf("told %v", r)
	}
}

func TestAReportOfTheBoxMeasuresTheRoundTrip(t *testing.T) {
	call, begun := newCall(t, plainRTP, aesCM), time.Now()
	call.lookAt(begun.Add(-time.Minute), 0)
	call.converse(3)
	call.lookAt(begun, 0)
	sr := call.b.reported(false)[0].(*rtcp.SenderReport)
	call.b.control(&rtcp.ReceiverReport{SSRC: call.b.ssrc, Reports: []rtcp.ReceptionReport{{SSRC: call.a.ssrc, LastSenderReport: uint32(sr.NTPTime >> 16)}}})
	call.stats(Callee, "not counted", func(s LegStats) bool { return s.ControlIn == 1 })
	var trip time.Duration
	call.worker.do(func() { trip = call.Leg(Callee).half.account.roundTrip })
	if trip <= 0 || trip > patience {
		t.Errorf("the round trip is %v", trip)
	}
}

func TestNoReportsOfACallInWhichNothingWasSaid(t *testing.T) {
	call, begun := newCall(t, plainRTP, plainRTP), time.Now()
	for _, after := range []time.Duration{0, 10 * time.Second, time.Minute} {
		call.lookAt(begun, after)
	}
	silent(t, call.a.rtcp, "the caller")
	silent(t, call.b.rtcp, "the callee")
}

// Extended reports (RFC 3611), feedback and packets of applications are not the box's business; what is cut short is
// nobody's.
func TestReportsOfEveryKindPassAndJunkDoesNot(t *testing.T) {
	for _, suite := range []policy.Suite{plainRTP, aesCM} {
		call := newCall(t, plainRTP, suite)
		xr := &rtcp.ExtendedReport{SenderSSRC: call.a.ssrc, Reports: []rtcp.ReportBlock{&rtcp.VoIPMetricsReportBlock{SSRC: call.b.ssrc, LossRate: 3, RFactor: 90, MOSLQ: 43}}}
		for _, packet := range []rtcp.Packet{xr, &rtcp.Goodbye{Sources: []uint32{call.a.ssrc}}, &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 2},
			&rtcp.ApplicationDefined{SSRC: call.a.ssrc, Name: "TEST", Data: []byte("1234")}} {
			call.a.control(packet)
			b, _, ok := read(t, call.b.rtcp, patience)
			if ok && suite != plainRTP {
				var err error
				if b, err = call.b.decrypt.DecryptRTCP(nil, b, nil); err != nil {
					t.Fatal(err)
				}
			}
			if want, _ := packet.Marshal(); !bytes.Equal(b, want) {
				t.Errorf("%T arrives as %x, want %x", packet, b, want)
			}
		}
		whole, _ := xr.Marshal()
		for _, junk := range [][]byte{whole[:4], whole[:len(whole)-4], append(bytes.Clone(whole), 0x80, 204, 0), {0x80, 204, 0xff, 0xff, 0, 0, 0, 1}, {0x80, 207, 0, 0}} {
			write(t, call.a.rtcp, call.a.boxRTCP(), junk)
		}
		call.stats(Caller, "junk was not dropped", func(s LegStats) bool { return s.Malformed == 5 && s.ControlIn == 4 })
		silent(t, call.b.rtcp, "the other peer")
	}
}

// TestAPeerThatWantsNoRTCPGetsNone: what the other peer sends ends at the box, and the box makes none in its place.
func TestAPeerThatWantsNoRTCPGetsNone(t *testing.T) {
	for _, mux := range []bool{false, true} {
		t.Run(fmt.Sprint(mux), func(t *testing.T) {
			call, begun := newCall(t, plainRTP, aesCM), time.Now()
			silent := func(p *Params) { p.NoRTCP, p.Mux = true, mux }
			call.b.set(silent)
			call.converse(3)
			call.a.control(&rtcp.ReceiverReport{SSRC: call.a.ssrc})
			call.stats(Caller, "the report is not there", func(s LegStats) bool { return s.ControlIn == 1 })
			for _, after := range []time.Duration{0, 2 * unreported, 3 * unreported} {
				call.lookAt(begun, after)
			}
			for _, socket := range []*net.UDPConn{call.b.rtcp, call.b.rtp} {
				if b, _, ok := read(t, socket, 50*time.Millisecond); ok {
					t.Errorf("it gets %x", b)
				}
			}
			call.b.set()
			call.a.control(&rtcp.ReceiverReport{SSRC: call.a.ssrc})
			if _, _, ok := read(t, call.b.rtcp, patience); !ok {
				t.Error("it gets none now that it wants it")
			}
		})
	}
}
