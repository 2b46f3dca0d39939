package ua

import "github.com/emiago/sipgo/sip"

// Values returns the values of header fields that may hold several each, separated by commas (RFC 3261 §7.3.1).
func Values(headers []sip.Header) []string { return HeaderList(headers) }
