package segment

import (
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// LambdaInvocation is the attribute (a bool) by which a host says that a span's
// parent is the segment that Lambda itself writes for the invocation. It is not
// sent.
const LambdaInvocation = "ebb.lambda.invocation"

// where is the place of an attribute in a document.
type where int

const (
	metadata   where = iota // as it is
	annotation              // indexed
	httpBlock               // a field of the http block, where there is one
	awsBlock                // a field of the aws block, where there is one
	withheld                // nowhere: a marker, a secret, a person's data or a query
)

// place gives an attribute's place. The names that are not Ebb's own are those of
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/
func place(key string) where {
	switch key {
	case "ebb.function", "ebb.outcome", "ebb.resource", "ebb.account":
		return annotation
	case "http.request.method", "http.response.status_code", "http.response.body.size", "user_agent.original", "url.full":
		return httpBlock
	case "rpc.system", "rpc.system.name", "rpc.service", "rpc.method", "cloud.region", "cloud.account.id", "aws.request_id", "aws.attempts",
		"aws.dynamodb.table_names", "aws.sqs.queue.url", "aws.s3.bucket":
		return awsBlock
	case LambdaInvocation, "url.path", "url.query", "url.fragment", "http.target", "client.address",
		"network.peer.address", "db.query.text", "db.statement":
		return withheld
	}
	if strings.HasPrefix(key, "http.request.header.") || strings.HasPrefix(key, "http.response.header.") {
		return withheld
	}
	return metadata
}

// public gives an attribute's value as it may be sent: a URL without what may be
// secret in it.
func public(kv attribute.KeyValue) attribute.Value {
	switch kv.Key {
	case "url.full", "http.url":
		return attribute.StringValue(publicURL(kv.Value.AsString()))
	}
	return kv.Value
}

// publicURL gives a URL without credentials, query and fragment; "" for what is
// no absolute URL.
func publicURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

// facts are what a document has fields of its own for.
type facts struct {
	lambda      bool
	annotations int

	http                         bool // whether there is an http block
	method, url, userAgent       string
	scheme, host, template, path string
	port, status, length         int64
	hasLength                    bool
	aws                          bool // whether there is an aws block
	service, operation           string
	region, account, requestID   string
	tables                       []string
	queueURL, bucket             string
	attempts, throttles          int64
	errorType                    string
	kind                         trace.SpanKind
	remoteParent, hasParent      bool
}

// read collects a span's facts.
func read(s sdk.ReadOnlySpan, attrs []attribute.KeyValue) facts {
	parent := s.Parent()
	f := facts{kind: s.SpanKind(), remoteParent: parent.IsRemote(), hasParent: parent.SpanID().IsValid()}
	var rpcMethod string
	for _, kv := range attrs {
		v := kv.Value
		switch kv.Key {
		case LambdaInvocation:
			f.lambda = v.AsBool()
		case "ebb.function", "ebb.outcome", "ebb.resource", "ebb.account":
			if indexable(v) {
				f.annotations++
			}
		case "http.request.method":
			f.method = v.AsString()
		case "http.response.status_code":
			f.status = v.AsInt64()
		case "http.response.body.size":
			f.length, f.hasLength = v.AsInt64(), v.Type() == attribute.INT64
		case "user_agent.original":
			f.userAgent = v.AsString()
		case "url.full":
			f.url = publicURL(v.AsString())
		case "url.scheme":
			f.scheme = v.AsString()
		case "server.address":
			f.host = v.AsString()
		case "server.port":
			f.port = v.AsInt64()
		case "url.template", "http.route":
			f.template = v.AsString()
		case "url.path":
			f.path = v.AsString()
		case "rpc.system", "rpc.system.name":
			f.aws = v.AsString() == "aws-api"
		case "rpc.service":
			f.service = v.AsString()
		case "rpc.method":
			rpcMethod = v.AsString()
		case "cloud.region":
			f.region = v.AsString()
		case "cloud.account.id":
			f.account = v.AsString()
		case "aws.request_id":
			f.requestID = v.AsString()
		case "aws.attempts":
			f.attempts = v.AsInt64()
		case "aws.throttles":
			f.throttles = v.AsInt64()
		case "aws.dynamodb.table_names":
			f.tables = v.AsStringSlice()
		case "aws.sqs.queue.url":
			f.queueURL = publicURL(v.AsString())
		case "aws.s3.bucket":
			f.bucket = v.AsString()
		case "error.type":
			f.errorType = v.AsString()
		}
	}
	f.operation = rpcMethod
	if service, op, ok := strings.Cut(rpcMethod, "/"); ok { // as the newer conventions have it
		f.operation = op
		if f.service == "" {
			f.service = service
		}
	}
	// A segment's blocks are about what it served, not about what it called.
	called := f.segment() && f.calls()
	f.aws = f.aws && f.calls() && !called
	f.http = !called && (f.method != "" || f.status != 0 || f.url != "")
	return f
}

// calls reports whether the span is a call to something else.
func (f *facts) calls() bool {
	return f.kind == trace.SpanKindClient || f.kind == trace.SpanKindProducer
}

// local reports whether the span is the first of its trace in this process.
func (f *facts) local() bool { return !f.hasParent || f.remoteParent }

// segment reports whether the span is a segment of its own: it is where a trace
// begins or comes in, and Lambda has not written the segment already.
func (f *facts) segment() bool {
	return !f.hasParent || f.remoteParent && !f.lambda
}

// fullURL gives the URL of the http block: without query and credentials, and
// with the template for the path where there is one.
func (f *facts) fullURL() string {
	if f.url != "" || f.host == "" {
		return f.url
	}
	scheme, port, path := f.scheme, "", f.template
	if scheme == "" {
		scheme = "https"
	}
	if f.port != 0 {
		port = ":" + strconv.FormatInt(f.port, 10)
	}
	if path == "" {
		path = f.path
	}
	if i := strings.IndexByte(path, ' '); i >= 0 { // a route of net/http: "GET /repos/{owner}"
		path = path[i+1:]
	}
	path, _, _ = strings.Cut(path, "?")
	path, _, _ = strings.Cut(path, "#")
	return scheme + "://" + f.host + port + path
}

// indexable reports whether X-Ray indexes the value: one string, number or bool.
func indexable(v attribute.Value) bool {
	switch v.Type() {
	case attribute.STRING, attribute.BOOL, attribute.INT64, attribute.FLOAT64:
		return true
	}
	return false
}
