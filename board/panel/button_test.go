package panel

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A line is what happens to the button, by seconds: +3 goes down at second 3, -4 up at 4, 13 is a look at the clock.
func TestAPressAResetAndWhatIsNeither(t *testing.T) {
	down, up, look := 'd', 'u', 'l'
	type move struct {
		what rune
		at   float64
	}
	for name, c := range map[string]struct {
		jammed bool // down from the start
		moves  []move
		want   []Act
	}{
		"a press":                         {false, []move{{down, 1}, {up, 1.1}}, []Act{Pressed}},
		"two presses":                     {false, []move{{down, 1}, {up, 1.1}, {down, 2}, {up, 2.2}}, []Act{Pressed, Pressed}},
		"held for too short and too long": {false, []move{{down, 1}, {up, 6}}, nil},
		"held, let go and pressed again":  {false, []move{{down, 1}, {look, 11}, {up, 12}, {down, 15}, {up, 15.1}}, []Act{Asked, Confirmed}},
		"held and let go":                 {false, []move{{down, 1}, {look, 11}, {up, 12}, {look, 31}}, []Act{Asked, Dropped}},
		"held and never let go":           {false, []move{{down, 1}, {look, 11}, {look, 31}, {look, 99}, {up, 100}}, []Act{Asked, Dropped}},
		"pressed again too late":          {false, []move{{down, 1}, {look, 11}, {up, 12}, {down, 40}, {up, 40.1}}, []Act{Asked, Dropped, Pressed}},
		"the look comes late":             {false, []move{{down, 1}, {up, 12}, {down, 14}}, []Act{Asked, Confirmed}},
		"down from the start":             {true, []move{{look, 60}, {up, 61}, {down, 62}, {up, 62.1}}, []Act{Pressed}},
		"told twice":                      {false, []move{{down, 1}, {down, 1.05}, {up, 1.1}, {up, 1.2}}, []Act{Pressed}},
	} {
		p := NewPress(c.jammed)
		var got []Act
		for _, m := range c.moves {
			now := time.Unix(1000, 0).Add(time.Duration(m.at * float64(time.Second)))
			act := Nothing
			if m.what == look {
				act = p.Pass(now)
			} else {
				act = p.Key(m.what == down, now)
			}
			if act != Nothing {
				got = append(got, act)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}

// keyEvent is a struct input_event as the kernel writes it.
func keyEvent(code uint16, value uint32) []byte {
	b := make([]byte, eventSize)
	binary.NativeEndian.PutUint16(b[momentSize:], eventKey)
	binary.NativeEndian.PutUint16(b[momentSize+2:], code)
	binary.NativeEndian.PutUint32(b[momentSize+4:], value)
	return b
}

func TestTheButtonIsReadFromItsDevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event0")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	device, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	ctx, stop := context.WithCancel(t.Context())
	acts, ended := make(chan Act, 8), make(chan error, 1)
	go func() { ended <- Watch(ctx, path, func(a Act) { acts <- a }, nil) }()

	const power = 116 // KEY_POWER
	report := make([]byte, eventSize)
	for _, b := range [][]byte{
		keyEvent(power, 1), report, keyEvent(power, 2), // a pipe cannot be asked: this press does not count
		keyEvent(power, 0), report, keyEvent(power, 1), report, keyEvent(power, 2), keyEvent(power, 0), report,
	} {
		if _, err := device.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if a := <-acts; a != Pressed {
		t.Errorf("it was %v, not a press", a)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(acts) > 0 {
		t.Errorf("then %v", <-acts)
	}
}

func TestTheButtonIsFoundByTheDeviceTree(t *testing.T) {
	for name, c := range map[string]struct {
		kinds map[string]string // what the device tree says of each event device
		want  string
	}{
		"keys on GPIO lines":     {map[string]string{"event0": "", "event1": "gpio-keys\x00"}, "dev/input/event1"},
		"a keyboard and a mouse": {map[string]string{"event0": "", "event1": ""}, ""},
		"polled keys":            {map[string]string{"event0": "gpio-keys-polled\x00"}, "dev/input/event0"},
		"another device of it":   {map[string]string{"event0": "gpio-ir-receiver\x00"}, ""},
		"nothing":                {nil, ""},
	} {
		root := t.TempDir()
		for event, compatible := range c.kinds {
			folder := filepath.Join(root, "sys/class/input", event, "device/device/of_node")
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if compatible != "" {
				if err := os.WriteFile(filepath.Join(folder, "compatible"), []byte(compatible), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, found := FindButton(root)
		if found != (c.want != "") || found && got != filepath.Join(root, c.want) {
			t.Errorf("%s: %q, %v", name, got, found)
		}
	}
}
