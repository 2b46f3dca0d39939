package bench

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"tollgate/scripts/lab"
)

// Programs are what a bench needs on the machine.
func Programs() []string {
	return []string{"ip", "nft", "sipp", "kamailio", "rtpengine", "taskset"}
}

// world is one lab: the office's PBX and the carrier are sipp, the box is the system under test.
type world struct {
	options   Options
	lab       *lab.Lab
	admitted  int      // calls at once, by the box's policy
	encrypted bool     // the carrier speaks SRTP
	without   []string // capabilities that the box has to do without
	document  string   // the template of the box's policy, when it is not the usual one
	runs      int
	live      string           // folder for the box's records of running calls; "": it has not been started
	trust     string           // who signs the carrier's certificate, PEM; "": it is reached over UDP
	audio     []net.PacketConn // the ports that sipp names for audio
}

// manyCalls is more than any round has up at once.
const manyCalls = 8000

func open(o Options) (*world, error) {
	if err := lab.Missing(Programs()...); err != nil {
		return nil, err
	}
	l, err := lab.Open(lab.TwoPorts)
	if err != nil {
		return nil, err
	}
	return &world{options: o, lab: l, admitted: manyCalls}, nil
}

// openAudio opens the ports that sipp names for audio and leaves closed: what is sent there is not answered by ICMP.
func (w *world) openAudio() error {
	if w.audio != nil {
		return nil
	}
	for host, port := range map[*lab.Host]int{w.lab.PBX: 30000, w.lab.Carrier: 40000} {
		for _, p := range []int{port, port + 1} {
			c, err := host.ListenPacket(fmt.Sprintf("%s:%d", host.Address, p))
			if err != nil {
				return fmt.Errorf("open a port for audio: %w", err)
			}
			w.audio = append(w.audio, c)
		}
	}
	return nil
}

func (w *world) close() error {
	for _, c := range w.audio {
		c.Close()
	}
	err := w.lab.Close()
	if w.live != "" {
		err = errors.Join(err, os.RemoveAll(w.live))
	}
	return err
}

// keep copies what the programs wrote into a folder of the logs.
func (w *world) keep(name string) error {
	if w.options.Keep == "" {
		return nil
	}
	folder := filepath.Join(w.options.Keep, name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("keep the logs: %w", err)
	}
	files, err := filepath.Glob(w.lab.Path("*.*"))
	for _, file := range files {
		b, e := os.ReadFile(file)
		if e == nil {
			e = os.WriteFile(filepath.Join(folder, filepath.Base(file)), b, 0o600)
		}
		err = errors.Join(err, e)
	}
	return err
}
