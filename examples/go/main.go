// Create a node, watch it, and take turns under a lock: in Go, on the classes that protoc makes of proto/.
//
//	main ADDRESS
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"sort"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	ck "chronokeeper/v1"
)

// A program's place in a lock: an ephemeral node, which goes with its session.
type place struct {
	session *session
	path    string
	// Greater than that of whoever held the lock before: what is protected refuses smaller ones.
	token uint64
}

// What calls are made in to be those of a session.
type session struct {
	context context.Context
	close   func()
}

var (
	nodes    ck.ZnodeServiceClient
	sessions ck.SessionServiceClient
	watches  ck.WatchServiceClient
)

func main() {
	connection, err := grpc.Dial(os.Args[1], grpc.WithInsecure())
	check(err)
	defer connection.Close()
	nodes, sessions, watches = ck.NewZnodeServiceClient(connection), ck.NewSessionServiceClient(connection), ck.NewWatchServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	_, err = nodes.Create(ctx, &ck.CreateRequest{Path: "/go", Data: []byte("hello")})
	check(err)
	got, err := nodes.Get(ctx, &ck.GetRequest{Path: "/go"})
	check(err)
	fmt.Printf("created /go: %s\n", got.Data)

	events, err := watches.Watch(ctx, &ck.WatchRequest{
		Targets:  []*ck.WatchRequest_Target{{Path: "/go", Kind: ck.WatchKind_WATCH_KIND_PERSISTENT}},
		WithData: true,
	})
	check(err)
	// The first message says that the watch is set.
	_, err = events.Recv()
	check(err)
	_, err = nodes.Set(ctx, &ck.SetRequest{Path: "/go", Data: []byte("world")})
	check(err)
	changed, err := events.Recv()
	check(err)
	fmt.Printf("changed %s: %s\n", changed.Events[0].Path, changed.Events[0].Data)

	_, err = nodes.Create(ctx, &ck.CreateRequest{Path: "/go/lock", Mode: ck.CreateMode_CREATE_MODE_CONTAINER})
	check(err)
	first := acquire(ctx, "/go/lock")
	fmt.Println("first has the lock")
	second := make(chan *place)
	go func() { second <- acquire(ctx, "/go/lock") }()
	fmt.Println("first releases it")
	release(first)
	next := <-second
	fmt.Printf("second has the lock, with a greater token: %t\n", next.token > first.token)
	release(next)
}

// Stands in the line and waits for the one in front of it, and for nobody else.
func acquire(ctx context.Context, lock string) *place {
	own := open(ctx)
	created, err := nodes.Create(own.context, &ck.CreateRequest{Path: lock + "/lock-", Mode: ck.CreateMode_CREATE_MODE_EPHEMERAL_SEQUENTIAL})
	check(err)
	mine := &place{own, created.Path, created.Stat.Czxid}
	for {
		// A replica may be behind, but never behind what this session has written.
		line, err := nodes.ListChildren(own.context, &ck.ListChildrenRequest{Path: lock})
		check(err)
		sort.Strings(line.Children)
		at := sort.SearchStrings(line.Children, mine.path[len(lock)+1:])
		if at == 0 {
			return mine
		}
		waitUntilGone(ctx, lock+"/"+line.Children[at-1], line.Zxid)
	}
}

func release(held *place) {
	_, err := nodes.Delete(held.session.context, &ck.DeleteRequest{Path: held.path})
	check(err)
	held.session.close()
}

// Since the zxid: a node that went before the watch was set is told of, too.
func waitUntilGone(ctx context.Context, path string, since uint64) {
	stream, err := watches.Watch(ctx, &ck.WatchRequest{
		Targets:   []*ck.WatchRequest_Target{{Path: path, Kind: ck.WatchKind_WATCH_KIND_DATA}},
		AfterZxid: &since,
	})
	check(err)
	for {
		message, err := stream.Recv()
		check(err)
		for _, event := range message.Events {
			if event.Path == path {
				return
			}
		}
	}
}

// A session that is kept alive until it is closed.
func open(ctx context.Context) *session {
	opened, err := sessions.OpenSession(ctx, &ck.OpenSessionRequest{TimeoutMs: 10_000})
	check(err)
	inside := metadata.AppendToOutgoingContext(ctx,
		"ck-session-id", strconv.FormatUint(opened.SessionId, 10),
		"ck-session-password-bin", string(opened.Password))
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(opened.TimeoutMs/3) * time.Millisecond):
				if _, err := sessions.KeepAlive(inside, &ck.KeepAliveRequest{}); err != nil {
					// Who holds a lock stops here: the session may be over.
					log.Fatal(err)
				}
			}
		}
	}()
	return &session{inside, func() {
		close(done)
		_, err := sessions.CloseSession(inside, &ck.CloseSessionRequest{})
		check(err)
	}}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
