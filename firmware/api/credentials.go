package api

import (
	"context"
	"time"
)

// Credentials show how old the passwords of peers are, and replace them. Main assembles them from rotation and the policy.
type Credentials interface {
	// List lists them, without any password.
	List() []Credential
	// Rotate begins to replace one. For the PBX it returns the new password, this once; a carrier's is brought in secret.
	// The error is *Conflict.
	Rotate(id, secret, who string) (made string, err error)
	// Cancel calls a rotation off that has not changed the policy yet. The error is *Conflict.
	Cancel(id, who string) error
}

// Credential is the password of a peer, without the password.
type Credential struct {
	ID          string     `json:"id" doc:"pbx, or the name of a trunk, a slash and the user."`
	Trunk       string     `json:"trunk" doc:"Empty for the PBX."`
	User        string     `json:"user"`
	Made        bool       `json:"made" doc:"The box makes the next one; otherwise the carrier does, and it is brought."`
	Replaceable bool       `json:"replaceable" doc:"It can be replaced here; otherwise in the policy alone."`
	Since       time.Time  `json:"since" doc:"It counts since then, as far as the box knows."`
	Due         *time.Time `json:"due,omitempty" doc:"When it should be replaced; absent: never."`
	State       string     `json:"state" enum:"current,pending,probed,active" doc:"current: nothing is under way. pending: the next one is there and has not been seen to work. probed: it works. active: it is in force, and the one before is kept."`
	Begun       *time.Time `json:"begun,omitempty" doc:"When the replacement began."`
	Until       *time.Time `json:"until,omitempty" doc:"Until when the next one waits, or the one before is kept."`
	Trouble     string     `json:"trouble" doc:"Why the latest replacement has not worked, as a sentence."`
	Laggards    []Laggard  `json:"laggards" nullable:"false" doc:"Where the old one was used last, newest first."`
}

// Laggard is where an old password was still used.
type Laggard struct {
	Source string    `json:"source" doc:"IP address."`
	At     time.Time `json:"at"`
}

// RotateRequest begins to replace a password.
type RotateRequest struct {
	ID     string `json:"id" minLength:"1" maxLength:"128"`
	Secret string `json:"secret,omitempty" maxLength:"256" doc:"The new one that the carrier has given out; absent for the PBX."`
}

// RotateResult is the new password of a PBX.
type RotateResult struct {
	Secret string `json:"secret" doc:"Shown this once; empty for a carrier."`
}

// CancelRequest calls a replacement off.
type CancelRequest struct {
	ID string `json:"id" minLength:"1" maxLength:"128"`
}

type (
	credentialsOutput struct {
		Body struct {
			Credentials []Credential `json:"credentials" nullable:"false"`
		}
	}
	rotateOutput struct{ Body RotateResult }
)

func (s *Server) getCredentials(context.Context, *noInput) (*credentialsOutput, error) {
	out := &credentialsOutput{}
	out.Body.Credentials = list(s.credentials.List())
	return out, nil
}

func (s *Server) rotate(ctx context.Context, in *struct{ Body RotateRequest }) (*rotateOutput, error) {
	who := visitorOf(ctx).name
	made, err := s.credentials.Rotate(in.Body.ID, in.Body.Secret, who)
	if err != nil {
		return nil, s.boxProblem("replace a password", err)
	}
	s.log.Info("password is being replaced", "who", who, "credential", in.Body.ID)
	return &rotateOutput{RotateResult{made}}, nil
}

func (s *Server) cancelRotation(ctx context.Context, in *struct{ Body CancelRequest }) (*credentialsOutput, error) {
	who := visitorOf(ctx).name
	if err := s.credentials.Cancel(in.Body.ID, who); err != nil {
		return nil, s.boxProblem("call a replacement off", err)
	}
	s.log.Info("replacement of a password called off", "who", who, "credential", in.Body.ID)
	return s.getCredentials(ctx, nil)
}
