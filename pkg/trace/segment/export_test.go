package segment

import (
	"bytes"
	"encoding/base64"
	"net"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// NewOn gives an exporter that writes to conn.
func NewOn(conn net.Conn, o Options) *Exporter { return newExporter(conn, o) }

// EncodeOTLP gives the spans' messages TracesData.
func EncodeOTLP(spans []sdk.ReadOnlySpan) [][]byte {
	var messages [][]byte
	var e encoder
	e.encodeOTLP(spans, func(datagram []byte) {
		message, err := base64.StdEncoding.AppendDecode(nil, bytes.TrimPrefix(datagram, []byte(header+sampledOTLP)))
		if err != nil {
			panic(err)
		}
		messages = append(messages, message)
	})
	return messages
}
