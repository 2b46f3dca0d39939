package edge

import (
	"testing"

	"github.com/emiago/sipgo/sip"
)

func TestMessagesLeaveAsTheLibraryWritesThem(t *testing.T) {
	written := 0
	for name, b := range torture(t) {
		m, err := sip.NewParser().ParseSIP(b)
		if err != nil {
			continue
		}
		var out text
		out.write(m)
		if string(out.b) != m.String() {
			t.Errorf("%s leaves as\n%s\nand not as\n%s", name, out.b, m)
		}
		written++
	}
	if written < 20 {
		t.Errorf("only %d messages were written", written)
	}
}
