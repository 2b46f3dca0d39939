package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOneProxyNeedsNoList(t *testing.T) {
	at := "    accounts:"
	single := mustParse(t, strings.Replace(small, at, "    outbound_proxy: p.carrier.example\n"+at, 1))
	list := mustParse(t, strings.Replace(small, at, "    outbound_proxy: [p.carrier.example]\n"+at, 1))
	if diff := cmp.Diff(single, list, byValue); diff != "" {
		t.Error(diff)
	}
	several := mustParse(t, strings.Replace(small, at, "    outbound_proxy: [p.carrier.example, q.carrier.example]\n"+at, 1))
	if several.Trunks[0].TLS.ServerName != "" {
		t.Errorf("one server name %q for several proxies, want the name of each", several.Trunks[0].TLS.ServerName)
	}
	if again := mustParse(t, canonical(t, several)); !cmp.Equal(several, again, byValue) {
		t.Error(cmp.Diff(several, again, byValue))
	}
}
