package boot

import (
	"encoding/binary"
	"os"
	"path/filepath"
)

// loaderTree is where the firmware of a Raspberry Pi says in the device tree how it has started the machine.
const loaderTree = "sys/firmware/devicetree/base/chosen/bootloader"

// trialSlots are the slots by the number of their partition, on a card that has two (buildroot/board/rpi/genimage-slots.cfg). A card
// without slots starts from its first partition.
var trialSlots = map[uint32]string{2: "a", 3: "b"}

// hearFirmware takes what the firmware says: the partition that it took, and whether it was asked to try it.
func (w *Words) hearFirmware(root string) {
	partition, _ := cell(filepath.Join(root, loaderTree, "partition"))
	slot, known := trialSlots[partition]
	if !known {
		return
	}
	tried, _ := cell(filepath.Join(root, loaderTree, "tryboot"))
	w.Slot, w.Trial, w.Tryboot = slot, tried == 1, true
}

// cell reads a number of the device tree: four octets, the highest first.
func cell(path string) (n uint32, ok bool) {
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}
