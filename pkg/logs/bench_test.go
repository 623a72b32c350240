package logs_test

import (
	"io"
	"log/slog"
	"testing"

	"github.com/ebb-ops/ebb/pkg/logs"
)

// BenchmarkDecision is the line of a decision, as a function on Lambda writes
// it, against the same line by slog alone.
func BenchmarkDecision(b *testing.B) {
	ctx := invocation(b)
	for name, log := range map[string]*slog.Logger{
		"ebb":  logs.New(io.Discard, logs.Options{Getenv: lambdaEnv, ColdStart: func() bool { return true }}),
		"slog": slog.New(slog.NewJSONHandler(io.Discard, nil)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				log.LogAttrs(ctx, slog.LevelInfo, "handled", decision()...)
			}
		})
	}
}
