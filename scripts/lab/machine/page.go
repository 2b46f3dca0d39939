package machine

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"time"
)

// Page is a browser in the hands of the box's administrator, as far as the API knows.
type Page struct {
	base   string
	client http.Client
}

// NewPage opens the page at an address, whose certificate is by an authority that nobody knows yet.
func NewPage(address string) (*Page, error) { return NewPageBehind(address, "") }

// NewPageBehind opens the page at an address that is reached by another one, as of a port that is passed on; "" is the address itself.
func NewPageBehind(address, through string) (*Page, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	if through != "" {
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, through)
		}
	}
	return &Page{base: "https://" + strings.TrimSuffix(address, ":443"), client: http.Client{Jar: jar, Transport: transport}}, nil
}

// Await asks until the page answers. Connections to a program that has ended meanwhile are not used again.
func (p *Page) Await(ctx context.Context) error {
	p.client.CloseIdleConnections()
	for {
		once, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := p.Do(once, http.MethodGet, "/api/v1/session", "", nil, nil)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the page does not answer: %w", err)
		}
	}
}

// Claim logs in with the first password and replaces it.
func (p *Page) Claim(ctx context.Context, first, password string) error {
	if err := p.LogIn(ctx, first); err != nil {
		return err
	}
	return p.JSON(ctx, http.MethodPost, "/api/v1/password", map[string]string{"current": first, "new": password}, nil)
}

// LogIn begins a session.
func (p *Page) LogIn(ctx context.Context, password string) error {
	return p.JSON(ctx, http.MethodPost, "/api/v1/session", map[string]string{"user": "admin", "password": password}, nil)
}

// JSON sends a value and reads another; out may be nil.
func (p *Page) JSON(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	return p.Do(ctx, method, path, "application/json", bytes.NewReader(body), out)
}

// Text reads something that is no JSON.
func (p *Page) Text(ctx context.Context, path string) ([]byte, error) {
	return p.send(ctx, http.MethodGet, path, "", nil)
}

// Do sends a request as the page's own script would, and reads what comes back; out may be nil.
func (p *Page) Do(ctx context.Context, method, path, kind string, body io.Reader, out any) error {
	content, err := p.send(ctx, method, path, kind, body)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(content, out)
}

func (p *Page) send(ctx context.Context, method, path, kind string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, content)
	}
	return content, nil
}
