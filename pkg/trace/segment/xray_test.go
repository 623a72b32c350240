package segment_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/trace/segment"
	"github.com/ebb-ops/ebb/pkg/trace/segment/daemontest"
)

// TestATraceIsReadBackFromXRay does what the daemon does with datagrams: it puts
// them to X-Ray's API, of the emulator, and the trace is read back.
func TestATraceIsReadBackFromXRay(t *testing.T) {
	t.Parallel()
	daemon := daemontest.Start(t)
	e := newExporter(t, segment.Options{Address: daemon.Address()})
	spans := goldenSpans()
	if err := e.ExportSpans(t.Context(), spans); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	var docs []string
	for _, doc := range daemon.Receive(t, len(segment.Encode(spans, segment.Options{}))) {
		want[checkDocument(t, doc)["id"].(string)] = string(doc)
		docs = append(docs, string(doc))
	}
	api := xray.NewFromConfig(mototest.New(t).Config)
	put, err := api.PutTraceSegments(t.Context(), &xray.PutTraceSegmentsInput{TraceSegmentDocuments: docs})
	if err != nil {
		t.Fatal(err)
	}
	for _, refused := range put.UnprocessedTraceSegments {
		t.Errorf("%s was refused: %s %s", aws.ToString(refused.Id), aws.ToString(refused.ErrorCode), aws.ToString(refused.Message))
	}

	const id = "1-58406520-a006649127e371903a2de979"
	out, err := api.BatchGetTraces(t.Context(), &xray.BatchGetTracesInput{TraceIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Traces) != 1 || aws.ToString(out.Traces[0].Id) != id {
		t.Fatalf("traces = %+v, want the one", out.Traces)
	}
	got := map[string]string{}
	for _, s := range out.Traces[0].Segments {
		got[aws.ToString(s.Id)] = aws.ToString(s.Document)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents by id (-sent +read):\n%s", diff)
	}
}
