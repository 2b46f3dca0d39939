package api

import (
	"context"
	"time"
)

// Boards is the machine that the box runs on. Main assembles it.
type Boards interface {
	Hardware() Hardware
	// Dismiss notes that who has seen every end of the program. The error is *Conflict when there was none.
	Dismiss(who string) error
}

// Hardware is what the machine tells of itself. What it does not tell is empty or absent.
type Hardware struct {
	Model        string   `json:"model" doc:"As the board calls itself."`
	Kind         string   `json:"kind" doc:"Family of boards, or other."`
	Serial       string   `json:"serial"`
	Revision     string   `json:"revision" doc:"Of a Raspberry Pi: its revision code."`
	Temperature  *float64 `json:"temperature,omitempty" doc:"Of the processor, in degrees Celsius."`
	UnderVoltage *bool    `json:"under_voltage,omitempty" doc:"The supply is too weak at this moment."`
	Wear         *int     `json:"wear,omitempty" doc:"How much of its life the storage has behind it, in percent. SD cards do not tell."`
	Button       bool     `json:"button" doc:"The box has a button, which is asked for before a policy opens calls that can cost without a ceiling."`
	Worries      []string `json:"worries" nullable:"false" doc:"What somebody should look after: too-hot, weak-supply, worn-out."`
	Crashes      []Crash  `json:"crashes" nullable:"false" doc:"How the program has ended before its time, the latest first; the last five."`
}

// Crash is an end of the program that nobody had asked for.
type Crash struct {
	At            time.Time `json:"at"`
	LastedSeconds int       `json:"lasted_seconds" doc:"How long it had been running."`
	How           string    `json:"how" doc:"Its exit code or signal, or that it hung, as a sentence."`
	Version       string    `json:"version"`
	Text          string    `json:"text" doc:"The end of what it said, with where each goroutine stood, for support."`
	Dismissed     bool      `json:"dismissed" doc:"An administrator has seen it."`
}

type hardwareOutput struct{ Body Hardware }

func (s *Server) getHardware(context.Context, *noInput) (*hardwareOutput, error) {
	if s.boards == nil {
		return nil, noSystems()
	}
	return &hardwareOutput{s.boards.Hardware()}, nil
}

func (s *Server) dismissCrashes(ctx context.Context, _ *noInput) (*hardwareOutput, error) {
	if s.boards == nil {
		return nil, noSystems()
	}
	who := visitorOf(ctx).name
	if err := s.boards.Dismiss(who); err != nil {
		return nil, s.boxProblem("dismiss how the program has ended", err)
	}
	s.log.Info("ends of the program dismissed", "who", who)
	return &hardwareOutput{s.boards.Hardware()}, nil
}
