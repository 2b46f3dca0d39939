package link

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// Kind says how a port is joined to the machine.
type Kind string

// The kinds. A port that no hardware stands behind, such as a VLAN, has none.
const (
	Onboard Kind = "onboard" // part of the board
	USB     Kind = "usb"     // plugged into USB
)

// kindOf reads from the system's files, below root, what stands behind a port. A board may join a port of its own by USB
// (Raspberry Pi 3): then its device tree knows that port, as it never does one that was plugged in.
func kindOf(root, port string) Kind {
	device := filepath.Join(root, "sys/class/net", port, "device")
	path, err := filepath.EvalSymlinks(device)
	if err != nil {
		return ""
	}
	if _, err := os.Stat(filepath.Join(device, "of_node")); err == nil || !strings.Contains(path, "/usb") {
		return Onboard
	}
	return USB
}

// Find returns the name of the port that word means: its name, its hardware address, Onboard or USB; each may be followed by a
// VLAN, as in usb.12. all are the machine's ports. The error is a Fault without a role.
func Find(word string, all []Interface) (string, error) {
	base, vlan, tagged := strings.Cut(word, ".")
	fits, what := chooser(base)
	if fits == nil {
		return word, nil
	}
	var found []Interface
	for _, i := range all {
		if len(i.Hardware) == 6 && !strings.Contains(i.Name, ".") && fits(i) {
			found = append(found, i)
		}
	}
	switch {
	case len(found) == 0:
		return "", Fault{Interface: word, Problem: "there is no port " + what, Remedy: "plug it in; the machine has " + described(all)}
	case len(found) > 1:
		return "", Fault{Interface: word, Problem: fmt.Sprintf("there are %d ports %s", len(found), what), Remedy: "name the one that is meant by its hardware address: " + described(found)}
	}
	if tagged {
		return found[0].Name + "." + vlan, nil
	}
	return found[0].Name, nil
}

// chooser returns what tells the ports that a word means, and the word as part of a sentence; nil for a name.
func chooser(word string) (fits func(Interface) bool, what string) {
	switch k := Kind(word); k {
	case Onboard:
		return func(i Interface) bool { return i.Kind == k }, "on the board"
	case USB:
		return func(i Interface) bool { return i.Kind == k }, "on USB"
	}
	if a, err := net.ParseMAC(word); err == nil {
		return func(i Interface) bool { return i.Hardware.String() == a.String() }, "with the hardware address " + a.String()
	}
	return nil, ""
}

// described lists ports with what they can be told apart by.
func described(all []Interface) string {
	var list []string
	for _, i := range all {
		what := i.Name
		if i.Kind != "" {
			what += " " + string(i.Kind)
		}
		if len(i.Hardware) > 0 {
			what += " " + i.Hardware.String()
		}
		list = append(list, what)
	}
	return listed(list)
}
