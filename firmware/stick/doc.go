// Package stick takes what lies on a USB stick: a policy, certificates and keys, lists of sources to keep away and of prices, a backup, a
// system for the box.
//
//	plugged in -> read (by the reader's confined child) -> whose is it?
//	  the box has no policy yet       -> taken
//	  signed by a signer of the policy, for this box, newer than the last -> taken
//	  anything else                   -> waits until an administrator says yes, or is refused, as the policy has it
//	sealed with a pass phrase -> waits until somebody types it
//	taken: every file is checked before anything changes, and all of it is put into force or nothing
//	at last a report is written onto the stick
//
// A stick that is signed or confirmed speaks for somebody at the box, so that what it changes is not put on trial.
//
// A file whose name ends in .bundle holds all of it at once, and is taken when it is signed.
//
// It leaves to others how a stick is read (board/usb) and what is done with what lies on it (delivery).
package stick
