package logs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/logs"
)

// at is a moment with a zone and less than a millisecond, neither of which
// belongs into a line.
var at = time.Date(2026, 3, 4, 5, 6, 7, 80_900_000, time.FixedZone("", 3600))

func lambdaEnv(name string) string {
	return map[string]string{
		"AWS_LAMBDA_FUNCTION_NAME":        "ebb-S3BucketPolicy-5c0FFee",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
	}[name]
}

// invocation gives the context of an invocation with a trace.
func invocation(t testing.TB) context.Context {
	t.Helper()
	id, err := trace.TraceIDFromHex("69a7b2bf5e3c1d0f8a9b7c6d5e4f3a2b")
	if err != nil {
		t.Fatal(err)
	}
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{1}}))
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "52fdfc07-2182-154f-163f-5f0f9a621d72"})
}

// write gives what a logger writes of one record at the moment at.
func write(ctx context.Context, o logs.Options, l slog.Level, msg string, with func(*slog.Logger) *slog.Logger, attrs ...slog.Attr) string {
	var out bytes.Buffer
	log := logs.New(&out, o)
	out.Reset() // of what New itself says
	if with != nil {
		log = with(log)
	}
	r := slog.NewRecord(at, l, msg, 0)
	r.AddAttrs(attrs...)
	if log.Enabled(ctx, l) {
		if err := log.Handler().Handle(ctx, r); err != nil {
			return err.Error()
		}
	}
	return out.String()
}

