// Package remedy is Ebb's domain: what a function is, what a record says, and
// the engine that takes an event to a verified, recorded revert.
//
// A function supplies six small pieces. Four are pure and make up its [Rule]:
// Decode, Check, Repair and Diff. Two touch the world and make up its
// [Resource]: Read and Apply. Ordering, dedupe, leases, caps, tracing,
// verification, records and undo are written once, in the [Engine].
//
// The package imports the standard library and the OpenTelemetry API only.
package remedy
