package api

import (
	"context"
	"time"
)

// Alarms are what somebody has to have seen. Main assembles them from the facts.
type Alarms interface {
	// Acknowledge notes that who has seen the emergency r names. The error is *Conflict when there is none.
	Acknowledge(r AcknowledgeRequest, who string) (Emergency, error)
}

// Acknowledgement says who has seen an emergency, and when.
type Acknowledgement struct {
	At  time.Time `json:"at"`
	Who string    `json:"who"`
}

// AcknowledgeRequest names an emergency as the overview has it.
type AcknowledgeRequest struct {
	At   time.Time `json:"at"`
	Call string    `json:"call" maxLength:"64"`
}

type emergencyOutput struct{ Body Emergency }

// acknowledge leaves its word in the log: the list lasts as long as the process, and only so many.
func (s *Server) acknowledge(ctx context.Context, in *struct{ Body AcknowledgeRequest }) (*emergencyOutput, error) {
	who := visitorOf(ctx).name
	seen, err := s.alarms.Acknowledge(in.Body, who)
	if err != nil {
		return nil, s.boxProblem("acknowledge an emergency", err)
	}
	s.log.Info("emergency acknowledged", "who", who, "at", seen.At, "call", seen.Call, "from", seen.From, "to", seen.To, "exceptions", len(seen.Exceptions))
	return &emergencyOutput{seen}, nil
}
