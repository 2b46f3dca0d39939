package usb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/diskfs/go-diskfs/filesystem"
)

// recount puts right how many clusters a FAT32 says are free (Microsoft FAT specification 1.03, section 5). It is a hint, which the
// library leaves as it was; other systems show it as the room of the stick, and their checkers find fault with one that is wrong.
func (k fatKeeper) recount() error {
	if k.Type() != filesystem.TypeFat32 {
		return nil
	}
	t, err := readTable(k.disk, k.fatVolume)
	if err != nil {
		return err
	}
	boot := make([]byte, sector)
	if _, err := k.disk.ReadAt(boot, k.Start()); err != nil {
		return fmt.Errorf("the stick cannot be read: %w", err)
	}
	word := func(at int) int64 { return int64(binary.LittleEndian.Uint16(boot[at:])) }
	octets, free := word(11), binary.LittleEndian.AppendUint32(nil, uint32(t.free()/t.cluster))
	places := []int64{word(48)}
	if second := word(50); second > 0 { // where the first sectors stand once more
		places = append(places, second+1)
	}
	for _, place := range places {
		if err := note(k.disk, k.Start()+place*octets, free); err != nil {
			return err
		}
	}
	return nil
}

// note writes the count into the sector that begins at a place. What is not the sector of a count stays as it is.
func note(disk *os.File, at int64, free []byte) error {
	info := make([]byte, sector)
	if _, err := disk.ReadAt(info, at); err != nil {
		return fmt.Errorf("the stick cannot be read: %w", err)
	}
	if !bytes.HasPrefix(info, []byte("RRaA")) || !bytes.HasPrefix(info[484:], []byte("rrAa")) {
		return nil
	}
	if _, err := disk.WriteAt(free, at+488); err != nil {
		return fmt.Errorf("the stick cannot be written: %w", err)
	}
	return nil
}
