package peer

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/capture"
)

// PBX is the office's telephone system: a Kamailio that registers the phones by digest, sends calls to outside numbers
// to the box and takes calls from the box for the phones. It stays in the path of signalling (Record-Route) and out of
// that of media.
type PBX struct {
	Host       *lab.Host
	Domain     string
	Extensions []Login // User is the extension, Number what the outside dials, in E.164
	Box        netip.Addr
	Transport  string // towards the box: udp (default), tcp or tls
	// Login answers the box's digest challenge; without a user the PBX answers none.
	Login     Login
	Registers bool       // it registers with the box as Login, as with a carrier
	Authority *Authority // of the PBX's certificate; with TLS only

	kamailio
}

// Start writes the configuration and runs the PBX.
func (p *PBX) Start(ctx context.Context) error {
	folder := p.Host.Path("pbx")
	if err := os.MkdirAll(p.dumps(), 0o700); err != nil {
		return fmt.Errorf("start the PBX: %w", err)
	}
	if p.Transport == "" {
		p.Transport = "udp"
	}
	if p.TLS() {
		key, certificate, err := p.Authority.Issue(p.Domain, p.Host.Address)
		if err != nil {
			return err
		}
		if err := writeFiles(map[string][]byte{
			filepath.Join(folder, "key.pem"): key, filepath.Join(folder, "certificate.pem"): certificate,
		}); err != nil {
			return err
		}
		if err := fill("tls.cfg", filepath.Join(folder, "tls.cfg"), struct {
			Folder, Method string
			Mutual         bool
		}{Folder: folder, Method: defaultTLS}); err != nil {
			return err
		}
	}
	data := struct {
		*PBX
		Address       netip.Addr
		Folder, Dumps string
	}{p, p.Host.Address, folder, p.dumps()}
	if p.Registers {
		if err := p.writeRegistration(filepath.Join(folder, "db")); err != nil {
			return err
		}
	}
	if err := fill("pbx.cfg", filepath.Join(folder, "kamailio.cfg"), data); err != nil {
		return err
	}
	p.kamailio.host = p.Host
	return p.start(ctx, "pbx", folder, netip.AddrPortFrom(p.Host.Address, 5060))
}

// TLS tells whether the PBX talks with the box over TLS.
func (p *PBX) TLS() bool { return p.Transport == "tls" }

// BoxPort is where the box listens for the PBX's transport.
func (p *PBX) BoxPort() int {
	if p.TLS() {
		return 5061
	}
	return 5060
}

func (p *PBX) dumps() string { return filepath.Join(p.Host.Path("pbx"), "messages") }

// Messages returns every SIP message the PBX has received or sent so far.
func (p *PBX) Messages() ([]capture.Message, error) { return capture.Messages(p.dumps()) }
