package api

import (
	"context"
	"time"
)

// Sticks are the USB sticks as people look at them. Main assembles it.
type Sticks interface {
	// Stick is the latest; nil: none was plugged in since the box started.
	Stick() *Stick
	// Decide takes or refuses the stick that waits. The error is *Conflict when none does.
	Decide(ctx context.Context, yes bool, who string) (Stick, error)
}

// Stick is what became of a USB stick.
type Stick struct {
	At      time.Time `json:"at" doc:"When it was plugged in."`
	Here    bool      `json:"here" doc:"It still is."`
	Phase   string    `json:"phase" enum:"reading,waiting,taken,refused" doc:"One that waits is taken when an administrator says yes."`
	Signer  string    `json:"signer" doc:"Who signed it; empty: nobody whom the policy names."`
	Reason  string    `json:"reason" doc:"A sentence: why it was refused, or what it waits for."`
	Changes []Change  `json:"changes" nullable:"false" doc:"What its policy changes, or would change."`
	Sources int       `json:"sources" doc:"Sources on its block list; 0: it has none."`
	Release string    `json:"release" doc:"Of the system that it held and the next start tries; empty: it has none."`
}

// StickDecision is the word on a stick that waits.
type StickDecision struct {
	Yes bool `json:"yes" doc:"Take it."`
}

type stickOutput struct {
	Body struct {
		Stick *Stick `json:"stick,omitempty" doc:"Absent: none was plugged in since the box started."`
	}
}

func (s *Server) getStick(context.Context, *noInput) (*stickOutput, error) {
	out := &stickOutput{}
	out.Body.Stick = s.sticks.Stick()
	return out, nil
}

func (s *Server) decideStick(ctx context.Context, in *struct{ Body StickDecision }) (*stickOutput, error) {
	who := visitorOf(ctx).name
	stick, err := s.sticks.Decide(ctx, in.Body.Yes, who)
	if err != nil {
		return nil, s.boxProblem("decide on a stick", err)
	}
	s.log.Info("stick decided on", "who", who, "yes", in.Body.Yes, "phase", stick.Phase)
	out := &stickOutput{}
	out.Body.Stick = &stick
	return out, nil
}
