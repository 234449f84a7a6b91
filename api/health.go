package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// healthcheckCommand asks a server on this machine whether it is ready, for
// containers that hold nothing but the program.
type healthcheckCommand struct {
	Address string        `help:"Address that the server serves on." default:"127.0.0.1:8080" env:"REDRESS_ADDRESS"`
	Timeout time.Duration `help:"How long an answer may take." default:"5s"`
}

func (h healthcheckCommand) Run(ctx context.Context) error {
	host, port, err := net.SplitHostPort(h.Address)
	if err != nil {
		return fmt.Errorf("address: %w", err)
	}
	// A server on every address of the machine is asked on the loopback one.
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("not ready: %s: %s", response.Status, body)
	}
	return nil
}
