package header

import (
	"fmt"
	"slices"
	"strings"
)

// Reason (RFC 3326) says why a call ended: by a cause of ISUP (Q.850), a status of SIP, or one of the few other protocols
// registered for it. Text is written anew from the cause, since in a text anything may stand.

const maxReasons = 4

// reasons are for requests.
func reasons(values []string) []string {
	return reasonsOf(values, "q.850", "sip", "preemption", "stir")
}

// releases are for responses, where the status says the rest (RFC 6432, RFC 9366).
func releases(values []string) []string { return reasonsOf(values, "q.850", "stir") }

func reasonsOf(values []string, protocols ...string) []string {
	var out []string
	for _, e := range entries(values, maxReasons) {
		if protocol := strings.ToLower(e.word); slices.Contains(protocols, protocol) {
			if v := reason(protocol, e); v != "" {
				out = append(out, v)
			}
		}
	}
	return out
}

func reason(protocol string, e entry) string {
	text, _ := e.get("cause")
	cause, ok := number(text, 699)
	if !ok {
		return ""
	}
	switch {
	case protocol == "q.850" && cause >= 1 && cause <= 127:
		return fmt.Sprintf("Q.850;cause=%d%s%s", cause, said(q850Text(cause)), location(e))
	case protocol == "sip" && cause >= 200:
		return fmt.Sprintf("SIP;cause=%d%s", cause, said(map[int]string{200: "Call completed elsewhere"}[cause]))
	case protocol == "preemption" && cause >= 1 && cause <= 5: // RFC 4411 §5
		return fmt.Sprintf("Preemption;cause=%d", cause)
	case protocol == "stir" && cause >= 400:
		return fmt.Sprintf("STIR;cause=%d", cause)
	}
	return ""
}

func said(text string) string {
	if text == "" {
		return ""
	}
	return `;text="` + text + `"`
}

// location is where in the networks a call was released (RFC 8606 §4).
func location(e entry) string {
	v, _ := e.get("location")
	if v = strings.ToUpper(v); slices.Contains([]string{"U", "LPN", "LN", "TN", "RLN", "RPN", "INTL", "BI"}, v) {
		return ";location=" + v
	}
	return ""
}

// q850Text is what ITU-T Q.850 §2.2 calls the causes that people meet.
func q850Text(cause int) string {
	return map[int]string{
		1: "Unallocated number", 3: "No route to destination", 16: "Normal call clearing", 17: "User busy", 18: "No user responding",
		19: "No answer from user", 20: "Subscriber absent", 21: "Call rejected", 22: "Number changed", 26: "Non-selected user clearing",
		27: "Destination out of order", 28: "Invalid number format", 29: "Facility rejected", 31: "Normal, unspecified",
		34: "No circuit available", 38: "Network out of order", 41: "Temporary failure", 42: "Switching equipment congestion",
		47: "Resource unavailable", 50: "Requested facility not subscribed", 55: "Incoming calls barred", 57: "Bearer capability not authorized",
		58: "Bearer capability not available", 63: "Service not available", 79: "Service not implemented", 88: "Incompatible destination",
		102: "Recovery on timer expiry", 111: "Protocol error", 127: "Interworking",
	}[cause]
}
