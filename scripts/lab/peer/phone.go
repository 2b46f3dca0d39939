package peer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/tone"
)

// Phone is a telephone: a baresip that registers, plays a tone into every call and records what it hears.
type Phone struct {
	Host      *lab.Host
	Name      string // of its log and folder
	Login     Login
	AOR       string // user@domain it registers as
	Registrar netip.AddrPort
	Transport string     // udp, tcp or tls
	Authority *Authority // whose certificates it trusts, with TLS
	SRTP      bool       // refuses calls without; off: plain RTP
	DTLS      bool       // with SRTP: its keys are made by DTLS; off: SDES
	Codec     string     // pcma (default) or pcmu
	Tone      float64    // hertz
	Manual    bool       // rings until Answer or HangUp
	Renews    int        // seconds that a registration is to last, 60 when 0

	process *lab.Process
	control *control
	marks   map[string]int // samples of a recording that HeardSince leaves out, by its file
}

// toneSeconds is how long a phone has something to say; every call is shorter.
const toneSeconds = 120

// Start runs the phone and waits until it is registered.
func (p *Phone) Start(ctx context.Context) error {
	if err := p.configure(); err != nil {
		return err
	}
	var err error
	if p.process, err = p.Host.Start(p.Name, "baresip", "-f", p.folder(), "-s", "-v"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	err = p.process.Await(ctx, "ready for commands", func() bool {
		conn, err := p.Host.Dial(ctx, "tcp", controlAddress)
		if err == nil {
			p.control = newControl(conn)
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	return p.process.Await(ctx, "registered", p.registered)
}

// Stop ends the phone, which hangs up and takes its registration back.
func (p *Phone) Stop() {
	if p.control != nil {
		p.control.close()
	}
	if p.process != nil {
		p.process.Stop(3 * time.Second)
	}
}

// Freeze stops the phone in the middle of whatever it does, as a loss of power would; Thaw has it go on.
func (p *Phone) Freeze() error { return p.process.Signal(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (p *Phone) Thaw() error { return p.process.Signal(syscall.SIGCONT) }

func (p *Phone) folder() string     { return p.Host.Path(p.Name) }
func (p *Phone) recordings() string { return filepath.Join(p.folder(), "recordings") }

func (p *Phone) configure() error {
	if err := os.MkdirAll(p.recordings(), 0o700); err != nil {
		return fmt.Errorf("set up %s: %w", p.Name, err)
	}
	if p.Codec == "" {
		p.Codec = "pcma"
	}
	file := func(name string) string { return filepath.Join(p.folder(), name) }
	if err := tone.WriteFile(file("tone.wav"), tone.Generate(p.Tone, toneSeconds)); err != nil {
		return err
	}
	if p.Transport == "tls" {
		key, certificate, err := p.Authority.Issue(p.Name, p.Host.Address)
		if err != nil {
			return err
		}
		if err := writeFiles(map[string][]byte{
			file("identity.pem"): slices.Concat(key, certificate), file("ca.pem"): p.Authority.PEM(),
		}); err != nil {
			return err
		}
	}
	for template, name := range map[string]string{"baresip.config": "config", "baresip.accounts": "accounts"} {
		if err := fill(template, file(name), p.data()); err != nil {
			return err
		}
	}
	return writeFiles(map[string][]byte{file("contacts"): nil})
}

// data is what the templates see.
func (p *Phone) data() any {
	return struct {
		*Phone
		Address                           netip.Addr
		Link, Folder, Recordings, Control string
		Renewal                           int
	}{p, p.Host.Address, p.Host.Link, p.folder(), p.recordings(), controlAddress, cmp.Or(p.Renews, 60)}
}

func (p *Phone) registered() bool {
	answer, err := p.control.ask("reginfo", "")
	return err == nil && strings.Contains(answer, "OK")
}

// Dial calls a number and waits until the other side has answered; the error says with what the call failed.
func (p *Phone) Dial(ctx context.Context, number string) error {
	if err := p.call(number); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	e, err := p.control.wait(ctx, "CALL_ESTABLISHED", "CALL_CLOSED")
	if err != nil {
		return fmt.Errorf("%s dials %s: %w", p.Name, number, err)
	}
	if e.Type == "CALL_CLOSED" {
		return fmt.Errorf("%s dials %s: the call failed: %s", p.Name, number, e.Param)
	}
	return nil
}

// call begins a call; what happens next is in the events.
func (p *Phone) call(number string) error {
	p.control.forget()
	_, domain, _ := strings.Cut(p.AOR, "@")
	uri := "sip:" + number + "@" + domain
	if p.Transport != "udp" {
		uri += ";transport=" + p.Transport
	}
	if _, err := p.control.ask("dial", uri); err != nil {
		return fmt.Errorf("%s dials %s: %w", p.Name, number, err)
	}
	return nil
}

// Ring calls a number and returns when the other side rings.
func (p *Phone) Ring(ctx context.Context, number string) error {
	if err := p.call(number); err != nil {
		return err
	}
	return p.happens(ctx, "ringing at "+number, "CALL_RINGING", "CALL_PROGRESS")
}

// Rings waits until somebody calls the phone.
func (p *Phone) Rings(ctx context.Context) error { return p.happens(ctx, "a call", "CALL_INCOMING") }

// Answer takes the call that rings.
func (p *Phone) Answer(ctx context.Context) error {
	if _, err := p.control.ask("accept", ""); err != nil {
		return fmt.Errorf("%s answers: %w", p.Name, err)
	}
	return p.Answered(ctx)
}

// Hold puts the call on hold, or takes it back.
func (p *Phone) Hold(on bool) error {
	command := "resume"
	if on {
		command = "hold"
	}
	if _, err := p.control.ask(command, ""); err != nil {
		return fmt.Errorf("%s: %s: %w", p.Name, command, err)
	}
	return nil
}

// HangUp ends the phone's call and waits until it is over.
func (p *Phone) HangUp(ctx context.Context) error {
	if _, err := p.control.ask("hangup", ""); err != nil {
		return fmt.Errorf("%s hangs up: %w", p.Name, err)
	}
	return p.Ended(ctx)
}

// Ended waits until the phone's call is over, whoever ended it.
func (p *Phone) Ended(ctx context.Context) error {
	return p.happens(ctx, "the end of its call", "CALL_CLOSED")
}

// Answered waits until the phone has taken a call since the last Forget.
func (p *Phone) Answered(ctx context.Context) error {
	return p.happens(ctx, "an answered call", "CALL_ESTABLISHED")
}

// happens waits for an event.
func (p *Phone) happens(ctx context.Context, what string, types ...string) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	if _, err := p.control.wait(ctx, types...); err != nil {
		return fmt.Errorf("%s waits for %s: %w", p.Name, what, err)
	}
	return nil
}

// DropRecordings removes what the phone has recorded so far.
func (p *Phone) DropRecordings() error {
	names, err := filepath.Glob(filepath.Join(p.recordings(), "*.wav"))
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// Forget drops what happened so far, so that Answered and Ended speak of the next call.
func (p *Phone) Forget() { p.control.forget() }

// Heard returns what the phone heard in its last call: the longest recording since DropRecordings, because a call that
// was over before it began leaves one as well.
func (p *Phone) Heard() ([]int16, error) {
	names, err := filepath.Glob(filepath.Join(p.recordings(), "*-dec.wav"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("%s has recorded nothing", p.Name)
	}
	var longest []int16
	for _, name := range names {
		samples, err := tone.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if len(samples) > len(longest) {
			longest = samples
		}
	}
	return longest, nil
}

// Log is the file the phone writes to.
func (p *Phone) Log() string { return p.process.Log }
