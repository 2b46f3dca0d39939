package bench

import (
	"errors"
	"fmt"
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
	admitted  int  // calls at once, by the box's policy
	encrypted bool // the carrier speaks SRTP
	runs      int
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

func (w *world) close() error { return w.lab.Close() }

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
