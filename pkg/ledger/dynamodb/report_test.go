package dynamodb

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
)

// meter adds up what queries and batches read.
type meter struct {
	API
	scanned, fetched int // entries of the index, items by their keys
	units            float64
}

// DynamoDB counts a read by its size: half a unit for 4 KB of what need not be
// the latest, as an index never is, one for what must be. An entry of the index
// has less than 200 bytes, a record here less than 4 KB.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const entrySize = 200

func (m *meter) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := m.API.Query(ctx, in, opts...)
	if err == nil && in.IndexName != nil {
		m.scanned += int(out.ScannedCount)
		m.units += 0.5 * float64((int(out.ScannedCount)*entrySize+4095)/4096)
	}
	return out, err
}

func (m *meter) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	out, err := m.API.BatchGetItem(ctx, in, opts...)
	for _, items := range in.RequestItems {
		m.fetched += len(items.Keys)
		m.units += float64(len(items.Keys))
	}
	return out, err
}

// TestReportReadsItsWindow shows that a report of a short time reads that time's
// records, and of those before it only the index and what may be open.
func TestReportReadsItsWindow(t *testing.T) {
	t.Parallel()
	client, table := tables(t)(t)
	l := New(client, table)
	until := reporttest.Until()
	const window, older = 20, 60
	made := reporttest.Make{Every: time.Hour, Outcome: func(i int) remedy.Outcome {
		if i == window+3 {
			return remedy.Observed
		}
		return remedy.Reverted
	}}
	for _, r := range made.Records(window + older) {
		if err := l.SaveRecord(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	m := &meter{API: client}
	r, err := report.Collect(t.Context(), New(m, table), report.Options{Since: until.Add(-(window + 1) * time.Hour).Add(time.Minute), Until: until})
	if err != nil {
		t.Fatal(err)
	}
	if r.Records != window || r.Open.Observed != 1 {
		t.Fatalf("%d records, %d observed; want %d and 1", r.Records, r.Open.Observed, window)
	}
	const outcomes = 6 // that may be open
	got := fmt.Sprintf("%d entries of the index and %d items", m.scanned, m.fetched)
	// Each record of the window once; the one that is open once, and what is known of its resource (3 items).
	if want := fmt.Sprintf("%d entries of the index and %d items", window+outcomes*older, window+1+3); got != want {
		t.Errorf("it reads %s, want %s", got, want)
	}
	t.Logf("%s: about %.1f read units", got, m.units)
}
