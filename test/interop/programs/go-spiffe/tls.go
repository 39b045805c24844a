package main

import (
	"context"
	"io"
	"net/http"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

func sourceOf(ctx context.Context, socket string) (*workloadapi.X509Source, error) {
	return workloadapi.NewX509Source(ctx, workloadapi.WithClientOptions(workloadapi.WithAddr("unix://"+socket)))
}

// Answers with who has called. Only `peer` may.
func serveTLS(ctx context.Context, socket, peer string) error {
	source, err := sourceOf(ctx, socket)
	if err != nil {
		return err
	}
	id, err := spiffeid.FromString(peer)
	if err != nil {
		return err
	}
	listener, err := spiffetls.ListenWithMode(ctx, "tcp", "127.0.0.1:0",
		spiffetls.MTLSServerWithSource(tlsconfig.AuthorizeID(id), source))
	if err != nil {
		return err
	}
	tell(map[string]string{"event": "listening", "address": listener.Addr().String()})
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "go-spiffe")
	}))
}

type result struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
	Error  string `json:"error"`
}

func call(ctx context.Context, socket, peer, url string) result {
	source, err := sourceOf(ctx, socket)
	if err != nil {
		return result{Error: err.Error()}
	}
	defer source.Close()
	id, err := spiffeid.FromString(peer)
	if err != nil {
		return result{Error: err.Error()}
	}
	transport := &http.Transport{TLSClientConfig: tlsconfig.MTLSClientConfig(source, source, tlsconfig.AuthorizeID(id))}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return result{Error: err.Error()}
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return result{Error: err.Error()}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return result{Error: err.Error()}
	}
	return result{Status: response.StatusCode, Body: string(body)}
}
