package rdspublicaccess

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/rds-public-access"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	instance := func(name string) Target { return Target{name, "111122223333", "us-east-1"} }
	want := map[string][]Target{
		"create.json":                {{"onenessdb", "101010101111", "us-east-1"}}, // RDS may choose to make it public
		"create-public.json":         {{"onenessdb", "101010101111", "us-east-1"}},
		"make-public.json":           {instance("orders")},
		"modify-password.json":       {{"database-instance", "111111111111", "us-east-1"}},
		"read-replica.json":          {instance("orders-replica")},
		"rename-public.json":         {instance("orders"), instance("orders-2")},
		"restore-point-in-time.json": {instance("orders-restored")},
		"restore-s3.json":            {instance("orders-imported")},
		"restore-snapshot.json":      {instance("orders-restored")},
		"modify-denied.json":         nil, // a failed call
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		t.Fatal(err)
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
			wanted, ok := want[file]
			if !ok {
				t.Fatal("the sample is not in the test's table")
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

// event is a call that made or modified an instance.
func event(account, detail string) remedy.Event {
	return remedy.Event{Source: "aws.rds", Name: "ModifyDBInstance", Account: account, Region: "us-east-1", Detail: json.RawMessage(detail)}
}

func TestDecodeNames(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		request string
		want    []string
	}{
		"RDS keeps names in small letters": {`{"dBInstanceIdentifier":"Orders-DB"}`, []string{"orders-db"}},
		"a renamed one has either name":    {`{"dBInstanceIdentifier":"orders","newDBInstanceIdentifier":"Sales"}`, []string{"orders", "sales"}},
		"renamed to its own name":          {`{"dBInstanceIdentifier":"orders","newDBInstanceIdentifier":"ORDERS"}`, []string{"orders"}},
		"a source is not what was made":    {`{"sourceDBInstanceIdentifier":"orders","targetDBInstanceIdentifier":"copy"}`, []string{"copy"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			targets, err := decode(event("111122223333", `{"requestParameters":`+tt.request+`}`))
			if err != nil {
				t.Fatal(err)
			}
			var want []Target
			for _, name := range tt.want {
				want = append(want, Target{name, "111122223333", "us-east-1"})
			}
			if diff := cmp.Diff(want, targets); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, account, detail, wantErr string }{
		{"null parameters", "111122223333", `{"requestParameters":null}`, "names no instance"},
		{"no instance", "111122223333", `{"requestParameters":{"publiclyAccessible":true}}`, "names no instance"},
		{"only a source", "111122223333", `{"requestParameters":{"sourceDBInstanceIdentifier":"orders"}}`, "names no instance"},
		{"not a name", "111122223333", `{"requestParameters":{"dBInstanceIdentifier":"orders/1"}}`, `"orders/1" is no name`},
		{"a new name that is none", "111122223333", `{"requestParameters":{"dBInstanceIdentifier":"orders","newDBInstanceIdentifier":"*"}}`, `"*" is no name`},
		{"too long", "111122223333", `{"requestParameters":{"dBInstanceIdentifier":"` + strings.Repeat("a", 64) + `"}}`, "is no name"},
		{"wrong type", "111122223333", `{"requestParameters":{"dBInstanceIdentifier":["orders"]}}`, "decode CloudTrail record of ModifyDBInstance"},
		{"truncated", "111122223333", `{"requestParameters":{"dBInstanceIdentifier":"ord`, "unexpected end"},
		{"no account", "", `{"requestParameters":{"dBInstanceIdentifier":"orders"}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(event(tt.account, tt.detail))
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::RDS::DBInstance", ID: "arn:aws-cn:rds:cn-north-1:111122223333:db:orders", Account: "111122223333", Region: "cn-north-1"}
	if got := (Target{"orders", "111122223333", "cn-north-1"}).Ref(); got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{"orders": true, "demo-*": true, "db-[0-9]?": true, "": false, "demo-[": false} {
		err := Params{AllowedInstances: []string{"public", name}}.Validate()
		if (err == nil) != ok || err != nil && !strings.HasPrefix(err.Error(), "allowed_instances[1]") {
			t.Errorf("Validate with %q = %v, want ok: %v", name, err, ok)
		}
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
		targets, err := decode(event("111122223333", string(detail)))
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.Instance == "" || strings.Trim(target.Instance, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
				t.Errorf("target %+v is no instance", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "make-public.json")
	p := Params{AllowedInstances: []string{"demo-*", "public"}}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], State{Public: true}, p)); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
