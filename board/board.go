// Package board is the hardware that the box runs on, beside its network ports: the watchdog so far.
//
// It leaves to others when the watchdog may be fed (firmware/supervise), what happens at the start (board/boot), and the
// network (board/link).
package board
