#!/bin/sh
# Builds the example: build.sh PROTO FOLDER. PROTO is the folder proto/ of this project; the program is FOLDER/example.
# On Debian: apt-get install golang-go golang-google-grpc-dev golang-google-protobuf-dev golang-github-golang-protobuf-1-5-dev protoc-gen-go-1-5 protoc-gen-go-grpc protobuf-compiler libprotobuf-dev
# Elsewhere: a go.mod with google.golang.org/grpc and google.golang.org/protobuf, and the same two calls of protoc.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
proto=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
mkdir -p "$folder/src"
options=
for name in common znode watch session; do options="$options --go_opt=Mchronokeeper/v1/$name.proto=chronokeeper/v1 --go-grpc_opt=Mchronokeeper/v1/$name.proto=chronokeeper/v1"; done
# shellcheck disable=SC2086
protoc -I"$proto" --go_out="$folder/src" --go-grpc_out="$folder/src" $options \
	chronokeeper/v1/common.proto chronokeeper/v1/znode.proto chronokeeper/v1/watch.proto chronokeeper/v1/session.proto
# Debian's packages are a GOPATH.
cd "$here"
GO111MODULE=off GOFLAGS=-p=2 GOCACHE="$folder/cache" GOPATH="$folder:/usr/share/gocode" go build -o "$folder/example" main.go
