package ua

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"

	"github.com/emiago/sipgo/sip"
)

func TestFailuresAreToldInWords(t *testing.T) {
	to := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 1), Port: 5061}
	op := func(err error) error {
		return fmt.Errorf("connect to carrier-a: %w", &net.OpError{Op: "dial", Net: "tcp", Addr: to, Err: err})
	}
	tests := map[string]error{
		"nothing takes connections at 198.51.100.1:5061: check address and port":    op(syscall.ECONNREFUSED),
		"no way leads there at 198.51.100.1:5061: check cable, address and gateway": op(syscall.ENETUNREACH),
		"it closed the connection at 198.51.100.1:5061":                             op(syscall.ECONNRESET),
		"it does not answer":                                                                     fmt.Errorf("dial: %w", context.DeadlineExceeded),
		"it does not answer at 198.51.100.1:5061":                                                errors.Join(op(errors.New("x")), sip.ErrTransactionTimeout),
		"the name sip.carrier.example is not known to the name server":                           &net.DNSError{Name: "sip.carrier.example", IsNotFound: true},
		"no name server answers for sip.carrier.example":                                         &net.DNSError{Name: "sip.carrier.example", IsTimeout: true},
		"its certificate comes from an authority that is not trusted: check tls.trust":           &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		"its certificate is not for sip.carrier.example: check tls.server_name":                  x509.HostnameError{Host: "sip.carrier.example", Certificate: &x509.Certificate{}},
		"its certificate is not valid today: check the clock of the box, then ask for a new one": x509.CertificateInvalidError{Reason: x509.Expired},
		"it does not speak TLS: check transport and port":                                        tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"something else": errors.New("something else"),
	}
	for want, err := range tests {
		if got := Explain(err); got != want {
			t.Errorf("%v\ngot  %q\nwant %q", err, got, want)
		}
	}
}
