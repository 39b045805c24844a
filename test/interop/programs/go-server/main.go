// A gRPC server that takes its listener from an xDS server (gRFC A36). Writes its address, and then each change between
// SERVING and NOT_SERVING, as one line each.
package main

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/xds"
)

type service struct {
	grpc_testing.UnimplementedTestServiceServer
}

func (service) UnaryCall(context.Context, *grpc_testing.SimpleRequest) (*grpc_testing.SimpleResponse, error) {
	return &grpc_testing.SimpleResponse{Username: "grpc-go"}, nil
}

func main() {
	report := xds.ServingModeCallback(func(_ net.Addr, change xds.ServingModeChangeArgs) {
		fmt.Println(change.Mode, change.Err)
	})
	server, err := xds.NewGRPCServer(grpc.Creds(insecure.NewCredentials()), report)
	if err != nil {
		panic(err)
	}
	grpc_testing.RegisterTestServiceServer(server, service{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); err != nil {
		panic(err)
	}
}
