package logs_test

import "log/slog"

// decision gives attributes as the engine's decision line has them.
func decision() []slog.Attr {
	return []slog.Attr{
		slog.String("function", "s3-bucket-policy"),
		slog.String("outcome", "reverted"),
		slog.String("reason", `Statement "Public" lets everybody read. Put back with 1 call, to the compliant state last seen at 2026-03-01T09:00:00Z.`),
		slog.String("record", "5b4d1e6f7a8b9c0d1e2f"),
		slog.String("event_id", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"),
		slog.String("event_source", "aws.s3"),
		slog.String("event_name", "PutBucketPolicy"),
		slog.String("account", "111122223333"),
		slog.String("region", "eu-west-1"),
		slog.String("actor", "arn:aws:sts::111122223333:assumed-role/Developers/jane"),
		slog.String("resource", "arn:aws:s3:::acme-invoices"),
		slog.String("resource_type", "AWS::S3::Bucket"),
		slog.String("mode", "enforce"),
		slog.String("severity", "high"),
		slog.String("rules", "public-statement"),
		slog.Int("calls", 1),
		slog.Int("attempt", 1),
		slog.Int64("bad_for_ms", 1830),
		slog.Int64("delivery_ms", 1510),
		slog.Int64("decide_ms", 120),
		slog.Int64("fix_ms", 200),
		slog.Int64("verify_ms", 95),
		slog.String("trace_id", "69a7b2bf5e3c1d0f8a9b7c6d5e4f3a2b"),
	}
}
