package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/policy"
)

func TestTheFixedPasswordsOpenTheRealAPI(t *testing.T) {
	for name, c := range map[string]struct {
		own        string
		password   string
		mustChange bool
	}{
		"the first one": {"", "demo-demo-demo-2345", true},
		"an own one":    {"four words in a row", "four words in a row", false},
	} {
		t.Run(name, func(t *testing.T) {
			accounts, err := newRecords("demo-demo-demo-2345", c.own)
			if err != nil {
				t.Fatal(err)
			}
			box, err := newWorld(options{})
			if err != nil {
				t.Fatal(err)
			}
			server, err := api.New(t.Context(), api.Options{Box: box, Bans: &jail{world: box}, Credentials: &keys{world: box}, Alarms: box, Fraud: &purse{world: box}, Filter: &wall{world: box}, Admission: judge{}, Accounts: accounts, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			if first := server.FirstPassword(); first != "" {
				t.Errorf("the API does not know the record and made %q", first)
			}
			o := options{listen: free(t)}
			cert, err := selfSigned()
			if err != nil {
				t.Fatal(err)
			}
			if err := serve(t.Context(), server, cert, o); err != nil {
				t.Fatal(err)
			}
			defer server.Close(context.Background())
			if got := logIn(t, o.listen, c.password); !got.LoggedIn || got.MustChangePassword != c.mustChange {
				t.Errorf("session %+v", got)
			}
		})
	}
}

func free(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func logIn(t *testing.T, a netip.AddrPort, password string) api.Session {
	t.Helper()
	raw, err := json.Marshal(api.LoginRequest{User: "admin", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, "https://"+a.String()+"/api/v1/session", bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", "https://"+a.String())
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var s api.Session
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v", res.StatusCode, err)
	}
	return s
}

func TestTheInventedBoxChangesOverTimeUnlessItStandsStill(t *testing.T) {
	w, err := newWorld(options{})
	if err != nil {
		t.Fatal(err)
	}
	first := w.Overview()
	w.mu.Lock()
	w.born = w.born.Add(-5 * time.Second)
	w.mu.Unlock()
	second := w.Overview()
	if len(first.Calls) == 0 || first.Counters[0].Packets == second.Counters[0].Packets {
		t.Errorf("nothing happens: %+v", second)
	}
	still, err := newWorld(options{still: true})
	if err != nil {
		t.Fatal(err)
	}
	a, b := still.Overview(), still.Overview()
	if !a.At.Equal(b.At) || !reflect.DeepEqual(a.Calls[0].Legs, b.Calls[0].Legs) || len(a.Calls) < 3 {
		t.Errorf("%+v", a)
	}
}

func TestAnInventedTrialIsLostUnlessItIsConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := newWorld(options{trial: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		doc := bytes.ReplaceAll(policy.Example(), []byte("Lyon office"), []byte("Nantes office"))
		r, err := w.Import(t.Context(), doc, "admin", "moved")
		if err != nil || len(r.Changes) != 1 || r.Revision.State != "proposed" || w.Overview().Mode != "trial" {
			t.Fatalf("%+v %v", r, err)
		}
		time.Sleep(time.Minute + time.Second)
		if o := w.Overview(); o.Mode != "running" || o.Site.Name != "Lyon office" {
			t.Errorf("mode %s, site %s", o.Mode, o.Site.Name)
		}
		if _, err := w.Import(t.Context(), doc, "admin", "moved"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Confirm(t.Context(), "admin"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute + time.Second)
		if o := w.Overview(); o.Mode != "running" || o.Site.Name != "Nantes office" {
			t.Errorf("mode %s, site %s", o.Mode, o.Site.Name)
		}
	})
}

func TestAnInventedPressOpensOneThing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := newWorld(options{press: 4 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		opening := func(country string) error {
			doc := bytes.Replace(policy.Example(), []byte("countries: ["), []byte("countries: ["+country+", "), 1)
			_, err := w.Import(t.Context(), doc, "admin", "a friend abroad")
			return err
		}
		needed := (*api.PressNeeded)(nil)
		if err := opening("NZ"); !errors.As(err, &needed) || w.Overview().Pressed != nil {
			t.Fatalf("%v", err)
		}
		time.Sleep(4 * time.Second)
		if w.Overview().Pressed == nil {
			t.Error("nobody has pressed the button")
		}
		if err := opening("NZ"); err != nil {
			t.Error(err)
		}
		if err := opening("NZ, CL"); !errors.As(err, &needed) {
			t.Errorf("the press opens twice: %v", err)
		}
	})
}

func TestAnotherAddressThanLoopbackIsRefused(t *testing.T) {
	if _, err := parse([]string{"--listen", "192.0.2.1:8443"}); err == nil {
		t.Error("a fixed password would be served to the network")
	}
	if o, err := parse(nil); err != nil || o.listen.Port() != 8443 {
		t.Errorf("%+v %v", o, err)
	}
}
