package bench

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

// Kind names a system.
type Kind string

// The systems.
const (
	Box       Kind = "tollgate"
	Forgetful Kind = "tollgate without records" // of running calls; only when it is asked for
	Another   Kind = "tollgate, the other build"
	Recording Kind = "kamailio rr+dialog"
	Hiding    Kind = "kamailio topoh"
)

// Kinds are the systems that are compared.
func Kinds() []Kind { return []Kind{Box, Recording, Hiding} }

const sipPort = 5060

//go:embed *.tmpl *.xml
var files embed.FS

// fill writes a file of this package, with data, to the lab's folder and returns its name.
func (w *world) fill(name string, data any) (string, error) {
	t, err := template.ParseFS(files, name)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	file := w.lab.Path(strings.TrimSuffix(name, ".tmpl"))
	f, err := os.Create(file)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	defer f.Close()
	if err := t.Execute(f, data); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return file, f.Close()
}

// start runs a system and waits until it takes calls.
func (w *world) start(ctx context.Context, k Kind) (*lab.Process, error) {
	ctx, cancel := context.WithTimeout(ctx, branch.Patience)
	defer cancel()
	var p *lab.Process
	var err error
	switch k {
	case Another:
		w.options.Binary = w.options.Another
		p, err = w.startBox(ctx, true)
	case Box, Forgetful:
		p, err = w.startBox(ctx, k == Box)
	default:
		p, err = w.startKamailio(k == Hiding)
	}
	if err != nil {
		return nil, err
	}
	return p, p.Await(ctx, "listening", func() bool { return w.listens(w.lab.Net.BoxInside) && w.listens(w.lab.Net.BoxOutside) })
}

// listens tells whether somebody has SIP's port of an address of the system, by trying to take it.
func (w *world) listens(a netip.Addr) bool {
	c, err := w.lab.Box.ListenPacket(net.JoinHostPort(a.String(), fmt.Sprint(sipPort)))
	if err == nil {
		c.Close()
	}
	return err != nil
}

// startBox runs the box, with records of running calls as on the appliance, or without.
func (w *world) startBox(ctx context.Context, records bool) (*lab.Process, error) {
	n := w.lab.Net
	at := func(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, sipPort) }
	file, err := w.fill(cmp.Or(w.document, "policy.yaml.tmpl"), map[string]any{
		"CarrierHost": n.Carrier, "Another": n.Subscribers[0], "Other": n.Subscribers[1],
		"InsideLink": lab.BoxInside, "OutsideLink": lab.BoxOutside, "Inside": w.lab.BoxInsidePrefix(), "Outside": w.lab.BoxOutsidePrefix(),
		"PBX": at(n.PBX), "Carrier": w.carrierAt(), "Trust": indent(w.trust, 8), "Backup": at(n.Subscribers[0]), "Calls": w.admitted, "Encrypted": w.encrypted,
	})
	if err != nil {
		return nil, err
	}
	policy, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	b := &branch.Box{Host: w.lab.Box, Binary: w.options.Binary, Without: w.without}
	if records {
		if w.live, err = os.MkdirTemp("/dev/shm", "bench"); err != nil { // in memory, like /run
			return nil, fmt.Errorf("make a folder for the running calls: %w", err)
		}
		b.Live = filepath.Join(w.live, "calls")
	}
	err = b.Start(ctx, string(policy))
	return b.Process, err
}

// carrierAt is where the carrier takes calls.
func (w *world) carrierAt() netip.AddrPort {
	if w.trust != "" {
		return netip.AddrPortFrom(w.lab.Net.Carrier, securedPort)
	}
	return netip.AddrPortFrom(w.lab.Net.Carrier, sipPort)
}

func (w *world) startKamailio(hiding bool) (*lab.Process, error) {
	n := w.lab.Net
	file, err := w.fill("kamailio.cfg.tmpl", map[string]any{
		"BoxInside": n.BoxInside, "BoxOutside": n.BoxOutside, "Office": n.PBX, "Hiding": hiding, "Mask": "203.0.113.99",
		"PBX": netip.AddrPortFrom(n.PBX, sipPort), "Carrier": netip.AddrPortFrom(n.Carrier, sipPort),
	})
	if err != nil {
		return nil, err
	}
	run := w.lab.Path("run")
	if err := os.MkdirAll(run, 0o700); err != nil {
		return nil, fmt.Errorf("start kamailio: %w", err)
	}
	return w.lab.Box.Start("kamailio", "kamailio", "-DD", "-E", "-m", "1024", "-M", "16", "-P", run+"/pid", "-Y", run, "-f", file)
}

// rest is how long a system is left alone for what it does after calls have ended.
const rest = time.Second
