package api

import "context"

// Authority is the box's own CA; certs.Authority satisfies it. Its certificate is public.
type Authority interface {
	CA() (pem []byte, fingerprint string)
}

// AuthorityCertificate is what a browser or a PBX must trust so that the box's certificates are no riddle to it.
type AuthorityCertificate struct {
	Certificate string `json:"certificate" doc:"PEM."`
	Fingerprint string `json:"fingerprint" doc:"SHA-256 of the certificate; compare it with the one on the box's console before you trust it."`
}

type authorityOutput struct{ Body AuthorityCertificate }

// fileOutput is a file to keep.
type fileOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// getAuthority is open to anybody: the warning that it ends comes before the log-in.
func (s *Server) getAuthority(context.Context, *noInput) (*authorityOutput, error) {
	if s.authority == nil {
		return nil, noAuthority()
	}
	pem, fingerprint := s.authority.CA()
	return &authorityOutput{Body: AuthorityCertificate{Certificate: string(pem), Fingerprint: fingerprint}}, nil
}

func (s *Server) getAuthorityFile(context.Context, *noInput) (*fileOutput, error) {
	if s.authority == nil {
		return nil, noAuthority()
	}
	pem, _ := s.authority.CA()
	return &fileOutput{ContentType: "application/x-pem-file", Disposition: `attachment; filename="tollgate-ca.pem"`, Body: pem}, nil
}

func noAuthority() *Problem {
	return newProblem(NotFound, "This box has no certificate authority of its own.", "Ask who runs it for the certificate to trust.")
}
