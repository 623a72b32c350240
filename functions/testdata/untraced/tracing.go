// Package host, with this file in place of its own, traces nothing: what tracing
// weighs and costs is measured against it.
package host

import (
	"context"
	"log/slog"
)

type tracing struct{}

func startTracing(string, func(string) string, *slog.Logger, func() float64) tracing {
	return tracing{}
}

func (tracing) begin(context.Context) {}
func (tracing) end()                  {}

func lambdaCarrier(context.Context) map[string]string { return nil }
