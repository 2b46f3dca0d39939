package usb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// The kernel tells of a stick before process 1 has lent it to the program's user, which takes it a second or two.
const (
	lendTime = 10 * time.Second
	lendLook = 100 * time.Millisecond
)

// openDisk opens a stick as soon as it may be opened.
func openDisk(ctx context.Context, device string, mode int) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, lendTime)
	defer cancel()
	for {
		disk, err := os.OpenFile(device, mode|syscall.O_NONBLOCK, 0)
		if err == nil {
			return disk, nil
		}
		if !errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("open the stick: %w", err)
		}
		select {
		case <-time.After(lendLook):
		case <-ctx.Done():
			return nil, fmt.Errorf("open the stick: %w", err)
		}
	}
}
