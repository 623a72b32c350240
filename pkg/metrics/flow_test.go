package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ebb-ops/ebb/functions/s3publicaccessblock"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/metrics"
	"github.com/ebb-ops/ebb/pkg/metrics/emf"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

var start = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// ticking carries requests to the emulator, and lets a second pass with each.
// The first write is throttled.
type ticking struct {
	mu        sync.Mutex
	at        time.Time
	throttled bool
}

func (c *ticking) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *ticking) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// RoundTrip implements [http.RoundTripper].
func (c *ticking) RoundTrip(r *http.Request) (*http.Response, error) {
	c.pass(time.Second)
	c.mu.Lock()
	throttle := r.Method == http.MethodPut && !c.throttled
	c.throttled = c.throttled || throttle
	c.mu.Unlock()
	if throttle {
		return &http.Response{
			StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Content-Type": {"application/xml"}}, Request: r,
			Body: io.NopCloser(strings.NewReader(`<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>`)),
		}, nil
	}
	return http.DefaultTransport.RoundTrip(r)
}

// enforcing allows one revert an hour.
type enforcing struct{}

func (enforcing) Decide(string, remedy.Ref) remedy.Decision {
	return remedy.Decision{Mode: remedy.Enforce, Params: s3publicaccessblock.Params{}, Blast: remedy.Cap{Limit: 1, Window: time.Hour}}
}

func (enforcing) Exempt(remedy.ExemptionQuery) *remedy.Exemption { return nil }

