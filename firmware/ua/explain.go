package ua

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/emiago/sipgo/sip"
)

// Explain says in words for an administrator why a peer could not be reached, with what to look at. The raw error belongs
// into the log.
func Explain(err error) string {
	at := where(err)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("the name %s is not known to the name server", dns.Name)
	case errors.As(err, &dns):
		return fmt.Sprintf("no name server answers for %s", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing takes connections" + at + ": check address and port"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no way leads there" + at + ": check cable, address and gateway"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, ErrConnectionLost):
		return "it closed the connection" + at
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, sip.ErrTransactionTimeout):
		return "it does not answer" + at
	}
	if words := explainTLS(err); words != "" {
		return words + at
	}
	return err.Error()
}

// explainTLS says why a handshake failed; "" when it was something else.
func explainTLS(err error) string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		alert     tls.AlertError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return "its certificate comes from an authority that is not trusted: check tls.trust"
	case errors.As(err, &name):
		return fmt.Sprintf("its certificate is not for %s: check tls.server_name", name.Host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate is not valid today: check the clock of the box, then ask for a new one"
	case errors.As(err, &invalid):
		return "its certificate cannot be used: " + strings.TrimPrefix(invalid.Error(), "x509: ")
	case errors.As(err, &record):
		return "it does not speak TLS: check transport and port"
	case errors.As(err, &alert):
		return "it ended the TLS handshake: " + strings.TrimPrefix(alert.Error(), "tls: ")
	}
	return ""
}

// where names the address that an error is about, with a blank before it.
func where(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		return " at " + op.Addr.String()
	}
	return ""
}
