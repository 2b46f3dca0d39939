package interop

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/tone"
)

// Linphone is a telephone of its own, by its console: what it says, hears and shows. It answers every call.
type Linphone struct {
	Host   *lab.Host
	Number string
	Tone   float64 // hertz, said in every call
	// Encryption is none, srtp (keys by SDES), dtls or zrtp.
	Encryption string
	Info       bool // keys are pressed by SIP INFO; else in the audio (RFC 4733)

	process *lab.Process
	keys    *os.File // what is typed
	said    int      // octets of its output that were looked through
	heard   int      // samples of its recording that Heard leaves out
}

//go:embed linphone.rc.tmpl
var linphoneSettings string

// Start runs it and waits until it takes calls.
func (l *Linphone) Start(ctx context.Context) error {
	folder := l.path()
	for _, f := range []string{".local/share/linphone", ".config/linphone"} { // it makes neither by itself
		if err := os.MkdirAll(filepath.Join(folder, f), 0o700); err != nil {
			return fmt.Errorf("make a telephone's folder: %w", err)
		}
	}
	if err := l.settings(folder); err != nil {
		return err
	}
	if err := tone.WriteFile(l.path("said.wav"), tone.Generate(l.Tone, length)); err != nil {
		return err
	}
	var err error
	if l.keys, err = typewriter(l.path("keys")); err != nil {
		return err
	}
	const console = `export HOME="$0"; exec linphonec -a -c "$0/settings" -l "$0/log" -d 5 <"$0/keys"`
	if l.process, err = l.Host.Start("linphone-"+l.Host.Name, "sh", "-c", console, folder); err != nil {
		return err
	}
	if err := l.Type("soundcard use files", "play "+l.path("said.wav"), "record "+l.path("heard.wav")); err != nil {
		return err
	}
	return l.ready(ctx)
}

func (l *Linphone) path(names ...string) string {
	return l.Host.Path(append([]string{"linphone-" + l.Host.Name}, names...)...)
}

func (l *Linphone) settings(folder string) error {
	t, err := template.New("settings").Parse(linphoneSettings)
	if err != nil {
		return fmt.Errorf("read a telephone's settings: %w", err)
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{"Address": l.Host.Address, "Number": l.Number, "Encryption": l.Encryption,
		"Info": number(l.Info), "Events": number(!l.Info), "Port": 7078})
	if err != nil {
		return fmt.Errorf("write a telephone's settings: %w", err)
	}
	return os.WriteFile(filepath.Join(folder, "settings"), []byte(b.String()), 0o600)
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// ready waits until it listens, which it does some time after it has started.
func (l *Linphone) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	return l.process.Await(ctx, "listening", func() bool {
		log, _ := os.ReadFile(l.path("log"))
		return strings.Contains(string(log), "Creating listening point")
	})
}

// Stop ends it.
func (l *Linphone) Stop() {
	if l.process != nil {
		l.process.Stop(3 * time.Second)
	}
	if l.keys != nil {
		l.keys.Close()
	}
}

// Type enters lines at its console.
func (l *Linphone) Type(lines ...string) error {
	if _, err := l.keys.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
		return fmt.Errorf("type at %s: %w", l.Host.Name, err)
	}
	return nil
}

// Call dials a number by way of a box.
func (l *Linphone) Call(number string, by netip.Addr) error {
	return l.Type(fmt.Sprintf("call sip:%s@%s", number, by))
}

// Shows waits until it shows a line with words in it, after those that it was seen to show before, and returns what follows
// the words.
func (l *Linphone) Shows(ctx context.Context, words string) (rest string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = l.process.Await(ctx, "showing "+words, func() bool {
		before, after, ok := strings.Cut(l.process.Output()[l.said:], words)
		line, _, whole := strings.Cut(after, "\n")
		if !ok || !whole {
			return false
		}
		l.said += len(before) + len(words)
		rest = strings.TrimSpace(line)
		return true
	})
	return rest, err
}

// Mark forgets what was heard; Heard is what was heard since.
func (l *Linphone) Mark() error {
	l.heard = 0
	samples, err := l.Heard()
	l.heard = len(samples)
	return err
}

// Heard is what it has recorded since Mark. The file's header, of 44 octets, is empty as long as it is written.
func (l *Linphone) Heard() ([]int16, error) {
	b, err := os.ReadFile(l.path("heard.wav"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nothing yet
	} else if err != nil {
		return nil, fmt.Errorf("read a recording: %w", err)
	}
	samples := make([]int16, max(0, len(b)-44)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(b[44+2*i:]))
	}
	return samples[min(l.heard, len(samples)):], nil
}
