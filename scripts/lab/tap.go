package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// PlugMachine takes the box's namespace off both networks and returns two ports in its place, inside and outside, for an emulated
// machine. Captures of the box's links see what passes them. With TwoPorts only.
func (l *Lab) PlugMachine() (inside, outside *os.File, err error) {
	if l.Layout != TwoPorts {
		return nil, nil, errors.New("a machine is plugged in with two ports only")
	}
	if inside, err = l.tap(officeNet); err != nil {
		return nil, nil, err
	}
	if outside, err = l.tap(carrierNet); err != nil {
		inside.Close()
		return nil, nil, err
	}
	return inside, outside, nil
}

// tap replaces the box's link with a network by a port whose frames go through a file.
func (l *Lab) tap(network string) (*os.File, error) {
	far, name := l.namespace(network), l.Box.Name
	if err := run("ip", "-n", far, "link", "del", name); err != nil {
		return nil, err
	}
	var file *os.File
	err := Inside(far, func() (err error) {
		file, err = openTap(name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open a port of the network %s: %w", network, err)
	}
	return file, run("ip", strings.Fields(fmt.Sprintf("-n %s link set dev %s master %s up", far, name, network))...)
}

// tunDevice is made where a container has none (Documentation/networking/tuntap of the kernel).
const (
	tunDevice = "/dev/net/tun"
	tunMajor  = 10
	tunMinor  = 200
)

func openTap(name string) (*os.File, error) {
	if _, err := os.Stat(tunDevice); errors.Is(err, os.ErrNotExist) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(tunDevice), 0o755), unix.Mknod(tunDevice, unix.S_IFCHR|0o600, int(unix.Mkdev(tunMajor, tunMinor)))); err != nil {
			return nil, fmt.Errorf("make %s: %w", tunDevice, err)
		}
	}
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", tunDevice, err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make a port: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
