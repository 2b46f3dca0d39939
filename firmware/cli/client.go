package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"tollgate/firmware/api"
)

// Bounds of one request to the box. An import may take a minute.
const (
	requestTime = 75 * time.Second
	maxAnswer   = 16 << 20
)

// client talks to the running box.
type client struct {
	socket string
	http   *http.Client
}

// newClient makes a client of the box whose state folder is state.
func newClient(state string) *client {
	socket := filepath.Join(state, api.SocketName)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	return &client{socket: socket, http: &http.Client{Timeout: requestTime, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// do sends in as JSON, or nothing when it is nil, and returns the body of the answer. The error is a *api.Problem when
// the box refused.
func (c *client) do(method, path string, in any) ([]byte, error) {
	req, err := newRequest(method, path, in)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the box's answer: %w", err)
	}
	if res.StatusCode < 300 {
		return body, nil
	}
	var p api.Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Type == "" {
		return nil, fmt.Errorf("the box answered %s and did not say why", res.Status)
	}
	return nil, &p
}

func newRequest(method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("writing the request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, "http://tollgate/api/v1"+path, body)
	if err != nil {
		return nil, fmt.Errorf("writing the request: %w", err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// ask does a request and reads the JSON of its answer.
func ask[T any](c *client, method, path string, in any) (T, error) {
	var out T
	body, err := c.do(method, path, in)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return out, fmt.Errorf("reading the box's answer: %w", err)
	}
	return out, nil
}

// unreachable says in words why nobody answers.
func (c *client) unreachable(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("the box does not run: nobody answers on %s.\nStart it with \"tollgate run\"; if it runs with another state folder, say so with --state DIR", c.socket)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("%s is for root and the box's own user.\nTry again with sudo", c.socket)
	}
	return fmt.Errorf("asking the box on %s: %w", c.socket, err)
}
