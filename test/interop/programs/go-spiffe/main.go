// go-spiffe as a peer: a Workload API of its generated stubs, and a server and a client of its mutual TLS.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: go-spiffe api SOCKET | server SOCKET PEER | client SOCKET PEER URL"))
	}
	mode, socket := os.Args[1], os.Args[2]
	switch mode {
	case "api":
		fail(serveAPI(socket, os.Stdin))
	case "server":
		fail(serveTLS(context.Background(), socket, os.Args[3]))
	case "client":
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		tell(call(ctx, socket, os.Args[3], os.Args[4]))
	}
}

func tell(event any) {
	if err := json.NewEncoder(os.Stdout).Encode(event); err != nil {
		os.Exit(1)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
