package registrar

import (
	"bytes"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/firmware/policy"
)

// paper is what a test keeps records on.
type paper map[string][]byte

func (p paper) Write(name string, b []byte) error { p[name] = bytes.Clone(b); return nil }
func (p paper) Remove(name string) error          { delete(p, name); return nil }

// again ends the process of the scene's registrar and begins another one, away later.
func (s *scene) again(p paper, away time.Duration) {
	s.r.o.Records = nil // it was killed: what it does now is not written
	s.r.Close()
	time.Sleep(away)
	s.told()
	s.r = New(Options{Core: s.core, Dialer: s, Sink: s, Log: slog.New(slog.DiscardHandler), Records: p, Kept: p[RecordName]})
	s.t.Cleanup(s.r.Close)
}

func TestABindingOutlivesTheProcess(t *testing.T) {
	for name, c := range map[string]struct {
		away   time.Duration
		change func(*policy.PBX)
		record func(paper)
		stays  bool
	}{
		"at once":             {stays: true},
		"after a while":       {away: 50 * time.Second, stays: true},
		"when it has lapsed":  {away: 2 * time.Minute},
		"with another secret": {change: func(p *policy.PBX) { p.Secret = "another-secret-of-24-letters" }},
		"with other sources":  {change: func(p *policy.PBX) { p.Sources = nil }},
		"damaged":             {record: func(p paper) { p[RecordName] = []byte(`{"Contact":`) }},
		"empty":               {record: func(p paper) { p[RecordName] = []byte(`{}`) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				p := paper{}
				s.r.o.Records = p
				s.expect(200, newWire(policy.UDP, "192.0.2.20:5060"), "Contact: <sip:office@192.0.2.20:5062>;expires=60")
				before := s.r.State()
				if !before.Registered || p[RecordName] == nil {
					t.Fatalf("the PBX is not registered, or that is not kept: %+v", before)
				}
				if c.record != nil {
					c.record(p)
				}
				s.again(p, c.away)
				pbx := office()
				if c.change != nil {
					c.change(&pbx)
				}
				s.r.Set(pbx, local)
				after := s.r.State()
				if after.Registered != c.stays {
					t.Fatalf("registered: %v, want %v", after.Registered, c.stays)
				}
				if !c.stays {
					return
				}
				if after.Contact.String() != before.Contact.String() || after.Source != before.Source || !after.Since.Equal(before.Since) || after.Expires.Sub(before.Expires).Abs() > time.Second {
					t.Errorf("the binding is %+v, was %+v", after.Binding, before.Binding)
				}
				if _, err := after.Path().Conn(t.Context()); err != nil {
					t.Errorf("the PBX is not reached: %v", err)
				}
				time.Sleep(2 * time.Minute)
				if s.r.State().Registered || p[RecordName] != nil {
					t.Error("it never lapses, or that is not kept")
				}
			})
		})
	}
}
