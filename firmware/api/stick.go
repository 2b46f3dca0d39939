package api

import (
	"context"
	"time"
)

// Sticks are the USB sticks as people look at them. Main assembles it.
type Sticks interface {
	// Stick is the latest; nil: none was plugged in since the box started.
	Stick() *Stick
	// Decide takes or refuses the stick that waits, and opens one that is sealed. The error is *Conflict when none waits, or when the
	// pass phrase is not the one.
	Decide(ctx context.Context, d StickDecision, who string) (Stick, error)
	// WriteStick writes onto the stick that is plugged in. The error is *Conflict when there is none, it is full or cannot be written to.
	WriteStick(ctx context.Context, e StickExport, who string) ([]StickFile, error)
	// Evidence is a zip about one call that has ended, or about the fraud that is remembered when none is named. The error is *Conflict
	// when there is nothing of it.
	Evidence(call string) ([]byte, error)
	// Recipient is the public half of the box's key: files that are sealed for it, the box alone opens.
	Recipient() string
}

// StickExport says what to write onto the stick that is plugged in.
type StickExport struct {
	Backup    bool   `json:"backup,omitempty" doc:"All that another box needs to take this one's place, sealed: policy, certificates, keys, lists, and what it remembers."`
	Calls     bool   `json:"calls,omitempty" doc:"The latest calls, as JSON."`
	Log       bool   `json:"log,omitempty" doc:"The end of the log."`
	Evidence  bool   `json:"evidence,omitempty" doc:"A signed zip for the carrier or the police about the fraud that is remembered."`
	Phrase    string `json:"phrase,omitempty" maxLength:"200" doc:"Seals the backup."`
	Recipient string `json:"recipient,omitempty" maxLength:"200" doc:"Whom the backup is sealed for instead: age1 and 58 characters."`
}

// StickFile is a file that was written onto a stick.
type StickFile struct {
	Name string `json:"name"`
	Size int    `json:"size" doc:"In bytes."`
}

type stickFilesOutput struct {
	Body struct {
		Files []StickFile `json:"files" nullable:"false" doc:"In the folder from-tollgate of the stick."`
	}
}

func (s *Server) exportToStick(ctx context.Context, in *struct{ Body StickExport }) (*stickFilesOutput, error) {
	who := visitorOf(ctx).name
	files, err := s.sticks.WriteStick(ctx, in.Body, who)
	if err != nil {
		return nil, s.boxProblem("write onto a stick", err)
	}
	out := &stickFilesOutput{}
	out.Body.Files = files
	return out, nil
}

// Stick is what became of a USB stick.
type Stick struct {
	At      time.Time `json:"at" doc:"When it was plugged in."`
	Here    bool      `json:"here" doc:"It still is."`
	Phase   string    `json:"phase" enum:"reading,waiting,taken,refused" doc:"One that waits is taken when an administrator says yes."`
	Sealed  bool      `json:"sealed" doc:"It waits for a pass phrase, and what it would change is not known yet."`
	Signer  string    `json:"signer" doc:"Who signed it; empty: nobody whom the policy names."`
	Reason  string    `json:"reason" doc:"A sentence: why it was refused, or what it waits for."`
	Changes []Change  `json:"changes" nullable:"false" doc:"What its policy changes, or would change."`
	Sources int       `json:"sources" doc:"Sources on its block list; 0: it has none."`
	Prices  int       `json:"prices" doc:"Prices on its list of rates; 0: it has none."`
	Records int       `json:"records" doc:"What its backup remembers, which counts from the next start; 0: it has none."`
	Release string    `json:"release" doc:"Of the system that it held and the next start tries; empty: it has none."`
}

// StickDecision is the word on a stick that waits.
type StickDecision struct {
	Yes    bool   `json:"yes" doc:"Take it; or open it, when it is sealed."`
	Phrase string `json:"phrase,omitempty" maxLength:"200" doc:"The pass phrase that it is sealed with."`
}

type stickOutput struct {
	Body struct {
		Stick     *Stick `json:"stick,omitempty" doc:"Absent: none was plugged in since the box started."`
		Recipient string `json:"recipient" doc:"What is sealed for it with age, this box alone opens."`
	}
}

func (s *Server) getStick(context.Context, *noInput) (*stickOutput, error) {
	out := &stickOutput{}
	out.Body.Stick, out.Body.Recipient = s.sticks.Stick(), s.sticks.Recipient()
	return out, nil
}

func (s *Server) decideStick(ctx context.Context, in *struct{ Body StickDecision }) (*stickOutput, error) {
	who := visitorOf(ctx).name
	stick, err := s.sticks.Decide(ctx, in.Body, who)
	if err != nil {
		return nil, s.boxProblem("decide on a stick", err)
	}
	s.log.Info("stick decided on", "who", who, "yes", in.Body.Yes, "phase", stick.Phase)
	out := &stickOutput{}
	out.Body.Stick, out.Body.Recipient = &stick, s.sticks.Recipient()
	return out, nil
}
