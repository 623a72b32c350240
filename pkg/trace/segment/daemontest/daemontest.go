// Package daemontest gives tests a socket that takes datagrams as the X-Ray daemon
// does.
package daemontest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"
)

const (
	// wait bounds how long a test waits for what was sent to it.
	wait = 20 * time.Second
	// bufferSize is the daemon's own, in bytes.
	// https://github.com/aws/aws-xray-daemon/blob/master/pkg/cfg/cfg.go
	bufferSize = 64 << 10
	// queue is how much may have come and not been received, in bytes; a system
	// may allow less.
	queue = 1 << 20
)

// Daemon is a listening socket. It ends with the test that started it.
type Daemon struct {
	conn *net.UDPConn
}

// Start listens on a free loopback port.
func Start(t testing.TB) *Daemon {
	t.Helper()
	return StartAt(t, "127.0.0.1:0")
}

// StartAt listens on address, "host:port".
func StartAt(t testing.TB, address string) *Daemon {
	t.Helper()
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	d := &Daemon{conn: conn.(*net.UDPConn)}
	if err := d.conn.SetReadBuffer(queue); err != nil {
		t.Fatal(err)
	}
	return d
}

// Address is where the daemon listens, as "host:port".
func (d *Daemon) Address() string { return d.conn.LocalAddr().String() }

// Receive gives what the next n datagrams carry, without their headers. It fails
// the test when they don't come, or when the daemon would refuse one: it takes a
// header of format json and version 1, a line break and something after it.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon
func (d *Daemon) Receive(t testing.TB, n int) [][]byte {
	t.Helper()
	if err := d.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		t.Fatal(err)
	}
	var bodies [][]byte
	for len(bodies) < n {
		buf := make([]byte, bufferSize)
		size, err := d.conn.Read(buf)
		if err != nil {
			t.Fatalf("datagram %d of %d: %v", len(bodies)+1, n, err)
		}
		body, err := split(buf[:size])
		if err != nil {
			t.Fatalf("datagram %d of %d: %v: %s", len(bodies)+1, n, err, buf[:size])
		}
		bodies = append(bodies, body)
	}
	return bodies
}

// split gives what a datagram carries.
func split(datagram []byte) ([]byte, error) {
	line, body, _ := bytes.Cut(datagram, []byte("\n"))
	var header struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(line, &header); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if header.Format != "json" || header.Version != 1 {
		return nil, fmt.Errorf("header of format %q and version %d", header.Format, header.Version)
	}
	if len(body) == 0 {
		return nil, fmt.Errorf("nothing after the header")
	}
	return body, nil
}
