package api

import (
	"context"
	"time"
)

// BansShown is how many bans an overview has at most.
const BansShown = 50

// Bans keep sources away that misbehave. Main assembles them from access and the packet filter.
type Bans interface {
	// List lists who is banned, the latest first.
	List() []Ban
	// Ban keeps a source away on the word of who. The error is *Conflict when it must not be banned.
	Ban(r BanRequest, who string) (Ban, error)
	// Lift ends a ban. The error is *Conflict when there is none.
	Lift(source, who string) (Ban, error)
}

// Ban is a source that may do nothing.
type Ban struct {
	Source string     `json:"source" doc:"An address, or a network such as 2001:db8::/64."`
	Rule   string     `json:"rule" enum:"malformed,stranger,wrong password,unknown user,scanner,unacknowledged,banned by hand" doc:"What was too much."`
	Reason string     `json:"reason" doc:"A sentence, or the note of who banned it."`
	Since  time.Time  `json:"since"`
	Until  *time.Time `json:"until,omitempty" doc:"Absent: until it is lifted."`
	Times  int        `json:"times" doc:"How often in a row, this time included; each ban lasts twice as long as the one before."`
	Who    string     `json:"who" doc:"Who banned it; empty: the box itself."`
	Peer   bool       `json:"peer" doc:"It is the address of a peer of the policy: emergency calls from there pass, and calls that run already."`
}

// BanRequest asks for a ban.
type BanRequest struct {
	Source  string `json:"source" minLength:"2" maxLength:"64" doc:"An address, or a network such as 203.0.113.0/24."`
	Minutes int    `json:"minutes,omitempty" minimum:"0" maximum:"525600" doc:"How long; 0: until it is lifted."`
	Reason  string `json:"reason,omitempty" maxLength:"200" doc:"A note for the list."`
}

// LiftRequest ends a ban.
type LiftRequest struct {
	Source string `json:"source" minLength:"2" maxLength:"64" doc:"As the list has it."`
}

type (
	bansOutput struct {
		Body struct {
			Bans []Ban `json:"bans" nullable:"false"`
		}
	}
	banOutput struct{ Body Ban }
)

func (s *Server) getBans(context.Context, *noInput) (*bansOutput, error) {
	out := &bansOutput{}
	out.Body.Bans = list(s.bans.List())
	return out, nil
}

func (s *Server) ban(ctx context.Context, in *struct{ Body BanRequest }) (*banOutput, error) {
	who := visitorOf(ctx).name
	ban, err := s.bans.Ban(in.Body, who)
	if err != nil {
		return nil, s.boxProblem("ban", err)
	}
	s.log.Info("source banned by hand", "who", who, "source", ban.Source)
	return &banOutput{ban}, nil
}

func (s *Server) liftBan(ctx context.Context, in *struct{ Body LiftRequest }) (*banOutput, error) {
	who := visitorOf(ctx).name
	ban, err := s.bans.Lift(in.Body.Source, who)
	if err != nil {
		return nil, s.boxProblem("lift a ban", err)
	}
	s.log.Info("ban lifted by hand", "who", who, "source", ban.Source)
	return &banOutput{ban}, nil
}
