package pull

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// NewClient makes a client that speaks HTTPS and nothing else, to the roots of the system, by way of dial.
func NewClient(dial func(ctx context.Context, network, addr string) (net.Conn, error), now func() time.Time) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dial, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, Time: now},
			TLSHandshakeTimeout: 30 * time.Second, ResponseHeaderTimeout: time.Minute, DisableKeepAlives: true, ForceAttemptHTTP2: false,
		},
		CheckRedirect: redirect,
	}
}

func redirect(req *http.Request, via []*http.Request) error {
	if req.URL.Scheme != "https" || len(via) > 3 {
		return errors.New("the server sends us on to somewhere that is not HTTPS, or round in circles")
	}
	return nil
}
