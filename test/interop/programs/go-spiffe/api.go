package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"sync"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A line of the input: what every stream is sent from then on. Bytes are DER in base64.
type answer struct {
	SVIDs []struct {
		SpiffeID string `json:"spiffeId"`
		Chain    []byte `json:"chain"`
		Key      []byte `json:"key"`
		Bundle   []byte `json:"bundle"`
	} `json:"svids"`
	Federated map[string][]byte `json:"federated"`
	// No stream is given anything.
	Denied bool `json:"denied"`
}

type api struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	mutex   sync.Mutex
	current *answer
	changed chan struct{}
}

func serveAPI(socket string, input io.Reader) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	served := &api{changed: make(chan struct{})}
	server := grpc.NewServer()
	workload.RegisterSpiffeWorkloadAPIServer(server, served)
	go served.read(input, server)
	tell(map[string]string{"event": "listening"})
	return server.Serve(listener)
}

// Ends with the input, so that nothing is left of a test that was broken off.
func (a *api) read(input io.Reader, server *grpc.Server) {
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		next := new(answer)
		if err := json.Unmarshal(lines.Bytes(), next); err != nil {
			fail(err)
		}
		a.mutex.Lock()
		a.current = next
		close(a.changed)
		a.changed = make(chan struct{})
		a.mutex.Unlock()
	}
	server.Stop()
}

func (a *api) FetchX509SVID(_ *workload.X509SVIDRequest, stream grpc.ServerStreamingServer[workload.X509SVIDResponse]) error {
	header, _ := metadata.FromIncomingContext(stream.Context())
	if values := header.Get("workload.spiffe.io"); len(values) != 1 || values[0] != "true" {
		return status.Error(codes.InvalidArgument, "security header missing from request")
	}
	for {
		a.mutex.Lock()
		current, changed := a.current, a.changed
		a.mutex.Unlock()
		if current != nil {
			if current.Denied {
				return status.Error(codes.PermissionDenied, "no identity issued")
			}
			if err := stream.Send(current.message()); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

func (a *answer) message() *workload.X509SVIDResponse {
	response := &workload.X509SVIDResponse{FederatedBundles: a.Federated}
	for _, svid := range a.SVIDs {
		response.Svids = append(response.Svids, &workload.X509SVID{
			SpiffeId: svid.SpiffeID, X509Svid: svid.Chain, X509SvidKey: svid.Key, Bundle: svid.Bundle,
		})
	}
	return response
}
