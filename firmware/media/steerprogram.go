package media

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// instruction is one of BPF's (RFC 9669 §3): the registers are destination and, in the upper half, source.
type instruction struct {
	code, registers uint8
	offset          int16
	immediate       int32
}

// Where the program finds what it reads in struct bpf_sk_lookup (linux/bpf.h).
const (
	atFamily    = 8
	atProtocol  = 12
	atLocalIPv4 = 40
	atLocalIPv6 = 44
	atLocalPort = 60
)

// The registers: r0 is what a call returns, r1 to r5 what it takes, r6 and r7 outlive it, r10 is the top of the stack.
const (
	r0, r1, r2, r3, r4, r6, r7, r10 = 0, 1, 2, 3, 4, 6, 7, 10
)

// The functions of the kernel that are called.
const (
	mapLookup  = 1
	skRelease  = 86
	skAssign   = 124
	justPassOn = 1 // SK_PASS
)

// The places that are jumped to.
const (
	toSearch  = "search"
	toPass    = "pass"
	toAnother = "another" // the next address
)

// assembly is a program that is being written. What jumps ahead to a place is told how far when the place is reached.
type assembly struct {
	code  []instruction
	jumps map[string][]int // to a place, from
}

func (a *assembly) add(i ...instruction) { a.code = append(a.code, i...) }

func (a *assembly) set(r uint8, v int32) {
	a.add(instruction{unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_K, r, 0, v})
}

func (a *assembly) move(to, from uint8) {
	a.add(instruction{unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_X, to | from<<4, 0, 0})
}

// load reads a word of what r6 points to.
func (a *assembly) load(r uint8, at int16) {
	a.add(instruction{unix.BPF_LDX | unix.BPF_MEM | unix.BPF_W, r | r6<<4, at, 0})
}

func (a *assembly) call(f int32) { a.add(instruction{unix.BPF_JMP | unix.BPF_CALL, 0, 0, f}) }

// jump goes to a place where a word in a register and v are as condition (BPF_JEQ, BPF_JNE, BPF_JSET) says.
func (a *assembly) jump(condition uint8, r uint8, v uint32, to string) {
	a.jumps[to] = append(a.jumps[to], len(a.code))
	a.add(instruction{unix.BPF_JMP32 | condition | unix.BPF_K, r, 0, int32(v)})
}

func (a *assembly) always(to string) {
	a.jumps[to] = append(a.jumps[to], len(a.code))
	a.add(instruction{unix.BPF_JMP | unix.BPF_JA, 0, 0, 0})
}

// place is where jumps to it lead.
func (a *assembly) place(name string) {
	for _, from := range a.jumps[name] {
		a.code[from].offset = int16(len(a.code) - from - 1)
	}
	delete(a.jumps, name)
}

// steerProgram is, in words:
//
//	is it UDP to an even port? else the packet goes its ordinary way
//	is the local address one of ours? else the ordinary way
//	is there a socket for the port, among those of that address? else the ordinary way
//	the packet is for that socket
//
// The addresses are written into the program, and the table is one of sockets by number: all that is read for a packet is a pointer
// that has its neighbours' beside it. A table by address and port would be a bucket and an entry in places of their own, which with a
// thousand calls are never in the processor's cache.
func steerProgram(table int, ours []netip.Addr) []instruction {
	a := &assembly{jumps: map[string][]int{}}
	if len(ours) > 0 { // or else the kernel finds fault with what is never reached
		a.steer(table, ours)
	}
	a.set(r0, justPassOn)
	a.add(instruction{unix.BPF_JMP | unix.BPF_EXIT, 0, 0, 0})
	return a.code
}

func (a *assembly) steer(table int, ours []netip.Addr) {
	const key = -4 // on the stack
	a.move(r6, r1)
	a.load(r3, atProtocol)
	a.jump(unix.BPF_JNE, r3, unix.IPPROTO_UDP, toPass)
	a.load(r4, atLocalPort)
	a.jump(unix.BPF_JSET, r4, 1, toPass)
	a.add(instruction{unix.BPF_ALU64 | unix.BPF_RSH | unix.BPF_K, r4, 0, 1})
	a.load(r2, atFamily)
	for i, address := range ours {
		a.among(address, i)
	}
	a.always(toPass)
	a.place(toSearch)
	a.add(instruction{unix.BPF_STX | unix.BPF_MEM | unix.BPF_W, r10 | r4<<4, key, 0},
		instruction{unix.BPF_LD | unix.BPF_IMM | unix.BPF_DW, r1 | unix.BPF_PSEUDO_MAP_FD<<4, 0, int32(table)}, instruction{})
	a.move(r2, r10)
	a.add(instruction{unix.BPF_ALU64 | unix.BPF_ADD | unix.BPF_K, r2, 0, key})
	a.call(mapLookup)
	a.jumps[toPass] = append(a.jumps[toPass], len(a.code))
	a.add(instruction{unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, r0, 0, 0}) // a pointer, not a word
	a.move(r7, r0)
	a.move(r1, r6)
	a.move(r2, r7)
	a.set(r3, 0)
	a.call(skAssign)
	a.move(r1, r7)
	a.call(skRelease)
	a.place(toPass)
}

// among looks whether the local address is one of ours, and if so makes the half port in r4 the place of a socket.
func (a *assembly) among(address netip.Addr, slot int) {
	family, from := uint32(unix.AF_INET6), int16(atLocalIPv6)
	if address.Is4() {
		family, from = unix.AF_INET, atLocalIPv4
	}
	a.jump(unix.BPF_JNE, r2, family, toAnother)
	for words := address.AsSlice(); len(words) > 0; words = words[4:] {
		a.load(r3, from)
		a.jump(unix.BPF_JNE, r3, binary.NativeEndian.Uint32(words), toAnother)
		from += 4
	}
	a.add(instruction{unix.BPF_ALU64 | unix.BPF_ADD | unix.BPF_K, r4, 0, int32(slot * portsEach)})
	a.always(toSearch)
	a.place(toAnother)
}
