package media

import "golang.org/x/sys/unix"

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
	r0, r1, r2, r3, r6, r7, r10 = 0, 1, 2, 3, 6, 7, 10
)

// The functions of the kernel that are called.
const (
	mapLookup  = 1
	skRelease  = 86
	skAssign   = 124
	justPassOn = 1 // SK_PASS
)

// steerProgram is, in words:
//
//	is it UDP? else the packet goes its ordinary way
//	the key is the local address, port and family, at the bottom of 24 bytes of stack
//	is there a socket under that key? else the ordinary way
//	the packet is for that socket
//
// Of each eight bytes of the key the upper four are stored first: to a program without CAP_PERFMON, Linux 6.1 refuses a
// store beside lower ones, which it takes for half of a pointer.
func steerProgram(table int) []instruction {
	const key = -int16(len(steerKey{}))
	word := uint8(unix.BPF_MEM | unix.BPF_W)
	load := func(to uint8, at int16) instruction { return instruction{unix.BPF_LDX | word, to | r6<<4, at, 0} }
	store := func(from uint8, at int16) instruction { return instruction{unix.BPF_STX | word, r10 | from<<4, at, 0} }
	set := func(to uint8, v int32) instruction {
		return instruction{unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_K, to, 0, v}
	}
	move := func(to, from uint8) instruction {
		return instruction{unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_X, to | from<<4, 0, 0}
	}
	unless := func(r uint8, v int32, skip int16) instruction {
		return instruction{unix.BPF_JMP | unix.BPF_JNE | unix.BPF_K, r, skip, v}
	}
	equal := func(r uint8, v int32, skip int16) instruction {
		return instruction{unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, r, skip, v}
	}
	call := func(f int32) instruction { return instruction{unix.BPF_JMP | unix.BPF_CALL, 0, 0, f} }

	search := []instruction{
		{unix.BPF_LD | unix.BPF_IMM | unix.BPF_DW, r1 | unix.BPF_PSEUDO_MAP_FD<<4, 0, int32(table)}, {},
		move(r2, r10), {unix.BPF_ALU64 | unix.BPF_ADD | unix.BPF_K, r2, 0, int32(key)},
		call(mapLookup),
		equal(r0, 0, 6),
		move(r7, r0), move(r1, r6), move(r2, r7), set(r3, 0),
		call(skAssign),
		move(r1, r7), call(skRelease),
	}
	search[5].offset = int16(len(search) - 6)
	v6 := []instruction{
		load(r3, atLocalIPv6+4), store(r3, key+4), load(r3, atLocalIPv6), store(r3, key),
		load(r3, atLocalIPv6+12), store(r3, key+12), load(r3, atLocalIPv6+8), store(r3, key+8),
	}
	v4 := []instruction{
		set(r3, 0), store(r3, key+4), store(r3, key+8), store(r3, key+12),
		load(r3, atLocalIPv4), store(r3, key),
		{unix.BPF_JMP | unix.BPF_JA, 0, int16(len(v6)), 0},
	}
	head := []instruction{
		move(r6, r1),
		load(r3, atProtocol), {},
		load(r2, atFamily), store(r2, key+20),
		load(r3, atLocalPort), store(r3, key+16),
		unless(r2, unix.AF_INET, int16(len(v4))),
	}
	head[2] = unless(r3, unix.IPPROTO_UDP, int16(len(head)-3+len(v4)+len(v6)+len(search)))
	program := append(append(append(head, v4...), v6...), search...)
	return append(program, set(r0, justPassOn), instruction{unix.BPF_JMP | unix.BPF_EXIT, 0, 0, 0})
}
