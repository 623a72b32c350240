// Package bus is the envelope in which events travel: EventBridge's own JSON,
// on AWS and in one local process alike.
//
// [Decode] turns one envelope into a [remedy.Event], [Split] takes a request
// body apart into envelopes, and [Encode] puts a SaaS product's event on the
// bus. Everything is checked before it is believed: size, depth, UTF-8, syntax
// and the type of each member that is read.
package bus
