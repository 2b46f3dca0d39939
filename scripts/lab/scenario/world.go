package scenario

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

// The peers of a flow, by the names that files and messages use.
const (
	office   = "office"
	carrier  = "carrier"
	backup   = "backup"   // the second carrier
	insider  = "insider"  // a stranger in the office
	outsider = "outsider" // a stranger on the carrier's network
)

const sipPort = 5060

// Setting says how the box of a group of flows is set up. Zero values are the usual: UDP, a carrier that knows the box by
// its address, room for many calls.
type Setting struct {
	OfficeTransport, CarrierTransport string
	PBXFormat, CarrierFormat          string
	OutsidePrefix                     string
	Health                            string // whether the carrier is asked for its health: off (default), options
	Registers                         bool   // the carrier wants a registration
	Calls                             int    // at once, in all
	TrunkCalls                        int    // at once, with the first carrier
	IPv6                              bool
	Profile                           string // of the first carrier, which then has no keys but these and CarrierKeys
	Sections                          string // of the policy; else fraud is off
	SiteKeys, Routes                  string // further lines of the site, and the routes instead of the usual ones
	Admission                         string // a section of the policy; "": the usual one
	PBXKeys, CarrierKeys              string // further lines of the policy, as deep as those of the PBX and of the first carrier
}

func (s Setting) filled() Setting {
	for field, usual := range map[*string]string{
		&s.OfficeTransport: "udp", &s.CarrierTransport: "udp", &s.PBXFormat: "e164", &s.CarrierFormat: "e164", &s.Health: "off",
	} {
		if *field == "" {
			*field = usual
		}
	}
	if s.Calls == 0 {
		s.Calls = 400
	}
	return s
}

// peer is a machine on which sipp runs, and whom it talks to.
type peer struct {
	name      string
	host      *lab.Host
	address   netip.Addr
	box       netip.Addr
	transport string
}

func (p peer) marker() string { return "hidden-" + p.name }

// outside tells whether the peer is on the carrier's side.
func (p peer) outside() bool { return p.name == carrier || p.name == backup || p.name == outsider }

// world is one box with its peers and the captures of both links.
type world struct {
	setting  Setting
	lab      *lab.Lab
	box      *branch.Box
	peers    map[string]peer
	captures []*lab.Process
	runs     int
}

// open lays out a world; the box is not started yet.
func open(ctx context.Context, binary string, s Setting) (*world, error) {
	if err := lab.Missing(Programs()...); err != nil {
		return nil, err
	}
	l, err := lab.Open(lab.TwoPorts)
	if err != nil {
		return nil, err
	}
	w := &world{setting: s.filled(), lab: l, box: &branch.Box{Host: l.Box, Binary: binary}}
	if err := w.lay(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// Programs are what the flows need on the machine.
func Programs() []string { return []string{"ip", "nft", "tcpdump", "sipp"} }

func (w *world) lay(ctx context.Context) error {
	n := w.lab.Net
	inside, err := w.lab.AddOffice(insider, n.OfficeStranger)
	if err != nil {
		return err
	}
	outside, err := w.lab.AddCarrier(outsider, n.Stranger)
	if err != nil {
		return err
	}
	w.peers = map[string]peer{}
	for _, p := range []peer{
		{office, w.lab.PBX, n.PBX, n.BoxInside, w.setting.OfficeTransport},
		{insider, inside, n.OfficeStranger, n.BoxInside, w.setting.OfficeTransport},
		{carrier, w.lab.Carrier, n.Carrier, n.BoxOutside, w.setting.CarrierTransport},
		{backup, w.lab.Subscribers[0], n.Subscribers[0], n.BoxOutside, w.setting.CarrierTransport},
		{outsider, outside, n.Stranger, n.BoxOutside, w.setting.CarrierTransport},
	} {
		if w.setting.IPv6 {
			p.address, p.box = lab.Sixth(p.address), lab.Sixth(p.box)
			if err := w.addSixth(p.host, p.address); err != nil {
				return err
			}
		}
		w.peers[p.name] = p
	}
	if w.setting.IPv6 {
		for _, a := range []netip.Addr{w.peers[office].box, w.peers[carrier].box} {
			if err := w.addSixth(w.lab.Box, a); err != nil {
				return err
			}
		}
	}
	return w.capture(ctx)
}

// addSixth gives a machine its IPv6 address, on the interface that is on the address's side.
func (w *world) addSixth(h *lab.Host, a netip.Addr) error {
	if h == w.lab.Box && a == w.peers[carrier].box {
		return h.AddSixth(a, lab.BoxOutside)
	}
	return h.AddSixth(a, h.Link)
}

func (w *world) capture(ctx context.Context) error {
	for _, c := range []struct {
		at   *lab.Host
		file string
	}{{w.lab.PBX, "office.pcap"}, {w.lab.Carrier, "carrier.pcap"}} {
		p, err := c.at.Capture(ctx, w.lab.Box.Name, w.lab.Path(c.file))
		if err != nil {
			return err
		}
		w.captures = append(w.captures, p)
	}
	return nil
}

// start runs the box and waits until it takes calls.
func (w *world) start(ctx context.Context) error {
	policy, err := w.policy()
	if err != nil {
		return err
	}
	if err := w.box.Start(ctx, policy); err != nil {
		return err
	}
	pid := w.box.Process.PID()
	return w.box.Process.Await(ctx, "listening", func() bool {
		return listens(pid, w.setting.OfficeTransport, sipPort) && listens(pid, w.setting.CarrierTransport, sipPort)
	})
}

//go:embed policy.yaml.tmpl
var policyTemplate string

// policy writes the box's policy document.
func (w *world) policy() (string, error) {
	t, err := template.New("policy").Parse(policyTemplate)
	if err != nil {
		return "", fmt.Errorf("read policy template: %w", err)
	}
	bits := map[bool][2]int{false: {w.lab.Net.Office.Bits(), w.lab.Net.CarrierNet.Bits()}, true: {lab.SixthBits, lab.SixthBits}}[w.setting.IPv6]
	inside, outside := netip.PrefixFrom(w.peers[office].box, bits[0]), netip.PrefixFrom(w.peers[carrier].box, bits[1])
	at := func(name string) netip.AddrPort { return netip.AddrPortFrom(w.peers[name].address, sipPort) }
	var document strings.Builder
	err = t.Execute(&document, struct {
		Setting
		InsideLink, OutsideLink string
		Inside, Outside, Office netip.Prefix
		PBX, Carrier, Backup    netip.AddrPort
	}{
		w.setting, lab.BoxInside, lab.BoxOutside, inside, outside, inside.Masked(), at(office), at(carrier), at(backup),
	})
	if err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	return document.String(), nil
}

// close stops everything and removes it.
func (w *world) close() error {
	if w.box.Process != nil {
		w.box.Stop()
	}
	return w.lab.Close()
}

// keep copies what the programs wrote into a folder.
func (w *world) keep(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("keep the logs: %w", err)
	}
	files, err := filepath.Glob(w.lab.Path("*.*"))
	for _, name := range files {
		b, e := os.ReadFile(name)
		if e == nil {
			e = os.WriteFile(filepath.Join(folder, filepath.Base(name)), b, 0o600)
		}
		err = errors.Join(err, e)
	}
	return err
}
