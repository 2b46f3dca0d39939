package peer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/capture"
)

// CarrierPort is where the carrier listens with TLS, MutualPort where it wants certificates; without TLS it is PlainPort.
const (
	CarrierPort = 5061
	MutualPort  = 5063
	PlainPort   = 5060
)

// Login is one account: what it signs in with, and the number that goes with it.
type Login struct{ User, Password, Number string }

// Carrier is a telephone company: a Kamailio that speaks TLS, registers its subscribers and one trunk by digest, refuses
// calls without SRTP and delivers the trunk's numbers to whoever has registered the trunk.
type Carrier struct {
	Host        *lab.Host
	Authority   *Authority
	Domain      string
	Trunk       Login    // Number: the one under which the trunk registers
	TrunkPrefix string   // of the trunk's numbers, such as "+331234567"
	Subscribers []Login  // baresip phones
	Extra       []string // further numbers that ring at the first subscriber, such as emergency numbers
	// Algorithm of its digest, MD5 when empty, or SHA-256. With SHA-256 only the trunk is asked for its password, because
	// baresip cannot answer.
	Algorithm string
	// NewConnections makes the carrier call the trunk at its Contact instead of on the registration's connection.
	NewConnections bool
	TrunkAddress   netip.Addr // where the trunk's box is seen
	// Plain adds UDP and TCP, and takes calls without SRTP.
	Plain bool
	// Latches has the audio of all calls go through a gateway that sends where it comes from.
	Latches bool
	// Mutual adds a port at which it takes TLS only from who shows a certificate of the authority: MutualPort.
	Mutual bool
	// Signs has the carrier check who has signed the trunk's calls, and sign those to it.
	Signs bool
	// TLSMethod is what it speaks, as Kamailio writes it: TLSv1.2+ when empty.
	TLSMethod string

	kamailio
	gateway MediaGateway
	web     *lab.Process // where its certificate for numbers is fetched
}

// Start writes the configuration and runs the carrier.
func (c *Carrier) Start(ctx context.Context) error {
	folder := c.folder()
	if err := os.MkdirAll(c.dumps(), 0o700); err != nil {
		return fmt.Errorf("start the carrier: %w", err)
	}
	key, certificate, err := c.Authority.Issue(c.Domain, c.Host.Address)
	if err != nil {
		return err
	}
	if err := writeFiles(map[string][]byte{
		filepath.Join(folder, "key.pem"): key, filepath.Join(folder, "certificate.pem"): certificate,
		filepath.Join(folder, "authority.pem"): c.Authority.PEM(),
	}); err != nil {
		return err
	}
	if c.Algorithm == "" {
		c.Algorithm = "MD5"
	}
	if c.Signs {
		if err := c.publish(key, certificate); err != nil {
			return err
		}
	}
	data := struct {
		*Carrier
		Address       netip.Addr
		Port          int
		MutualPort    int
		Folder, Dumps string
		Method        string
		Gateway       string
		Operator      operator
	}{c, c.Host.Address, CarrierPort, MutualPort, folder, c.dumps(), cmp.Or(c.TLSMethod, defaultTLS), gatewayControl, c.operator()}
	for template, file := range map[string]string{"carrier.cfg": "kamailio.cfg", "tls.cfg": "tls.cfg"} {
		if err := fill(template, filepath.Join(folder, file), data); err != nil {
			return err
		}
	}
	c.kamailio.host = c.Host
	if c.Latches {
		c.gateway.Host = c.Host
		if err := c.gateway.Start(); err != nil {
			return err
		}
	}
	return c.start(ctx, "carrier", folder, netip.AddrPortFrom(c.Host.Address, CarrierPort))
}

// Stop ends the carrier.
func (c *Carrier) Stop() {
	c.kamailio.Stop()
	c.gateway.Stop()
	if c.web != nil {
		c.web.Stop(time.Second)
	}
}

func (c *Carrier) folder() string { return c.Host.Path("carrier") }
func (c *Carrier) dumps() string  { return filepath.Join(c.folder(), "messages") }

// Registrations counts how often the trunk has registered so far.
func (c *Carrier) Registrations() int {
	log, _ := os.ReadFile(c.Log()) // there is none yet
	return bytes.Count(log, []byte("registered: "+c.Trunk.Number+"\n"))
}

// Messages returns every SIP message the carrier has received or sent so far, decrypted.
func (c *Carrier) Messages() ([]capture.Message, error) { return capture.Messages(c.dumps()) }
