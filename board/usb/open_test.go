package usb

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What is not there is told at once; what is there and not lent yet is waited for.
func TestAStickIsOpenedAsSoonAsItIsLent(t *testing.T) {
	if _, err := openDisk(context.Background(), filepath.Join(t.TempDir(), "gone"), os.O_RDONLY); err == nil || !strings.Contains(err.Error(), "open the stick") {
		t.Errorf("a stick that is not there: %v", err)
	}
	device := filepath.Join(shared(t), "sda")
	if err := os.WriteFile(device, []byte("stick"), 0o000); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	waits := make(chan struct{})
	go func() {
		if os.Geteuid() == 0 { // root may open everything: this thread, which ends with its goroutine, is nobody
			runtime.LockOSThread()
			if err := unix.Setfsuid(nobody); err != nil {
				t.Error(err)
			}
		}
		close(waits)
		disk, err := openDisk(context.Background(), device, os.O_RDONLY)
		if err == nil {
			err = disk.Close()
		}
		opened <- err
	}()
	<-waits
	select {
	case err := <-opened:
		t.Fatalf("it was not lent: %v", err)
	case <-time.After(3 * lendLook):
	}
	if err := os.Chmod(device, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}
