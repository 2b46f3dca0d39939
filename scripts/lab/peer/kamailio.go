// Package peer runs what the box talks with: telephones (baresip), the office's PBX and the carrier (Kamailio).
//
// Each peer is a value with Start and Stop; its configuration is written into a folder of the lab from the templates
// beside this file, its certificates are made at run time by an Authority. A Phone registers, dials, answers by itself,
// plays a tone and records what it hears.
//
// It leaves to others where the peers stand (lab) and what they have to prove (branch).
package peer

import (
	"context"
	"embed"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"tollgate/scripts/lab"
)

//go:embed templates
var templates embed.FS

// fill writes a template of this package to a file.
func fill(name, file string, data any) error {
	t, err := template.ParseFS(templates, "templates/"+name)
	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	defer f.Close()
	if err := t.Execute(f, data); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return f.Close()
}

// Patience is how long a peer may take to do what it was asked for.
const Patience = 15 * time.Second

// defaultTLS is what servers speak when nothing else is wished, as Kamailio writes it.
const defaultTLS = "TLSv1.2+"

// kamailio is a running Kamailio.
type kamailio struct {
	host    *lab.Host
	process *lab.Process
}

// start runs Kamailio with the configuration in folder and waits until it accepts connections on a TCP port.
func (k *kamailio) start(ctx context.Context, name, folder string, listen netip.AddrPort) error {
	run := filepath.Join(folder, "run")
	if err := os.MkdirAll(run, 0o700); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	var err error
	k.process, err = k.host.Start(name, "kamailio", "-DD", "-E", "-m", "32", "-M", "4",
		"-P", filepath.Join(run, "pid"), "-Y", run, "-f", filepath.Join(folder, "kamailio.cfg"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	return k.process.Await(ctx, "accepting connections", func() bool {
		conn, err := k.host.Dial(ctx, "tcp", listen.String())
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// Stop ends the server. A peer that was not started is stopped already.
func (k *kamailio) Stop() {
	if k.process != nil {
		k.process.Stop(3 * time.Second)
	}
}

// Log is the file the server writes to.
func (k *kamailio) Log() string { return k.process.Log }
