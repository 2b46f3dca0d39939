package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tollgate/scripts/lab/machine"
)

// QEMU gives a machine this address by DHCP.
const lent = "10.0.2.15:443"

// proveRaspberry starts the image for Raspberry Pi as a Raspberry Pi 3. Its Ethernet port is not emulated: the network is a port at
// USB. Its firmware is not either: QEMU loads the card's kernel, device tree and system as that would. Nor is there a watchdog that can
// be switched on without a reset at once.
func (w *world) proveRaspberry(ctx context.Context) error {
	var password string
	return steps(ctx, []part{
		{"raspi3b: the image starts", func(ctx context.Context) (string, error) { return w.startRaspberry(ctx) }},
		{"raspi3b: its screen shows the page and a first password", func(ctx context.Context) (_ string, err error) {
			ctx, cancel := context.WithTimeout(ctx, startTime)
			defer cancel()
			if _, err := w.box.Await(ctx, "https://"+strings.TrimSuffix(lent, ":443")+"/", 1); err != nil {
				return "", err
			}
			if password = firstPassword(w.box.Console()); password == "" {
				err = errors.New("no first password")
			}
			return lent, err
		}},
		{"raspi3b: it is claimed by its page", func(ctx context.Context) (string, error) { return w.claimRaspberry(ctx, password) }},
	})
}

func (w *world) startRaspberry(ctx context.Context) (string, error) {
	pi := &machine.Raspberry{}
	for name, to := range map[string]*string{"kernel8.img": &pi.Kernel, "bcm2837-rpi-3-b.dtb": &pi.Tree, "system.cpio.zst": &pi.System, "cmdline.txt": &pi.Words} {
		*to = filepath.Join(w.work, name)
		if err := machine.CopyOut(w.image, "tollgate-boot", name, *to); err != nil {
			return "", err
		}
	}
	words, err := os.ReadFile(pi.Words)
	if err != nil {
		return "", err
	}
	pi.Words = strings.TrimSpace(string(words)) + " tollgate.watchdog=off"
	if w.disk, err = w.card(w.image, "rpi.img"); err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	w.box, err = machine.Start(machine.Config{
		Disk: w.disk, Folder: w.work, Raspberry: pi, Ports: []machine.Port{{MAC: "02:00:00:00:01:01", Forward: map[int]int{port: 443}}},
	})
	if err != nil {
		return "", err
	}
	if w.page, err = machine.NewPageBehind(lent, fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	took, err := w.box.Await(ctx, running, 1)
	return "well after " + seconds(took), err
}

func (w *world) claimRaspberry(ctx context.Context, first string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := w.page.Await(ctx); err != nil {
		return "", err
	}
	if err := w.page.Claim(ctx, first, password); err != nil {
		return "", err
	}
	var overview struct {
		Mode string `json:"mode"`
	}
	err := w.page.JSON(ctx, "GET", "/api/v1/overview", nil, &overview)
	return "mode " + overview.Mode + ", answered after " + seconds(time.Since(w.box.Begun)), err
}

// freePort is a TCP port of this machine that nobody has.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
