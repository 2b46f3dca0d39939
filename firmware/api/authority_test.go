package api

import (
	"net/http"
	"testing"
)

type ownAuthority struct{}

func (ownAuthority) CA() ([]byte, string) {
	return []byte("-----BEGIN CERTIFICATE-----\n"), "AB:CD"
}

func TestTheBoxsCertificateAuthorityIsThereForAnybodyToTrust(t *testing.T) {
	b := newBench(t)
	wantProblem(t, b.get("/api/v1/authority"), NotFound)
	wantProblem(t, b.get("/api/v1/authority.pem"), NotFound)
	b.server.authority = ownAuthority{}
	if got := body[AuthorityCertificate](t, b.get("/api/v1/authority")); got.Certificate != "-----BEGIN CERTIFICATE-----\n" || got.Fingerprint != "AB:CD" {
		t.Errorf("%+v", got)
	}
	res := b.get("/api/v1/authority.pem")
	if res.Code != http.StatusOK || res.Body.String() != "-----BEGIN CERTIFICATE-----\n" || res.Header().Get("Content-Disposition") != `attachment; filename="tollgate-ca.pem"` {
		t.Errorf("%d %v %s", res.Code, res.Header(), res.Body)
	}
}
