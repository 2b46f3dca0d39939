package fraud

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhatACallCostsAtWorst(t *testing.T) {
	p, err := NewPrices(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dialled      string
		land, prefix string
		first, ten   string // a call of a second, and of ten minutes
		watched      bool
	}{
		{"0123456789", "", "", "0.00 €", "0.00 €", false},
		{"0612345678", "", "", "0.00 €", "0.00 €", false},
		{"0800123456", "", "", "0.00 €", "0.00 €", false},
		{"112", "", "", "0.00 €", "0.00 €", false},
		{"0810123456", "+3381", "+3381", "0.15 €", "0.60 €", true},
		{"0820123456", "+3382", "+3382", "0.50 €", "2.00 €", true},
		{"0899123456", "+3389", "premium", "3.00 €", "8.00 €", true},
		{"3232", "3xxx", "premium", "3.00 €", "8.00 €", true},
		{"118218", "118xxx", "premium", "3.05 €", "33.00 €", true},
		{"+4930123456", "+49", "+4930", "0.01 €", "2.30 €", true},
		{"+37190123456", "+3719", "+371901", "0.05 €", "30.00 €", true},
		{"+881612345678", "+881", "+88161", "0.25 €", "150.00 €", true},
		{"+252612345678", "+252", "+25261", "0.05 €", "30.00 €", true},
		{"0262123456", "+262", "+26226", "0.01 €", "3.50 €", true},
	} {
		n, err := plan(t).Read(c.dialled, "")
		if err != nil {
			t.Fatal(err)
		}
		d := p.Of(n)
		if d.Land != c.land || d.Prefix != c.prefix || d.Watched != c.watched {
			t.Errorf("%s: %+v", c.dialled, d)
		}
		if first, ten := d.Rate.Cost(time.Second).String(), d.Rate.Cost(10*time.Minute).String(); first != c.first || ten != c.ten {
			t.Errorf("%s costs %s and %s, want %s and %s", c.dialled, first, ten, c.first, c.ten)
		}
	}
}

func TestTheCustomersOwnPriceComesFirst(t *testing.T) {
	rates, err := ReadRates("prefix;minute;setup\n+49;0,02;0\n+49151;0.15;0.05\n3232;0,10;\n+331;0.01;0\n", plan(t))
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPrices(rates)
	if err != nil {
		t.Fatal(err)
	}
	for dialled, want := range map[string]string{
		"+4930123456": "0.20 €", "+4915123456789": "1.55 €", "3232": "1.00 €", "0123456789": "0.10 €", "0612345678": "0.00 €", "0899123456": "8.00 €",
	} {
		n, err := plan(t).Read(dialled, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Of(n).Rate.Cost(10 * time.Minute).String(); got != want {
			t.Errorf("%s costs %s, want %s", dialled, got, want)
		}
	}
}

func TestAListOfRatesIsReadAsSpreadsheetsWriteIt(t *testing.T) {
	want := map[string]Rate{"+49": {Minute: 23_000}, "+44": {Minute: 20_000, Setup: 50_000, Least: 100_000}}
	for name, text := range map[string]string{
		"semicolons and commas": "\ufeffPréfixe;Prix minute;Connexion;Minimum\r\n",
		"dots":                  "Destination,Prefix,Minute,Setup,Minimum\nGermany,+49,0.023,,\n\"United Kingdom, all\",0044,0.02,0.05,0.10\n",
		"tabs":                  "prefix\tminute\tsetup\tminimum\n0049\t0.023\t0\t0\n+44\t0.02\t0.05\t0.1\n\n",
		"semicolons":            "préfixe;minute;connexion;minimum\r\n+49;0,023;;\r\n0044;0,02;0,05;0,1\r\n",
	} {
		got, err := ReadRates(text, plan(t))
		if name == "semicolons and commas" {
			if err == nil || !strings.Contains(err.Error(), "line 1: no column is called minute") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestFaultsInAListOfRatesAreToldWithTheirLines(t *testing.T) {
	_, err := ReadRates("prefix;minute\n+49;0,02\n49;0.02\n+4x;1\n+33;much\n112;1\n+44\n+49;0.03\n+1;1001\n+2;\n0;1\n", plan(t))
	want := `line 3: prefix: "49" is no short number of France: write prefixes like +49
line 4: prefix: "+4x" is no prefix: write it like +49
line 5: minute: "much" is no price: write euros like 0.023
line 6: prefix: "112" is an emergency number, which has no price
line 7: has 1 columns where the first line has 2
line 8: prefix: +49 has another price in line 2
line 9: minute: "1001" is more than 1000 €
line 10: minute: "" is no price: write euros like 0.023
line 11: prefix: "0" is no short number of France: write prefixes like +0`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	for text, want := range map[string]string{
		"":                            "the list is empty",
		"minute;setup\n1;2":           "line 1: no column is called prefix",
		"prefix;minute\n":             "line 2: there is no price",
		"prefix;minute;prix\n+49;1;1": "line 1: two columns are the minute",
		"prefix,minute\n+49,\"1\n":    "cannot be read",
	} {
		if _, err := ReadRates(text, plan(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzReadRates(f *testing.F) {
	f.Add("prefix;minute;setup\n+49;0,02;0\n3232;0.8;3\n")
	f.Add("prefix\tminute\n\"+49\"\t1\n")
	f.Add("prefix,minute,minimum\n0044,0.001,0.1\n+44,0.001,0.1")
	p := plan(f)
	f.Fuzz(func(t *testing.T, text string) {
		rates, err := ReadRates(text, p)
		if (rates == nil) != (err != nil) {
			t.Fatalf("%v and %v", rates, err)
		}
		if err != nil && len(err.Error()) > 8000 {
			t.Fatalf("a fault of %d bytes", len(err.Error()))
		}
		for prefix, r := range rates {
			if prefix == "" || min(r.Setup, r.Minute, r.Least) < 0 || max(r.Setup, r.Minute, r.Least) > mostPrice {
				t.Fatalf("%q costs %+v", prefix, r)
			}
			if c := r.Cost(time.Hour); c < r.Cost(time.Second) || c < 0 {
				t.Fatalf("%q: an hour costs %v", prefix, c)
			}
		}
	})
}
