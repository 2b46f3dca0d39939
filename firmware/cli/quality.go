package cli

import (
	"fmt"
	"io"

	"tollgate/firmware/api"
)

// busy says how much the box has to do and what it can carry.
func busy(l api.Load) string {
	taken := "port by port"
	if l.Together {
		taken = "many calls together"
	}
	text := fmt.Sprintf("%.0f %% of the processors, audio waits %.1f ms and is taken %s, %d MB", l.CPU, l.Late, taken, l.Resident>>20)
	if l.Capacity > 0 {
		text += fmt.Sprintf("; this board carries the audio of about %d calls", l.Capacity)
	}
	if l.Full {
		text += ". FULL, only emergency calls start: " + clean(l.Reason)
	}
	return text
}

// heard says how well a peer is heard.
func heard(h api.Heard) string {
	text := fmt.Sprintf("%.1f %% lost, jitter %.1f ms", h.LossPercent, h.Jitter)
	if h.MOS > 0 {
		text += fmt.Sprintf(", MOS %.1f", h.MOS)
	}
	return text
}

// showDiagnoses says why calls are silent, and what to do.
func showDiagnoses(w io.Writer, o api.Overview) {
	for _, c := range o.Calls {
		if d := c.Diagnosis; d != nil && d.Over == nil {
			fmt.Fprintf(w, "%s -> %s IS SILENT: %s %s\n", clean(c.From), clean(c.To), clean(d.Sentence.English), clean(d.Remedy.English))
		}
	}
}
