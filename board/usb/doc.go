// Package usb notices USB sticks and reads them without trusting them.
//
// What lies on a stick was written by anybody. Nothing of it is mounted and no kernel file system ever parses it: a
// short-lived child of the same program gets the open disk and nothing else - no rights, no files, bounded memory and time -
// finds the file system (FAT12, FAT16, FAT32, exFAT, ext4 or ISO 9660; on the whole disk or in the partitions of an MBR or GPT) and
// hands back the plain files of one folder, each with a plain name. A stick that breaks the child has broken the child.
//
//	Watch    tells when a disk on a USB port comes and goes
//	Reader   starts the child: Read, Copy, Write, Store
//	Child    is what the child does
//
// It leaves to others what the files mean, whether to believe them and what becomes of them.
package usb
