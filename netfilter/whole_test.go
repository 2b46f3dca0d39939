package netfilter

import (
	"strings"
	"testing"
)

func TestAFilterThatTheKernelHasLostIsNotWhole(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	f := openFilter(t, "")
	if err := f.Whole(); err == nil {
		t.Error("whole before it was set")
	}
	for _, how := range []struct {
		want  string
		spoil []string
	}{
		{"the chain input", []string{"flush table inet tollgate", "delete chain inet tollgate input"}},
		{"the table tollgate", []string{"delete table inet tollgate"}},
	} {
		mustSet(t, f, twoPorts())
		if err := f.Whole(); err != nil {
			t.Fatal(err)
		}
		for _, command := range how.spoil {
			nft(t, strings.Fields(command)...)
		}
		if err := f.Whole(); err == nil || !strings.Contains(err.Error(), how.want) {
			t.Errorf("%v does not say that %s is missing", err, how.want)
		}
	}
}
