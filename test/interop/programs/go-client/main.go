// A gRPC caller that a test drives: one JSON request on each line of stdin, one JSON answer on each line of stdout.
// grpc-js-client.mjs speaks the same.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds"
)

type request struct {
	ID int `json:"id"`
	// Connects to these, calls none, and closes the channels that were there before.
	Dial      []string          `json:"dial"`
	Target    string            `json:"target"`
	Calls     int               `json:"calls"`
	Parallel  int               `json:"parallel"`
	TimeoutMs int               `json:"timeoutMs"`
	Metadata  map[string]string `json:"metadata"`
}

type answer struct {
	ID         int               `json:"id"`
	Servers    map[string]int    `json:"servers"`
	Statuses   map[string]int    `json:"statuses"`
	Messages   map[string]string `json:"messages"`
	ShortestMs float64           `json:"shortestMs"`
	LongestMs  float64           `json:"longestMs"`
}

type caller struct {
	mutex    sync.Mutex
	channels map[string]*grpc.ClientConn
}

// Kept by target, as a program keeps its channels.
func (c *caller) channel(target string) *grpc.ClientConn {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if channel, known := c.channels[target]; known {
		return channel
	}
	channel, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	c.channels[target] = channel
	return channel
}

func (c *caller) closeAll() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for target, channel := range c.channels {
		// It waits for names that are being resolved.
		go channel.Close()
		delete(c.channels, target)
	}
}

func (c *caller) serve(asked request) answer {
	if asked.Dial != nil {
		c.closeAll()
	}
	for _, target := range asked.Dial {
		c.channel(target).Connect()
	}
	result := answer{ID: asked.ID, Servers: map[string]int{}, Statuses: map[string]int{}, Messages: map[string]string{}}
	var mutex sync.Mutex
	var workers sync.WaitGroup
	turns := make(chan struct{}, asked.Calls)
	for range asked.Calls {
		turns <- struct{}{}
	}
	close(turns)
	for range asked.Parallel {
		workers.Go(func() {
			for range turns {
				server, err, took := c.call(asked)
				mutex.Lock()
				result.add(server, err, took)
				mutex.Unlock()
			}
		})
	}
	workers.Wait()
	return result
}

func (c *caller) call(asked request) (string, error, time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(asked.TimeoutMs)*time.Millisecond)
	defer cancel()
	client := grpc_testing.NewTestServiceClient(c.channel(asked.Target))
	started := time.Now()
	response, err := client.UnaryCall(
		metadata.NewOutgoingContext(ctx, metadata.New(asked.Metadata)),
		&grpc_testing.SimpleRequest{},
	)
	return response.GetUsername(), err, time.Since(started)
}

func (a *answer) add(server string, err error, took time.Duration) {
	name := codeNames[status.Code(err)]
	a.Statuses[name]++
	if err == nil {
		a.Servers[server]++
	} else {
		a.Messages[name] = status.Convert(err).Message()
	}
	ms := float64(took) / float64(time.Millisecond)
	if a.ShortestMs == 0 || ms < a.ShortestMs {
		a.ShortestMs = ms
	}
	a.LongestMs = max(a.LongestMs, ms)
}

func main() {
	c := &caller{channels: map[string]*grpc.ClientConn{}}
	var mutex sync.Mutex
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		go func() {
			result := c.serve(asked)
			mutex.Lock()
			defer mutex.Unlock()
			if err := out.Encode(result); err != nil {
				os.Exit(1)
			}
		}()
	}
}
