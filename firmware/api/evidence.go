package api

import "context"

type evidenceOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// getEvidence hands out a zip.
func (s *Server) getEvidence(ctx context.Context, in *struct {
	Call string `query:"call" maxLength:"200" doc:"Identifier of a call that has ended; empty: all the fraud that is remembered."`
}) (*evidenceOutput, error) {
	zip, err := s.sticks.Evidence(in.Call)
	if err != nil {
		return nil, s.boxProblem("put the evidence together", err)
	}
	s.log.Info("evidence handed out", "who", visitorOf(ctx).name, "call", in.Call)
	return &evidenceOutput{ContentType: "application/zip", Disposition: `attachment; filename="evidence.zip"`, Body: zip}, nil
}
