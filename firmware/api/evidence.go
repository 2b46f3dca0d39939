package api

import "context"

// getEvidence hands out a zip.
func (s *Server) getEvidence(ctx context.Context, in *struct {
	Call string `query:"call" maxLength:"200" doc:"Identifier of a call that has ended; empty: all the fraud that is remembered."`
}) (*fileOutput, error) {
	zip, err := s.sticks.Evidence(in.Call)
	if err != nil {
		return nil, s.boxProblem("put the evidence together", err)
	}
	s.log.Info("evidence handed out", "who", visitorOf(ctx).name, "call", in.Call)
	return &fileOutput{ContentType: "application/zip", Disposition: `attachment; filename="evidence.zip"`, Body: zip}, nil
}
