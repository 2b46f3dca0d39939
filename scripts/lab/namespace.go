package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/vishvananda/netns"
)

// namespaceFolder is where ip-netns(8) keeps its names.
const namespaceFolder = "/run/netns"

// run executes a program and returns what it complained about.
func run(program string, args ...string) error {
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// ip runs ip(8) commands in a host's namespace.
func (l *Lab) ip(h *Host, commands ...string) error {
	for _, command := range commands {
		if err := run("ip", append([]string{"-n", h.Namespace}, strings.Fields(command)...)...); err != nil {
			return err
		}
	}
	return nil
}

// namespaces returns the names that start with prefix.
func namespaces(prefix string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(namespaceFolder, prefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = filepath.Base(path)
	}
	return names, nil
}

// removeNamespace ends the processes that live in a namespace, by their ids, and deletes it.
func removeNamespace(name string) error {
	out, err := exec.Command("ip", "netns", "pids", name).Output()
	if err == nil {
		for _, word := range strings.Fields(string(out)) {
			if pid, err := strconv.Atoi(word); err == nil && pid != os.Getpid() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	return run("ip", "netns", "del", name)
}

// inside runs f in the host's namespace.
func (h *Host) inside(f func() error) error { return Inside(h.Namespace, f) }

// Inside runs f on a thread that has moved into a namespace for as long. What f opens stays in the namespace; goroutines
// that f starts are outside again.
func Inside(namespace string, f func() error) error {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("open own namespace: %w", err)
	}
	defer home.Close()
	ns, err := netns.GetFromName(namespace)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("open namespace %s: %w", namespace, err)
	}
	defer ns.Close()
	if err := netns.Set(ns); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter namespace %s: %w", namespace, err)
	}
	err = f()
	if back := netns.Set(home); back != nil {
		return errors.Join(err, back) // the thread stays locked and ends with its goroutine
	}
	runtime.UnlockOSThread()
	return err
}

// Dial connects from the host. The address is an IP address and a port.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var conn net.Conn
	err := h.inside(func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// ListenPacket opens a UDP socket on the host.
func (h *Host) ListenPacket(address string) (net.PacketConn, error) {
	var conn net.PacketConn
	err := h.inside(func() (err error) {
		conn, err = net.ListenPacket("udp", address)
		return err
	})
	return conn, err
}

// Listen opens a TCP port on the host.
func (h *Host) Listen(address string) (net.Listener, error) {
	var l net.Listener
	err := h.inside(func() (err error) {
		l, err = net.Listen("tcp", address)
		return err
	})
	return l, err
}

// DialFrom connects from the host over TCP, from an address of its own.
func (h *Host) DialFrom(ctx context.Context, local netip.AddrPort, address string) (net.Conn, error) {
	var conn net.Conn
	err := h.inside(func() (err error) {
		conn, err = (&net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(local)}).DialContext(ctx, "tcp", address)
		return err
	})
	return conn, err
}