// flow takes four events through a function on the emulator, with what the
// hosts measure around it: one is put back, one is of a bucket that is good by
// then, one is held by the blast cap, and one can't be understood.
func flow(t *testing.T, p metric.MeterProvider) (account string) {
	t.Helper()
	otel.SetMeterProvider(p)
	t.Cleanup(func() { otel.SetMeterProvider(noop.NewMeterProvider()) })
	acct, clock := mototest.New(t), &ticking{at: start}
	buckets := s3.NewFromConfig(acct.Config, func(o *s3.Options) { o.UsePathStyle = true })
	one, two := "one-"+acct.ID, "two-"+acct.ID
	for _, name := range []string{one, two} {
		if _, err := buckets.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
			t.Fatal(err)
		}
		// A new bucket has a block.
		if _, err := buckets.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String(name)}); err != nil {
			t.Fatal(err)
		}
	}
	ledger, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	acct.Env.Transport = clock
	handler, err := remedy.Open(t.Context(), s3publicaccessblock.Function, acct.Env)
	if err != nil {
		t.Fatal(err)
	}
	engine := remedy.New(ledger, enforcing{}, remedy.Options{Now: clock.now})
	var outcomes []remedy.Outcome
	for _, ev := range []remedy.Event{
		event("e1", one, acct.ID), event("e2", one, acct.ID), event("e3", two, acct.ID),
		{Source: "unheard.of", Detail: json.RawMessage(`{}`)},
	} {
		if ev.ID != "" {
			ev.Time = clock.now()
			clock.pass(3 * time.Second)
		}
		ev.Received = clock.now()
		clock.pass(500 * time.Millisecond)
		recs, err := engine.Handle(t.Context(), handler, ev)
		if (err != nil) != (ev.ID == "") || len(recs) != 1 {
			t.Fatalf("event %q: %d records, %v", ev.ID, len(recs), err)
		}
		outcomes = append(outcomes, recs[0].Outcome)
	}
	if diff := cmp.Diff([]remedy.Outcome{remedy.Reverted, remedy.Compliant, remedy.Held, remedy.Failed}, outcomes); diff != "" {
		t.Fatalf("outcomes (-want +got):\n%s", diff)
	}
	host := metrics.NewHost(nil)
	host.DeadLetter(t.Context(), handler.Name)
	host.DeadLetter(t.Context(), "")
	host.ColdStart(t.Context())
	host.Notification(t.Context(), "ops", "sent")
	if _, err := host.ObserveOutbox(func(context.Context) (int64, error) { return 4, nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := metrics.ObserveInbox(nil, func(context.Context) (int64, time.Duration, error) { return 2, 90 * time.Second, nil }); err != nil {
		t.Fatal(err)
	}
	return acct.ID
}

// event is a call that deleted the bucket's block.
func event(id, bucket, account string) remedy.Event {
	detail := fmt.Sprintf(`{"eventName":"DeleteBucketPublicAccessBlock","eventSource":"s3.amazonaws.com","awsRegion":%q,`+
		`"recipientAccountId":%q,"requestParameters":{"bucketName":%q},"eventID":%q}`, mototest.Region, account, bucket, id)
	return remedy.Event{
		ID: id, Source: "aws.s3", Name: "DeleteBucketPublicAccessBlock", Account: account, Region: mototest.Region,
		Detail: json.RawMessage(detail),
	}
}

// The tests share the global provider, so they are not parallel.

func TestFlow_measured_by_the_SDK(t *testing.T) {
	reader := sdk.NewManualReader()
	account := flow(t, sdk.NewMeterProvider(sdk.WithReader(reader)))
	var got metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	const fn = "ebb.function=s3-public-access-block"
	want := map[string]string{
		"ebb.events.received{ebb.event.source=aws.s3," + fn + "}":                               "3",
		"ebb.events.received{ebb.event.source=other," + fn + "}":                                "1",
		"ebb.outcomes{ebb.account=" + account + "," + fn + ",ebb.outcome=reverted}":             "1",
		"ebb.outcomes{ebb.account=" + account + "," + fn + ",ebb.outcome=compliant}":            "1",
		"ebb.outcomes{ebb.account=" + account + "," + fn + ",ebb.outcome=held}":                 "1",
		"ebb.outcomes{ebb.account=unknown," + fn + ",ebb.outcome=failed}":                       "1",
		"ebb.remediation.time_to_compliance{" + fn + "}":                                        "1 times, 9.5 s",
		"ebb.remediation.delivery.duration{" + fn + "}":                                         "3 times, 9 s",
		"ebb.remediation.queue.duration{" + fn + "}":                                            "4 times, 2 s",
		"ebb.remediation.decide.duration{" + fn + "}":                                           "3 times, 6 s",
		"ebb.remediation.fix.duration{" + fn + "}":                                              "1 times, 2 s",
		"ebb.remediation.verify.duration{" + fn + "}":                                           "1 times, 2 s",
		"ebb.caps.reached{ebb.cap=blast," + fn + "}":                                            "1",
		"ebb.dead_letters{" + fn + "}":                                                          "1",
		"ebb.dead_letters{ebb.function=unknown}":                                                "1",
		"ebb.notifications{ebb.channel=ops,ebb.notification.result=sent}":                       "1",
		"ebb.outbox.pending{}":                                                                  "4",
		"ebb.inbox.pending{}":                                                                   "2",
		"ebb.inbox.oldest.age{}":                                                                "90",
		"ebb.remote.call.duration{ebb.remote.access=read,ebb.remote.service=S3}":                "2 times",
		"ebb.remote.call.duration{ebb.remote.access=read,ebb.remote.service=S3,error.type=404}": "6 times",
		"ebb.remote.call.duration{ebb.remote.access=write,ebb.remote.service=S3}":               "1 times",
		"ebb.remote.retries{ebb.remote.access=write,ebb.remote.service=S3}":                     "1",
		"ebb.remote.throttles{ebb.remote.access=write,ebb.remote.service=S3}":                   "1",
		"faas.coldstarts{}": "1",
	}
	series, instruments := flatten(t, got)
	if diff := cmp.Diff(want, series); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	// Whatever is measured is on the list, as it is there, and nothing else is.
	listed := slices.Clone(metrics.All)
	for i := range listed {
		listed[i].EMF = metrics.EMF{}
	}
	byName := cmpopts.SortSlices(func(a, b metrics.Instrument) bool { return a.Name < b.Name })
	byKey := cmpopts.SortSlices(func(a, b metrics.Attribute) bool { return a.Key < b.Key })
	onlyKeys := cmpopts.IgnoreFields(metrics.Attribute{}, "Dimension")
	if diff := cmp.Diff(listed, instruments, byName, byKey, onlyKeys, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("instruments (-listed +measured):\n%s", diff)
	}
}

// flatten gives each series with its values, and each instrument as it was made.
func flatten(t *testing.T, rm metricdata.ResourceMetrics) (map[string]string, []metrics.Instrument) {
	t.Helper()
	series := map[string]string{}
	var instruments []metrics.Instrument
	for _, scope := range rm.ScopeMetrics {
		for _, m := range scope.Metrics {
			i := metrics.Instrument{Name: m.Name, Unit: m.Unit, Description: m.Description}
			point := func(set attribute.Set, value string) {
				series[m.Name+"{"+set.Encoded(attribute.DefaultEncoder())+"}"] = value
				for _, kv := range set.ToSlice() {
					if a := (metrics.Attribute{Key: string(kv.Key)}); !slices.Contains(i.Attributes, a) {
						i.Attributes = append(i.Attributes, a)
					}
				}
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				i.Kind = metrics.Counter
				for _, p := range data.DataPoints {
					point(p.Attributes, fmt.Sprint(p.Value))
				}
			case metricdata.Gauge[int64]:
				i.Kind = metrics.Gauge
				for _, p := range data.DataPoints {
					point(p.Attributes, fmt.Sprint(p.Value))
				}
			case metricdata.Gauge[float64]:
				i.Kind = metrics.Gauge
				for _, p := range data.DataPoints {
					point(p.Attributes, fmt.Sprint(p.Value))
				}
			case metricdata.Histogram[float64]:
				i.Kind = metrics.Histogram
				for _, p := range data.DataPoints {
					i.Buckets = p.Bounds
					value := fmt.Sprintf("%d times, %v s", p.Count, p.Sum)
					if strings.HasPrefix(m.Name, "ebb.remote.") { // by the real clock
						value = fmt.Sprintf("%d times", p.Count)
					}
					point(p.Attributes, value)
				}
			default:
				t.Errorf("%s is a %T", m.Name, m.Data)
			}
			instruments = append(instruments, i)
		}
	}
	return series, instruments
}

func TestFlow_in_the_embedded_metric_format(t *testing.T) {
	var out bytes.Buffer
	p := emf.New(&out, "ebb", "s3-public-access-block", func() time.Time { return start })
	account := flow(t, p)
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	const fn = "function_name=s3-public-access-block"
	want := map[string]string{
		"EventsReceived{event_source=aws.s3," + fn + ",service=ebb} Count":                     "3",
		"EventsReceived{event_source=other," + fn + ",service=ebb} Count":                      "1",
		"EventsReceived{service=ebb} Count":                                                    "3 1",
		"Outcomes{outcome=reverted,service=ebb} Count":                                         "1",
		"Outcomes{outcome=compliant,service=ebb} Count":                                        "1",
		"Outcomes{outcome=held,service=ebb} Count":                                             "1",
		"Outcomes{outcome=failed,service=ebb} Count":                                           "1",
		"Outcomes{account=" + account + "," + fn + ",outcome=reverted,service=ebb} Count":      "1",
		"Outcomes{account=" + account + "," + fn + ",outcome=compliant,service=ebb} Count":     "1",
		"Outcomes{account=" + account + "," + fn + ",outcome=held,service=ebb} Count":          "1",
		"Outcomes{account=unknown," + fn + ",outcome=failed,service=ebb} Count":                "1",
		"CapsReached{service=ebb} Count":                                                       "1",
		"CapsReached{cap=blast," + fn + ",service=ebb} Count":                                  "1",
		"Notifications{notification_result=sent,service=ebb} Count":                            "1",
		"DeadLetters{service=ebb} Count":                                                       "1 1",
		"DeadLetters{" + fn + ",service=ebb} Count":                                            "1",
		"DeadLetters{function_name=unknown,service=ebb} Count":                                 "1",
		"RemoteCallTime{remote_service=S3,service=ebb} Seconds":                                "9 values",
		"RemoteCallTime{" + fn + ",remote_access=read,remote_service=S3,service=ebb} Seconds":  "8 values",
		"RemoteCallTime{" + fn + ",remote_access=write,remote_service=S3,service=ebb} Seconds": "1 values",
		"RemoteRetries{remote_service=S3,service=ebb} Count":                                   "1",
		"RemoteRetries{" + fn + ",remote_access=write,remote_service=S3,service=ebb} Count":    "1",
		"RemoteThrottles{remote_service=S3,service=ebb} Count":                                 "1",
		"RemoteThrottles{" + fn + ",remote_access=write,remote_service=S3,service=ebb} Count":  "1",
		"ColdStart{" + fn + ",service=ebb} Count":                                              "1",
	}
	for name, values := range map[string]string{
		"TimeToCompliance": "9.5", "DeliveryTime": "3 3 3", "QueueTime": "0.5 0.5 0.5 0.5", "DecideTime": "2 2 2", "FixTime": "2", "VerifyTime": "2",
	} {
		want[name+"{service=ebb} Seconds"] = values
		want[name+"{"+fn+",service=ebb} Seconds"] = values
	}
	if diff := cmp.Diff(want, expand(t, out.String())); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// expand gives what CloudWatch makes of the lines: the values of each metric,
// by name, dimensions and unit.
func expand(t *testing.T, lines string) map[string]string {
	t.Helper()
	values := map[string][]string{}
	for line := range strings.Lines(lines) {
		var meta struct {
			AWS struct {
				CloudWatchMetrics []struct {
					Dimensions [][]string
					Metrics    []struct{ Name, Unit string }
				}
			} `json:"_aws"`
		}
		var doc map[string]any
		if err := json.Unmarshal([]byte(line), &doc); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if err := json.Unmarshal([]byte(line), &meta); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		for _, d := range meta.AWS.CloudWatchMetrics {
			for _, set := range d.Dimensions {
				slices.Sort(set)
				var dims []string
				for _, name := range set {
					dims = append(dims, fmt.Sprint(name, "=", doc[name]))
				}
				for _, m := range d.Metrics {
					key := m.Name + "{" + strings.Join(dims, ",") + "} " + m.Unit
					values[key] = append(values[key], strings.Fields(strings.Trim(fmt.Sprint(doc[m.Name]), "[]"))...)
				}
			}
		}
	}
	out := map[string]string{}
	for key, v := range values {
		out[key] = strings.Join(v, " ")
		if strings.HasPrefix(key, "RemoteCallTime") { // by the real clock
			out[key] = fmt.Sprintf("%d values", len(v))
		}
	}
	return out
}
