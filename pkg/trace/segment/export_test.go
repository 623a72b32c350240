package segment

import (
	"bytes"
	"net"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// NewOn gives an exporter that writes to conn.
func NewOn(conn net.Conn, o Options) *Exporter { return newExporter(conn, o) }

// EncodeOTLP gives the spans' messages TracesData.
func EncodeOTLP(spans []sdk.ReadOnlySpan) [][]byte {
	var messages [][]byte
	encodeOTLP(spans, func(b []byte) { messages = append(messages, bytes.Clone(b)) })
	return messages
}
