package policy

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // what the list is measured against, as main embeds it

	"tollgate/firmware/numbering"
)

func TestEveryTimeZoneAcceptedCanBeLoaded(t *testing.T) {
	list := strings.Fields(zones)
	if len(list) < 500 {
		t.Fatalf("%d time zones only", len(list))
	}
	for _, name := range list {
		if _, err := time.LoadLocation(name); err != nil {
			t.Error(err)
		}
	}
}

func TestThereAre249Countries(t *testing.T) {
	if n := len(strings.Fields(countries)); n != 249 {
		t.Errorf("%d countries", n)
	}
}

func TestEveryCountryHasANumberingPlan(t *testing.T) {
	for _, country := range strings.Fields(countries) {
		if _, err := numbering.For(country); err != nil {
			t.Error(err)
		}
	}
}
