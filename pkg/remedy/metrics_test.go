package remedy

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// measured gives what was measured since a reader was made: counts and sums by
// name and attributes.
func measured(t *testing.T, r *sdk.ManualReader) map[string]float64 {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := r.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, scope := range rm.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					out[m.Name+" "+p.Attributes.Encoded(attribute.DefaultEncoder())] = float64(p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					out[m.Name] = p.Sum
				}
			}
		}
	}
	return out
}

func testMeters() (*meters, *sdk.ManualReader) {
	r := sdk.NewManualReader()
	return newMeters(sdk.NewMeterProvider(sdk.WithReader(r)).Meter("test")), r
}

func TestMeters_measure_a_record(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Date(2026, 11, 21, 9, 0, s, 0, time.UTC) }
	all := Times{Changed: at(0), Received: at(1), Began: at(3), Decided: at(6), Intent: at(7), Fixed: at(10), Verified: at(15), Recorded: at(16)}
	steps := map[string]float64{
		"ebb.remediation.delivery.duration": 1, "ebb.remediation.queue.duration": 2, "ebb.remediation.decide.duration": 3,
		"ebb.remediation.fix.duration": 4, "ebb.remediation.verify.duration": 5,
	}
	tests := map[string]struct {
		rec  Record
		err  error
		want map[string]float64 // without the steps
	}{
		"reverted": {
			Record{Outcome: Reverted, Resource: Ref{Account: "1"}}, nil,
			map[string]float64{"ebb.outcomes ebb.account=1,ebb.function=f,ebb.outcome=reverted": 1, "ebb.remediation.time_to_compliance": 15},
		},
		"reverted, and not recorded": {
			Record{Outcome: Reverted, Event: EventRef{Account: "2"}}, errors.New("the ledger is gone"),
			map[string]float64{"ebb.outcomes ebb.account=2,ebb.function=f,ebb.outcome=failed": 1},
		},
		"undone": {
			Record{Outcome: Undone}, nil,
			map[string]float64{"ebb.outcomes ebb.account=unknown,ebb.function=f,ebb.outcome=undone": 1},
		},
		"held": {
			Record{Outcome: Held, Cap: &CapReached{Kind: "fight"}}, nil,
			map[string]float64{"ebb.outcomes ebb.account=unknown,ebb.function=f,ebb.outcome=held": 1, "ebb.caps.reached ebb.cap=fight,ebb.function=f": 1},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, r := testMeters()
			tt.rec.Function, tt.rec.Times = "f", all
			m.tell(t.Context(), tt.rec, tt.err)
			for step, seconds := range steps {
				tt.want[step] = seconds
			}
			if diff := cmp.Diff(tt.want, measured(t, r)); diff != "" {
				t.Errorf("measured (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("what did not happen takes no time", func(t *testing.T) {
		t.Parallel()
		m, r := testMeters()
		// The source's clock is ahead.
		m.tell(t.Context(), Record{Function: "f", Outcome: Ignored, Times: Times{Changed: at(9), Received: at(1), Began: at(1)}}, nil)
		want := map[string]float64{
			"ebb.outcomes ebb.account=unknown,ebb.function=f,ebb.outcome=ignored": 1,
			"ebb.remediation.delivery.duration":                                   0, "ebb.remediation.queue.duration": 0,
		}
		if diff := cmp.Diff(want, measured(t, r)); diff != "" {
			t.Errorf("measured (-want +got):\n%s", diff)
		}
	})
}

func TestMeters_tell_few_things_apart(t *testing.T) {
	t.Parallel()
	m, r := testMeters()
	h := &Handler{Function: Function{Name: "f", Triggers: []Trigger{{Source: "aws.ec2"}}}}
	want := map[string]float64{
		"ebb.events.received ebb.event.source=aws.ec2,ebb.function=f":    1,
		"ebb.events.received ebb.event.source=other,ebb.function=f":      50,
		"ebb.outcomes ebb.account=other,ebb.function=f,ebb.outcome=gone": 50,
	}
	m.receive(t.Context(), h, Event{Source: "aws.ec2"})
	for i := range maxAccounts + 50 {
		id := fmt.Sprint("account", i)
		if i < 50 {
			m.receive(t.Context(), h, Event{Source: id})
		}
		if i < maxAccounts {
			want["ebb.outcomes ebb.account="+id+",ebb.function=f,ebb.outcome=gone"] = 2
		}
		m.tell(t.Context(), Record{Function: "f", Outcome: Gone, Resource: Ref{Account: id}}, nil)
	}
	for i := range maxAccounts { // those that are known stay so
		m.tell(t.Context(), Record{Function: "f", Outcome: Gone, Resource: Ref{Account: fmt.Sprint("account", i)}}, nil)
	}
	if diff := cmp.Diff(want, measured(t, r)); diff != "" {
		t.Errorf("measured (-want +got):\n%s", diff)
	}
}
