package ua

// PassedStatus is what one side is told when the other answers status. What concerns only the leg between the
// box and the peer, credentials above all, is not passed on: who asked cannot mend it and must not be asked for it.
func PassedStatus(status int) int {
	switch {
	case status == 401 || status == 407:
		return 503
	case status/100 == 3:
		return 502 // a redirection is the box's to follow, not the caller's
	case status == 482 || status == 483 || status == 420 || status == 421 || status == 422 || status == 423 || status == 481 || status == 491:
		return 500
	case status == 503:
		return 503
	case status/100 == 5:
		return 502
	}
	return status
}

// AnotherMayDoBetter tells whether a failure is the trunk's rather than the number's (RFC 3261 §16.7 step 6, RFC 3263 §4.3).
func AnotherMayDoBetter(status int) bool {
	switch status {
	case 401, 403, 407, 408, 420, 421, 488, 482, 483:
		return true
	}
	return status/100 == 3 || status/100 == 5
}
