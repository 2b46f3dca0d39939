package panel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FindButton returns the device of the button: the first keys that the device tree hangs on a GPIO line. A board without
// such has none; a keyboard is no button of the box's.
func FindButton(root string) (device string, found bool) {
	events, _ := filepath.Glob(filepath.Join(root, "sys/class/input/event*"))
	for _, e := range events {
		kinds := strings.Split(text(filepath.Join(e, "device/device/of_node/compatible")), "\x00")
		if kinds[0] == "gpio-keys" || kinds[0] == "gpio-keys-polled" {
			return filepath.Join(root, "dev/input", filepath.Base(e)), true
		}
	}
	return "", false
}

// Watch tells what somebody does with the button whose device is at path, until ctx ends. It returns an error when the device
// cannot be read, or is gone. fault is called at named points, so that a test can make them panic; it may be nil.
func Watch(ctx context.Context, path string, tell func(Act), fault func(point string)) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("open the button: %w", err)
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { f.Close() })
	defer stop()
	press := NewPress(isDown(f))
	act := func(a Act) {
		if a != Nothing {
			tell(a)
		}
	}
	for {
		if fault != nil {
			fault("button")
		}
		if err := f.SetReadDeadline(press.Due()); err != nil && ctx.Err() == nil {
			return fmt.Errorf("wait for the button: %w", err)
		}
		down, moved, err := readKey(f)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			act(press.Pass(time.Now()))
		case err != nil:
			return fmt.Errorf("read the button: %w", err)
		case moved:
			act(press.Key(down, time.Now()))
		}
	}
}

// Of linux/input.h. An event is a moment of two words, then type, code and value.
const (
	momentSize = 2 * int(unsafe.Sizeof(uintptr(0)))
	eventSize  = momentSize + 8
	eventKey   = 1    // EV_KEY
	keyBits    = 96   // octets of a bit for each key (KEY_CNT)
	askKeys    = 0x18 // EVIOCGKEY
)

// readKey reads one event of the device; moved tells whether a key went down or up.
func readKey(from io.Reader) (down, moved bool, err error) {
	b := make([]byte, eventSize)
	if _, err := io.ReadFull(from, b); err != nil {
		return false, false, err
	}
	kind, value := binary.NativeEndian.Uint16(b[momentSize:]), binary.NativeEndian.Uint32(b[momentSize+4:])
	return value == 1, kind == eventKey && value <= 1, nil // 2: the key repeats itself
}

// isDown tells whether any key is down. What cannot be asked passes for down: it has to be seen released.
func isDown(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return true
	}
	down := true
	err = raw.Control(func(fd uintptr) {
		var bits [keyBits]byte
		const request = 2<<30 | keyBits<<16 | 'E'<<8 | askKeys // _IOR('E', 0x18, char[96])
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(&bits[0]))); errno == 0 {
			down = bits != [keyBits]byte{}
		}
	})
	return down || err != nil
}