func TestLine(t *testing.T) {
	t.Parallel()
	cold := func() bool { return true }
	for name, tc := range map[string]struct {
		ctx   context.Context
		opts  logs.Options
		level slog.Level
		with  func(*slog.Logger) *slog.Logger
		attrs []slog.Attr
		want  string
	}{
		"in an invocation": {
			ctx: invocation(t), opts: logs.Options{Getenv: lambdaEnv, ColdStart: cold},
			attrs: []slog.Attr{slog.String("outcome", "reverted"), slog.Int64("bad_for_ms", 1830)},
			want: `{"timestamp":"2026-03-04T04:06:07.080Z","level":"INFO","message":"handled","service":"ebb",` +
				`"function_name":"ebb-S3BucketPolicy-5c0FFee","function_memory_size":256,"cold_start":true,` +
				`"function_request_id":"52fdfc07-2182-154f-163f-5f0f9a621d72","xray_trace_id":"1-69a7b2bf-5e3c1d0f8a9b7c6d5e4f3a2b",` +
				`"outcome":"reverted","bad_for_ms":1830}`,
		},
		"before the first invocation": {
			opts: logs.Options{Getenv: lambdaEnv, ColdStart: cold}, level: slog.LevelError,
			want: `{"timestamp":"2026-03-04T04:06:07.080Z","level":"ERROR","message":"handled","service":"ebb",` +
				`"function_name":"ebb-S3BucketPolicy-5c0FFee","function_memory_size":256,"cold_start":true}`,
		},
		"after the first invocation": {
			opts: logs.Options{ColdStart: func() bool { return false }},
			want: `{"timestamp":"2026-03-04T04:06:07.080Z","level":"INFO","message":"handled","service":"ebb","cold_start":false}`,
		},
		"not on Lambda": {
			level: slog.LevelWarn,
			want:  `{"timestamp":"2026-03-04T04:06:07.080Z","level":"WARN","message":"handled","service":"ebb"}`,
		},
		"levels between have the lower name": {
			level: slog.LevelInfo + 1,
			want:  `{"timestamp":"2026-03-04T04:06:07.080Z","level":"INFO","message":"handled","service":"ebb"}`,
		},
		"what With opens holds only what the caller says": {
			ctx: invocation(t),
			with: func(l *slog.Logger) *slog.Logger {
				return l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").WithGroup("")
			},
			attrs: []slog.Attr{slog.Int("c", 3)},
			want: `{"timestamp":"2026-03-04T04:06:07.080Z","level":"INFO","message":"handled","service":"ebb","a":1,` +
				`"function_request_id":"52fdfc07-2182-154f-163f-5f0f9a621d72","xray_trace_id":"1-69a7b2bf-5e3c1d0f8a9b7c6d5e4f3a2b",` +
				`"g":{"b":2,"h":{"c":3}}}`,
		},
		"the logger's keys are its own": {
			with: func(l *slog.Logger) *slog.Logger { return l.With("service", "x", "time", "y") },
			attrs: []slog.Attr{
				slog.String("level", "x"), slog.Group("", slog.String("message", "x"), slog.Int("msg", 1)),
				slog.Group("g", slog.String("level", "free")),
			},
			want: `{"timestamp":"2026-03-04T04:06:07.080Z","level":"INFO","message":"handled","service":"ebb","attr_service":"x","attr_time":"y",` +
				`"attr_level":"x","attr_message":"x","attr_msg":1,"g":{"level":"free"}}`,
		},
		"line ends and bad bytes": {
			attrs: []slog.Attr{slog.String("a", "1\n2\u20283\x00\xff")},
			want:  `{"timestamp":"2026-03-04T04:06:07.080Z","level":"INFO","message":"handled","service":"ebb","a":"1\n2\u20283\u0000\ufffd"}`,
		},
		"values that only their own code can write": {
			attrs: []slog.Attr{
				slog.Any("error", errors.New("no <b>")), slog.Any("list", []string{"a", "b"}), slog.Any("none", nil),
				slog.Any("number", json.Number("12345678901234567890")), slog.Any("channel", make(chan int)), slog.Any("panic", (*time.Time)(nil)),
			},
			want: `{"timestamp":"2026-03-04T04:06:07.080Z","level":"INFO","message":"handled","service":"ebb",` +
				`"error":"no <b>","list":["a","b"],"none":null,"number":12345678901234567890,` +
				`"channel":"!ERROR: json: unsupported type: chan int","panic":null}`,
		},
		"a value whose code panics": {
			attrs: []slog.Attr{slog.Any("error", (*broken)(nil))},
			want: `{"timestamp":"2026-03-04T04:06:07.080Z","level":"INFO","message":"handled","service":"ebb",` +
				`"error":"!PANIC: *logs_test.broken: runtime error: invalid memory address or nil pointer dereference"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := tc.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			got := write(ctx, tc.opts, tc.level, "handled", tc.with, tc.attrs...)
			if diff := cmp.Diff(tc.want+"\n", got); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

type broken struct{ what string }

func (b *broken) Error() string { return b.what }

func TestHandlerConforms(t *testing.T) {
	t.Parallel()
	var out *bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out = &bytes.Buffer{}
		return logs.New(out, logs.Options{}).Handler()
	}, func(t *testing.T) map[string]any {
		line := decode(t, out.String())
		delete(line, "service")
		// The suite asks for slog's own names.
		for ours, slogs := range map[string]string{"timestamp": slog.TimeKey, "message": slog.MessageKey} {
			if v, ok := line[ours]; ok {
				line[slogs] = v
				delete(line, ours)
			}
		}
		return line
	})
}

func TestNoZeroTime(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := logs.New(&out, logs.Options{}).Handler().Handle(t.Context(), slog.NewRecord(time.Time{}, slog.LevelInfo, "m", 0)); err != nil {
		t.Fatal(err)
	}
	if want := `{"level":"INFO","message":"m","service":"ebb"}` + "\n"; out.String() != want {
		t.Errorf("got %s, want %s", out.String(), want)
	}
}

func TestLevel(t *testing.T) {
	t.Parallel()
	type env map[string]string
	for name, tc := range map[string]struct {
		env  env
		want slog.Level
		err  string // is in the error
	}{
		"none":                    {nil, slog.LevelInfo, ""},
		"ours first":              {env{"EBB_LOG_LEVEL": "error", "AWS_LAMBDA_LOG_LEVEL": "DEBUG", "POWERTOOLS_LOG_LEVEL": "DEBUG"}, slog.LevelError, ""},
		"then Lambda's":           {env{"AWS_LAMBDA_LOG_LEVEL": "WARN", "POWERTOOLS_LOG_LEVEL": "DEBUG"}, slog.LevelWarn, ""},
		"then Powertools'":        {env{"POWERTOOLS_LOG_LEVEL": "DEBUG"}, slog.LevelDebug, ""},
		"trace":                   {env{"EBB_LOG_LEVEL": "Trace"}, slog.LevelDebug - 4, ""},
		"debug":                   {env{"EBB_LOG_LEVEL": "dEbUg"}, slog.LevelDebug, ""},
		"info":                    {env{"EBB_LOG_LEVEL": " info "}, slog.LevelInfo, ""},
		"warn":                    {env{"EBB_LOG_LEVEL": "warn"}, slog.LevelWarn, ""},
		"warning":                 {env{"EBB_LOG_LEVEL": "WARNING"}, slog.LevelWarn, ""},
		"fatal":                   {env{"EBB_LOG_LEVEL": "FATAL"}, slog.LevelError + 4, ""},
		"critical":                {env{"EBB_LOG_LEVEL": "Critical"}, slog.LevelError + 4, ""},
		"blank is not set":        {env{"EBB_LOG_LEVEL": "  ", "POWERTOOLS_LOG_LEVEL": "ERROR"}, slog.LevelError, ""},
		"no level":                {env{"EBB_LOG_LEVEL": "loud", "POWERTOOLS_LOG_LEVEL": "ERROR"}, slog.LevelInfo, `EBB_LOG_LEVEL is "loud"`},
		"no level of Powertools'": {env{"POWERTOOLS_LOG_LEVEL": "10"}, slog.LevelInfo, `POWERTOOLS_LOG_LEVEL is "10"`},
		"below Lambda's":          {env{"EBB_LOG_LEVEL": "debug", "AWS_LAMBDA_LOG_LEVEL": "INFO"}, slog.LevelDebug, "Lambda drops what is below INFO"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			getenv := func(k string) string { return tc.env[k] }
			got, err := logs.Level(getenv)
			if got != tc.want || (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("Level() = %v, %v, want %v and an error with %q", got, err, tc.want, tc.err)
			}
			var out bytes.Buffer
			log := logs.New(&out, logs.Options{Getenv: getenv})
			if lines := strings.Count(out.String(), "\n"); (lines == 1) != (tc.err != "") || lines > 1 {
				t.Errorf("New wrote %q, want the error once", out.String())
			}
			if tc.err != "" && decode(t, out.String())["level"] != "WARN" {
				t.Errorf("New wrote %q, want a warning", out.String())
			}
			if log.Enabled(t.Context(), tc.want-1) || !log.Enabled(t.Context(), tc.want) {
				t.Errorf("the logger does not begin at %v", tc.want)
			}
		})
	}
}

// FuzzLine holds that whatever is logged, there is one line of JSON, and that it
// says who wrote it and how grave it is.
func FuzzLine(f *testing.F) {
	f.Add("handled", "outcome", "reverted", "g")
	f.Add("", "", "", "")
	f.Add("a\nb\r\u2028", "level", "\x00\xff\xed\xa0\x80", "message")
	f.Add(`"}`+"\n{", `"`, `{"a":"\`, "service")
	f.Add("m", "k", strings.Repeat("é", 20), "time")
	f.Add("-----BEGIN PRIVATE KEY-----", "token", "ghp_1234", "secret")
	f.Add("m", "k", strings.Repeat("aB3/", 10), "")
	f.Fuzz(func(t *testing.T, msg, key, value, group string) {
		const secret = "ghp_0123456789abcdefABCDEF0123456789abcd"
		var out bytes.Buffer
		log := logs.New(&out, logs.Options{ColdStart: func() bool { return true }})
		log.With(key, value).WithGroup(group).ErrorContext(invocation(t), msg,
			key, value, "error", errors.New(value), slog.Group(group, key, value), "any", map[string]string{key: value}, "leak", msg+" "+secret+" "+value)
		line := out.String()
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Fatalf("not one line: %q", line)
		}
		if strings.Contains(line, secret) {
			t.Fatalf("a secret is in the line: %q", line)
		}
		got := decode(t, line)
		want := map[string]any{
			"level": "ERROR", "service": "ebb", "cold_start": true,
			"function_request_id": "52fdfc07-2182-154f-163f-5f0f9a621d72", "xray_trace_id": "1-69a7b2bf-5e3c1d0f8a9b7c6d5e4f3a2b",
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s is %v, want %v: %s", k, got[k], v, line)
			}
		}
		if _, err := time.Parse(time.RFC3339, fmt.Sprint(got["timestamp"])); err != nil {
			t.Errorf("timestamp: %v", err)
		}
		if _, ok := got["message"].(string); !ok {
			t.Errorf("no message: %s", line)
		}
	})
}

func decode(t testing.TB, line string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(line), &out); err != nil {
		t.Fatalf("%v: %q", err, line)
	}
	return out
}
