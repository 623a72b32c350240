package s3bucketlogging

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	off := []remedy.Violation{{Rule: ruleOff, Message: "Server access logging of bucket acme-invoices is off, so nobody can tell who read what."}}
	for name, c := range map[string]struct {
		state  State
		params Params
		want   []remedy.Violation
	}{
		"on":                                    {state: on},
		"on, to elsewhere than the policy says": {state: on, params: Params{TargetBucket: "other"}},
		"off":                                   {state: State{}, want: off},
		"may be off":                            {state: State{}, params: Params{AllowedBuckets: []string{"acme-*"}}},
		"another may":                           {state: State{}, params: Params{AllowedBuckets: []string{"acme"}}, want: off},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, check(invoices, c.state, c.params)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	swapped := State{Logging: &Logging{TargetBucket: "acme-logs", TargetPrefix: "invoices/", TargetGrants: []Grant{
		full.Logging.TargetGrants[2], full.Logging.TargetGrants[0], full.Logging.TargetGrants[1],
	}}}
	for name, c := range map[string]struct {
		from, to State
		want     string
	}{
		"off and off": {State{}, State{Tags: map[string]string{"a": "b"}}, `null`},
		"grants in an order, and the format that is S3's default": {full, swapped, `null`},
		"on":  {State{}, on, `[{"api":"s3:PutBucketLogging","params":{"Bucket":"acme-invoices","ExpectedBucketOwner":"111122223333","BucketLoggingStatus":{"LoggingEnabled":{"TargetBucket":"acme-logs","TargetPrefix":"invoices/"}}}}]`},
		"off": {on, State{}, `[{"api":"s3:PutBucketLogging","params":{"Bucket":"acme-invoices","ExpectedBucketOwner":"111122223333","BucketLoggingStatus":{}}}]`},
		"another format": {State{Logging: &Logging{TargetBucket: "acme-logs"}}, partitioned, `[{"api":"s3:PutBucketLogging","params":{"Bucket":"acme-invoices","ExpectedBucketOwner":"111122223333","BucketLoggingStatus":{"LoggingEnabled":` +
			`{"TargetBucket":"acme-logs","TargetPrefix":"","TargetObjectKeyFormat":{"PartitionedPrefix":{"PartitionDateSource":"EventTime"}}}}}}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls []remedy.Call
			for _, ch := range diff(invoices, c.from, c.to) {
				calls = append(calls, ch.Call())
			}
			got, err := json.Marshal(calls)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	states := rapid.SampledFrom([]State{{}, on, partitioned, full, {Logging: &Logging{TargetBucket: "x"}}})
	rapid.Check(t, func(t *rapid.T) {
		live, other := states.Draw(t, "live"), states.Draw(t, "other")
		params := Params{TargetBucket: rapid.SampledFrom([]string{"", "acme-all-logs"}).Draw(t, "target")}
		known := rapid.Bool().Draw(t, "known")
		image, err := json.Marshal(live)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(live, back); diff != "" {
			t.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}
		got := repair(invoices, live, remedy.Baseline[State]{State: other, Known: known}, params)
		left := check(invoices, got, params)
		if mendable := params.TargetBucket != "" || known && other.Logging != nil; mendable && len(left) > 0 {
			t.Fatalf("Check(Repair(s)) = %v", left)
		}
		if live.Logging != nil && len(diff(invoices, live, got)) > 0 {
			t.Fatalf("logging that is on was changed to %+v", got.Logging)
		}
		model := live
		for _, c := range diff(invoices, live, other) {
			model.Logging = c.Logging
		}
		if len(diff(invoices, model, other)) > 0 || len(diff(invoices, live, live)) > 0 {
			t.Fatalf("Diff leads from %+v to %+v, want %+v", live.Logging, model.Logging, other.Logging)
		}
	})
}
