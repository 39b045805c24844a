// Serves go-control-plane's own test resources with its own cache and server. Each line on stdin is a snapshot to serve from
// then on, as JSON; each line on stdout says what happened.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	testresource "github.com/envoyproxy/go-control-plane/pkg/test/resource/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// wanted says what the next snapshot has.
type wanted struct {
	Version      string
	UpstreamPort uint32
	// BasePort is the port of the first socket listener.
	BasePort      uint32
	HTTPListeners int
	TCPListeners  int
	// Xds is how resources refer to each other: ads, delta-ads, xds or delta.
	Xds string
	TLS bool
	// APIListeners are the names of listeners as gRPC clients dial them.
	APIListeners []string
}

// stateOfTheWorld is a server that does not know incremental xDS.
type stateOfTheWorld struct{ server.Server }

func (stateOfTheWorld) DeltaAggregatedResources(discovery.AggregatedDiscoveryService_DeltaAggregatedResourcesServer) error {
	return status.Error(codes.Unimplemented, "not this variant")
}

// oneNode serves every client the same.
type oneNode struct{}

func (oneNode) ID(*core.Node) string { return "any" }

func main() {
	snapshots := cache.NewSnapshotCache(true, oneNode{}, nil)
	xds := server.NewServer(context.Background(), snapshots, callbacks())
	grpcServer := grpc.NewServer()
	if len(os.Args) > 1 && os.Args[1] == "-sotw" {
		xds = stateOfTheWorld{xds}
	}
	discovery.RegisterAggregatedDiscoveryServiceServer(grpcServer, xds)
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	go func() { fail(grpcServer.Serve(socket)) }()
	say("listening", socket.Addr().String())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var want wanted
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			fail(err)
		}
		if err := snapshots.SetSnapshot(context.Background(), "any", snapshotOf(want)); err != nil {
			fail(err)
		}
		say("serving", want.Version)
	}
}

func snapshotOf(want wanted) *cache.Snapshot {
	test := testresource.TestSnapshot{
		Xds:              want.Xds,
		Version:          want.Version,
		UpstreamPort:     want.UpstreamPort,
		BasePort:         want.BasePort,
		NumClusters:      2,
		NumHTTPListeners: want.HTTPListeners,
		NumTCPListeners:  want.TCPListeners,
		NumRuntimes:      1,
		NumExtension:     1,
		TLS:              want.TLS,
	}
	snapshot := test.Generate()
	// It looks for routes in socket listeners alone, so the others are added after it.
	if err := snapshot.Consistent(); err != nil {
		fail(err)
	}
	cluster := fmt.Sprintf("cluster-%s-0", want.Version)
	for _, name := range want.APIListeners {
		route := testresource.MakeRouteConfig("route-of-"+name, cluster)
		add(snapshot, types.Route, route.Name, route)
		add(snapshot, types.Listener, name, apiListener(want.Xds, name, route.Name))
	}
	return snapshot
}

// apiListener moves the connection manager of a test listener to where gRPC looks for it.
func apiListener(mode, name, route string) *listener.Listener {
	made := testresource.MakeRouteHTTPListener(mode, name, 1, route)
	manager := made.FilterChains[0].Filters[0].GetTypedConfig()
	return &listener.Listener{Name: name, ApiListener: &listener.ApiListener{ApiListener: manager}}
}

func add(snapshot *cache.Snapshot, kind types.ResponseType, name string, message proto.Message) {
	snapshot.Resources[kind].Items[name] = types.ResourceWithTTL{Resource: message.(types.Resource)}
}

// callbacks tell of every answer to a response: an acknowledgement, or a refusal with its reason.
func callbacks() server.Callbacks {
	answered := func(typeURL, nonce, refusal string) {
		if refusal != "" {
			say("nack", typeURL+" "+refusal)
		} else if nonce != "" {
			say("ack", typeURL)
		}
	}
	return server.CallbackFuncs{
		StreamRequestFunc: func(_ int64, request *discovery.DiscoveryRequest) error {
			say("sotw", request.TypeUrl)
			answered(request.TypeUrl, request.ResponseNonce, request.GetErrorDetail().GetMessage())
			return nil
		},
		StreamDeltaRequestFunc: func(_ int64, request *discovery.DeltaDiscoveryRequest) error {
			say("delta", request.TypeUrl)
			answered(request.TypeUrl, request.ResponseNonce, request.GetErrorDetail().GetMessage())
			return nil
		},
	}
}

func say(event, detail string) {
	line, err := json.Marshal(map[string]string{"event": event, "detail": detail})
	if err != nil {
		fail(err)
	}
	os.Stdout.Write(append(line, '\n'))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
