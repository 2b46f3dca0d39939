package link

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// plugged makes the files by which the kernel tells what stands behind a port.
func plugged(t *testing.T, root, port, device string, inTree bool) {
	t.Helper()
	at := filepath.Join(root, "sys/devices", device)
	must(t, os.MkdirAll(at, 0o755))
	if inTree {
		must(t, os.WriteFile(filepath.Join(at, "of_node"), nil, 0o644))
	}
	must(t, os.MkdirAll(filepath.Join(root, "sys/class/net", port), 0o755))
	must(t, os.Symlink(at, filepath.Join(root, "sys/class/net", port, "device")))
}

func TestAPortIsKnownByHowItIsJoinedToTheMachine(t *testing.T) {
	root := t.TempDir()
	plugged(t, root, "end0", "platform/scb/fd580000.ethernet", true)                      // Raspberry Pi 4
	plugged(t, root, "eth0", "platform/soc/3f980000.usb/usb1/1-1/1-1.1/1-1.1:1.0", true)  // Raspberry Pi 3: the board's own
	plugged(t, root, "eth1", "platform/soc/3f980000.usb/usb1/1-1/1-1.3/1-1.3:1.0", false) // plugged into it
	plugged(t, root, "enp1s0", "pci0000:00/0000:00:1c.0/0000:01:00.0", false)             // a PC
	must(t, os.MkdirAll(filepath.Join(root, "sys/class/net/eth0.12"), 0o755))
	for port, want := range map[string]Kind{"end0": Onboard, "eth0": Onboard, "eth1": USB, "enp1s0": Onboard, "eth0.12": "", "none": ""} {
		if got := kindOf(root, port); got != want {
			t.Errorf("%s is %q, not %q", port, got, want)
		}
	}
}

func TestAPortIsFoundWhateverItsName(t *testing.T) {
	mac := func(last byte) net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, 0, last} }
	all := []Interface{
		{Name: "eth1", Hardware: mac(1), Kind: Onboard}, {Name: "eth1.12", Hardware: mac(1)}, {Name: "eth0", Hardware: mac(2), Kind: USB},
		{Name: "veth", Hardware: mac(3)},
	}
	for word, want := range map[string]string{
		"onboard": "eth1", "usb": "eth0", "onboard.12": "eth1.12", "02:00:00:00:00:03": "veth", "02:00:00:00:00:01.7": "eth1.7", "eth5": "eth5", "eth5.3": "eth5.3",
	} {
		if got, err := Find(word, all); err != nil || got != want {
			t.Errorf("%s is %q, %v; not %q", word, got, err, want)
		}
	}
	for word, want := range map[string]string{
		"02:00:00:00:00:09": ", port 02:00:00:00:00:09: there is no port with the hardware address 02:00:00:00:00:09 (plug it in; the machine has eth1 onboard 02:00:00:00:00:01, eth1.12 02:00:00:00:00:01, eth0 usb 02:00:00:00:00:02, veth 02:00:00:00:00:03)",
	} {
		if _, err := Find(word, all); err == nil || err.Error() != want {
			t.Errorf("%s: %v", word, err)
		}
	}
	all = append(all, Interface{Name: "eth2", Hardware: mac(4), Kind: USB})
	const want = ", port usb: there are 2 ports on USB (name the one that is meant by its hardware address: eth0 usb 02:00:00:00:00:02, eth2 usb 02:00:00:00:00:04)"
	if _, err := Find("usb", all); err == nil || err.Error() != want {
		t.Errorf("two on USB: %v", err)
	}
}
