// Answers every call of bench.Echo/Say with what it was sent, undecoded. usage: grpc_echo HOST:PORT
package main

import (
	"context"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
)

type undecoded struct{}

func (undecoded) Marshal(message any) ([]byte, error)    { return *message.(*[]byte), nil }
func (undecoded) Unmarshal(bytes []byte, into any) error { *into.(*[]byte) = bytes; return nil }
func (undecoded) Name() string                           { return "proto" }

func say(_ any, _ context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var note []byte
	err := read(&note)
	return &note, err
}

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(undecoded{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.Echo",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Say", Handler: say}},
	}, struct{}{})
	log.Fatal(server.Serve(listener))
}
