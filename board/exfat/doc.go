// Package exfat reads the exFAT file system, and adds files to one, without trusting what is there.
//
// It follows Microsoft's "exFAT file system specification", revision 1.00, and every "section" in its comments is one of that. It is
// strict: what the specification forbids is an error that says what is wrong, and nothing is guessed or repaired. Nothing is believed
// before it was compared with the size of the volume, no table is held in memory but that of capital letters (128 KiB), and a chain
// of clusters is followed no further than its file is long.
//
//	Volume                 boot.go     its measures, and the checksum over them
//	  File Allocation Table  chain.go    which cluster comes after which
//	  Cluster Heap           stream.go   the octets of a file or folder
//	    root                   root.go     allocation bitmap and capital letters
//	      entry sets             set.go      name, place and size of a file
//
// It leaves to others where on a disk a volume is, which files matter, and how much memory and time they are worth.
package exfat
