package ec2route

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/ec2-route"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	table := []Target{{"rtb-0a1b2c3d4e5f60718", "111122223333", "us-east-1"}}
	want := map[string][]Target{
		"create-to-internet.json":    table,
		"create-v6-to-internet.json": table,
		"create-for-list.json":       table,
		"replace-old.json":           table,
		"create-denied.json":         nil, // a failed call
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(want) {
		t.Errorf("%d samples, %d are expected", len(files), len(want))
	}
	for _, path := range files {
		file := filepath.Base(path)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			ev := sample(t, file)
			if !Function.Handles(ev) {
				t.Errorf("no trigger matches %s %s", ev.Source, ev.Name)
			}
			got, err := decode(ev)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[file], got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, account, detail, wantErr string }{
		{"null parameters", "111122223333", `{"requestParameters":null}`, "requestParameters.routeTableId is missing"},
		{"no table", "111122223333", `{"requestParameters":{"gatewayId":"igw-1"}}`, "requestParameters.routeTableId is missing"},
		{"not an id", "111122223333", `{"requestParameters":{"routeTableId":"rtbassoc-1"}}`, "does not start with rtb-"},
		{"wrong type", "111122223333", `{"requestParameters":{"routeTableId":["rtb-1"]}}`, "decode CloudTrail record of CreateRoute"},
		{"truncated", "111122223333", `{"requestParameters":{"routeTableId":"rt`, "unexpected end"},
		{"no account", "", `{"requestParameters":{"routeTableId":"rtb-1"}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.ec2", Name: "CreateRoute", Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail),
			})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{
		Type: "AWS::EC2::RouteTable", ID: "arn:aws-us-gov:ec2:us-gov-west-1:111122223333:route-table/rtb-1",
		Account: "111122223333", Region: "us-gov-west-1",
	}
	if got := (Target{"rtb-1", "111122223333", "us-gov-west-1"}).Ref(); got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		f.Add([]byte(sample(f, filepath.Base(path)).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := decode(remedy.Event{Name: "CreateRoute", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if !strings.HasPrefix(target.Table, "rtb-") {
				t.Errorf("target %+v is no route table", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "create-to-internet.json")
	s := State{
		Routes:  []Route{{"0.0.0.0/0", "igw-1"}, {"10.1.0.0/16", "pcx-1"}, {"::/0", "eigw-1"}},
		Subnets: []Subnet{{"subnet-1", map[string]string{"Name": "a"}}, {"subnet-2", map[string]string{"Name": "b", "Network": "Private"}}},
	}
	p := Defaults()
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], s, p)); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
