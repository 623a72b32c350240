package rdssnapshotsharing

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/rds-snapshot-sharing"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	instance := []Target{{Snapshot: "orders-2026-03", Account: "111122223333", Region: "us-east-1"}}
	want := map[string][]Target{
		"make-public.json":         instance,
		"share-with-account.json":  instance, // its list of values to remove is empty
		"cluster-make-public.json": {{Snapshot: "orders-2026-03", Cluster: true, Account: "111122223333", Region: "us-east-1"}},
		"cluster-denied.json":      nil, // failed calls
		"modify-denied.json":       nil,
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

func TestDecodeIdentifiers(t *testing.T) {
	t.Parallel()
	const modify, modifyCluster = "ModifyDBSnapshotAttribute", "ModifyDBClusterSnapshotAttribute"
	tests := []struct {
		name, event, request, want string
		cluster                    bool
	}{
		{"RDS keeps names in small letters", modify, `{"dBSnapshotIdentifier":"Orders-1"}`, "orders-1", false},
		{"one that RDS made", modify, `{"dBSnapshotIdentifier":"rds:orders-2026-03-01-04-38"}`, "rds:orders-2026-03-01-04-38", false},
		{"one that AWS Backup made", modify, `{"dBSnapshotIdentifier":"awsbackup:job-6b5d"}`, "awsbackup:job-6b5d", false},
		{"an ARN", modify, `{"dBSnapshotIdentifier":"arn:aws:rds:us-east-1:111122223333:snapshot:orders-1"}`, "orders-1", false},
		{"the ARN of one that RDS made", modify, `{"dBSnapshotIdentifier":"arn:aws-cn:rds:cn-north-1:111122223333:snapshot:rds:orders-1"}`, "rds:orders-1", false},
		{"a cluster's", modifyCluster, `{"dBClusterSnapshotIdentifier":"orders-1"}`, "orders-1", true},
		{"a cluster's ARN", modifyCluster, `{"dBClusterSnapshotIdentifier":"arn:aws:rds:us-east-1:111122223333:cluster-snapshot:orders-1"}`, "orders-1", true},
		{"a name that holds snapshot", modify, `{"dBSnapshotIdentifier":"snapshot-orders"}`, "snapshot-orders", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.rds", Name: tt.event, Account: "111122223333", Region: "us-east-1", Detail: []byte(`{"requestParameters":` + tt.request + `}`),
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Target{{tt.want, tt.cluster, "111122223333", "us-east-1"}}, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	const modify, modifyCluster = "ModifyDBSnapshotAttribute", "ModifyDBClusterSnapshotAttribute"
	tests := []struct{ name, event, account, detail, wantErr string }{
		{"null parameters", modify, "111122223333", `{"requestParameters":null}`, "names no snapshot"},
		{"no snapshot", modify, "111122223333", `{"requestParameters":{"attributeName":"restore"}}`, "names no snapshot"},
		{"an instance's for a cluster's", modifyCluster, "111122223333", `{"requestParameters":{"dBSnapshotIdentifier":"orders-1"}}`, "names no snapshot"},
		{"a cluster's for an instance's", modify, "111122223333", `{"requestParameters":{"dBClusterSnapshotIdentifier":"orders-1"}}`, "names no snapshot"},
		{"not a name", modify, "111122223333", `{"requestParameters":{"dBSnapshotIdentifier":"orders/1"}}`, `"orders/1" is no name`},
		{"an ARN of something else", modify, "111122223333", `{"requestParameters":{"dBSnapshotIdentifier":"arn:aws:rds:us-east-1:111122223333:db:orders"}}`, "is no name"},
		{"too long", modify, "111122223333", `{"requestParameters":{"dBSnapshotIdentifier":"` + strings.Repeat("a", 256) + `"}}`, "is no name"},
		{"wrong type", modify, "111122223333", `{"requestParameters":{"dBSnapshotIdentifier":["orders-1"]}}`, "decode CloudTrail record of ModifyDBSnapshotAttribute"},
		{"truncated", modify, "111122223333", `{"requestParameters":{"dBSnapshotIdentifier":"ord`, "unexpected end"},
		{"no account", modify, "", `{"requestParameters":{"dBSnapshotIdentifier":"orders-1"}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.rds", Name: tt.event, Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail),
			})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	for id, cluster := range map[string]bool{
		"AWS::RDS::DBSnapshot arn:aws-cn:rds:cn-north-1:111122223333:snapshot:rds:orders-1":                false,
		"AWS::RDS::DBClusterSnapshot arn:aws-cn:rds:cn-north-1:111122223333:cluster-snapshot:rds:orders-1": true,
	} {
		kind, arn, _ := strings.Cut(id, " ")
		want := remedy.Ref{Type: kind, ID: arn, Account: "111122223333", Region: "cn-north-1"}
		if got := (Target{"rds:orders-1", cluster, "111122223333", "cn-north-1"}).Ref(); got != want {
			t.Errorf("Ref = %+v, want %+v", got, want)
		}
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for account, ok := range map[string]bool{partner: true, "": false, "*": false, "all": false, "12345678901": false, "arn:aws:iam::444455556666:root": false} {
		err := Params{AllowedAccounts: []string{backup, account}}.Validate()
		if (err == nil) != ok || err != nil && !strings.HasPrefix(err.Error(), "allowed_accounts: ") {
			t.Errorf("Validate with account %q = %v, want ok: %v", account, err, ok)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		ev := sample(f, filepath.Base(path))
		f.Add(strings.Contains(ev.Name, "Cluster"), []byte(ev.Detail))
	}
	f.Fuzz(func(t *testing.T, cluster bool, detail []byte) {
		ev := remedy.Event{Name: "ModifyDBSnapshotAttribute", Account: "111122223333", Region: "us-east-1", Detail: detail}
		if cluster {
			ev.Name = "ModifyDBClusterSnapshotAttribute"
		}
		targets, err := decode(ev)
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.Snapshot == "" || target.Snapshot != strings.ToLower(target.Snapshot) || strings.HasPrefix(target.Snapshot, "arn:") || target.Cluster != cluster {
				t.Errorf("target %+v is no snapshot of the event's kind", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "make-public.json")
	s := State{Shared: []string{partner, backup, everybody}}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], s, Params{})); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
