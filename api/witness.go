package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"redress/internal/auditlog"
)

type witnessCommand struct {
	File    string   `arg:"" help:"The one file of the witness: its key, and the checkpoints it cosigned last. Made at the first start." default:"witness.json" type:"path"`
	Name    string   `help:"Name of a new witness, as in consumers.example/witness."`
	LogKeys []string `help:"File or address of the keys of a log to watch; may be repeated." required:"" sep:"none"`
	Address string   `help:"Address to listen on." default:"127.0.0.1:8081"`
	URL     string   `help:"Address at which the log reaches this witness; the one it listens on when empty."`
}

// Run cosigns until the context ends.
func (c witnessCommand) Run(ctx context.Context, w *world) error {
	var logs []auditlog.Keys
	for _, place := range c.LogKeys {
		keys, err := readKeys(ctx, place)
		if err != nil {
			return err
		}
		logs = append(logs, keys)
	}
	file, err := auditlog.OpenWitnessFile(c.File, c.Name)
	if err != nil {
		return err
	}
	defer file.Close()
	witness, err := auditlog.NewWitness(file.Key(), file, logs...)
	if err != nil {
		return err
	}
	verifier, err := auditlog.VerifierKey(file.Key())
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", c.Address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: witness.Handler(w.now), ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, IdleTimeout: idleTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	at := c.URL
	if at == "" {
		at = "http://" + listener.Addr().String()
	}
	for _, keys := range logs {
		fmt.Fprintf(w.stdout, "Watching the log %s.\n", keys.Origin())
	}
	fmt.Fprintf(w.stdout, "Give this line to the operator of the log, and to everybody who is to trust this witness:\nwitness %s %s\n", verifier, at)
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	return errors.Join(server.Shutdown(drain))
}
