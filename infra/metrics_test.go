package infra_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// awsMetrics are AWS's own that alarms and the dashboard may use, by namespace.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
var awsMetrics = map[string][]string{
	"AWS/Lambda FunctionName": {"AsyncEventAge", "Duration", "Errors", "Throttles"},
	"AWS/SQS QueueName":       {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
	"AWS/DynamoDB TableName":  {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents"},
	"AWS/ApiGateway ApiId":    {"5xx"},
}

// TestMetricsAreReal holds what alarms and the dashboard look at to what there
// is: Ebb's metrics, in the dimensions in which docs/observability.md has them,
// and AWS's.
func TestMetricsAreReal(t *testing.T) {
	t.Parallel()
	real := ebbMetrics(t)
	for key, names := range awsMetrics {
		namespace, dimensions, _ := strings.Cut(key, " ")
		for _, name := range names {
			real[namespace+" "+name+" "+dimensions] = true
		}
	}
	used := map[string][]string{}
	for path, tmpl := range templates(t) {
		for _, r := range tmpl.Resources {
			switch r.Type {
			case "AWS::CloudWatch::Alarm":
				for _, m := range alarmed(r.Properties) {
					used[m] = append(used[m], path)
				}
			case "AWS::CloudWatch::Dashboard":
				for _, m := range drawn(t, r.Properties["DashboardBody"].(string)) {
					used[m] = append(used[m], path)
				}
			}
		}
	}
	if len(used) < 10 {
		t.Errorf("found %d metrics in the templates, want all of them", len(used))
	}
	for _, m := range slices.Sorted(maps.Keys(used)) {
		if !real[m] {
			t.Errorf("%s: there is no metric %s", used[m][0], m)
		}
	}
}

// ebbMetrics reads the table of metrics: namespace, name and sorted dimensions.
func ebbMetrics(t *testing.T) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile("../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(raw), "<!-- metrics -->")
	table, _, _ = strings.Cut(table, "<!-- /metrics -->")
	out := map[string]bool{}
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) < 7 {
			continue
		}
		name, _, _ := strings.Cut(strings.Trim(cells[4], " `"), "`")
		for set := range strings.SplitSeq(cells[5], ";") {
			out["Ebb "+name+" "+sortedWords(strings.Trim(set, " `"))] = true
		}
	}
	return out
}

// alarmed gives the metrics of an alarm.
func alarmed(alarm object) (out []string) {
	add := func(m object) {
		var names []string
		for _, d := range m["Dimensions"].(list) {
			names = append(names, d.(object)["Name"].(string))
		}
		out = append(out, m["Namespace"].(string)+" "+m["MetricName"].(string)+" "+sortedWords(strings.Join(names, ",")))
	}
	if alarm["MetricName"] != nil {
		add(alarm)
	}
	for _, m := range asList(alarm["Metrics"]) {
		if stat, ok := m.(object)["MetricStat"].(object); ok {
			add(stat["Metric"].(object))
		}
	}
	return out
}

// search is what a dashboard's search names: '{NAMESPACE,DIMENSIONS} … MetricName="NAME"'.
var search = regexp.MustCompile(`\{([^,}]+),([^}]+)\}.*MetricName="(\w+)"`)

// drawn gives the metrics of a dashboard.
func drawn(t *testing.T, body string) (out []string) {
	t.Helper()
	var dashboard struct {
		Widgets []struct {
			Properties struct {
				Metrics [][]any `json:"metrics"`
			} `json:"properties"`
		} `json:"widgets"`
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(body, "${!", "${")), &dashboard); err != nil {
		t.Fatalf("the dashboard's body: %v", err)
	}
	for _, w := range dashboard.Widgets {
		for _, m := range w.Properties.Metrics {
			if options, ok := m[0].(object); ok {
				found := search.FindStringSubmatch(options["expression"].(string))
				if found == nil {
					t.Errorf("an expression names no metric: %v", options)
					continue
				}
				out = append(out, found[1]+" "+found[3]+" "+sortedWords(found[2]))
				continue
			}
			out = append(out, m[0].(string)+" "+m[1].(string)+" "+m[2].(string))
		}
	}
	return out
}

// sortedWords sorts what commas separate.
func sortedWords(s string) string {
	words := strings.Split(strings.ReplaceAll(s, " ", ""), ",")
	slices.Sort(words)
	return strings.Join(words, ",")
}
