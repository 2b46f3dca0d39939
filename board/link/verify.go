package link

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Want is an address that must be there.
type Want struct {
	Role      string // what it is for, as messages tell it: "inside", "outside"
	Interface string
	Address   netip.Prefix // the box's own address with the length of its prefix
}

// Fault is one thing that is not as wanted.
type Fault struct {
	Role      string
	Interface string
	Problem   string // what is wrong
	Remedy    string // what the operator can do about it
}

// Error tells the problem and its remedy on one line.
func (f Fault) Error() string {
	return fmt.Sprintf("%s, port %s: %s (%s)", f.Role, f.Interface, f.Problem, f.Remedy)
}

// Faults are all that Verify found.
type Faults []Fault

// Error tells one fault a line.
func (f Faults) Error() string {
	var lines []string
	for _, fault := range f {
		lines = append(lines, fault.Error())
	}
	return strings.Join(lines, "\n")
}

// Verify compares what is wanted with what is there. The error is Faults with every fault at once, or tells why the
// kernel could not be asked.
//
// A port without a cable is no fault: its address is there and can be served, and a box must start without its carrier.
func Verify(want []Want) error {
	all, err := read()
	if err != nil {
		return err
	}
	if faults := compare(want, all); len(faults) > 0 {
		return faults
	}
	return nil
}

func compare(want []Want, all []Interface) Faults {
	var faults Faults
	for _, w := range want {
		i := slices.IndexFunc(all, func(i Interface) bool { return i.Name == w.Interface })
		if i < 0 {
			faults = append(faults, w.fault("there is no such port", "the machine has "+names(all)))
			continue
		}
		if !all[i].Up {
			faults = append(faults, w.fault("it is switched off", "switch it on: ip link set "+w.Interface+" up"))
		}
		faults = append(faults, w.address(all[i], all)...)
	}
	return faults
}

func (w Want) fault(problem, remedy string) Fault {
	return Fault{Role: w.Role, Interface: w.Interface, Problem: problem, Remedy: remedy}
}

// address tells where the address is instead, or where it is besides.
func (w Want) address(on Interface, all []Interface) Faults {
	elsewhere := w.elsewhere(all)
	switch {
	case slices.Contains(on.Addresses, w.Address) && elsewhere == "":
		return nil
	case slices.Contains(on.Addresses, w.Address):
		return Faults{w.fault(fmt.Sprintf("%v is on %s too", w.Address.Addr(), elsewhere), "take it off one of the two")}
	case slices.Contains(on.Taken, w.Address):
		return Faults{w.fault(fmt.Sprintf("another machine on this link has %v", w.Address.Addr()), "choose another address, or change that machine's")}
	case slices.Contains(on.Checking, w.Address):
		return Faults{w.fault(fmt.Sprintf("the system still checks that nobody else has %v", w.Address.Addr()), "try again in a few seconds")}
	case elsewhere != "":
		return Faults{w.fault(fmt.Sprintf("%v is on %s", w.Address.Addr(), elsewhere), "name that port, or move the address")}
	}
	for _, a := range on.Addresses {
		if a.Addr() == w.Address.Addr() {
			return Faults{w.fault(fmt.Sprintf("%v has the prefix length %d, not %d", a.Addr(), a.Bits(), w.Address.Bits()), "make the two agree")}
		}
	}
	return Faults{w.fault(
		fmt.Sprintf("%v is not one of its addresses, which are: %s", w.Address, addresses(on.Addresses)),
		fmt.Sprintf("correct the address, or give it to the port: ip address add %v dev %s", w.Address, w.Interface))}
}

// elsewhere returns another port that has the address.
func (w Want) elsewhere(all []Interface) string {
	for _, i := range all {
		same := func(p netip.Prefix) bool { return p.Addr() == w.Address.Addr() }
		if i.Name != w.Interface && slices.ContainsFunc(i.Addresses, same) {
			return i.Name
		}
	}
	return ""
}
