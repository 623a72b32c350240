package rdssnapshotsharing

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

// of is the snapshot of the fakes.
func of(cluster bool) Target { return Target{"orders-1", cluster, "111122223333", "us-east-1"} }

func full(cluster bool) *fake {
	f := newFake(cluster)
	f.tags = awsTags(map[string]string{"team": "data"})
	for _, s := range []string{everybody, backup, partner, unknown} {
		f.shares[s] = true
	}
	return f
}

var fullState = State{[]string{unknown, partner, backup, everybody}, map[string]string{"team": "data"}}

// bothKinds runs a test on a snapshot of an instance and on one of a cluster.
func bothKinds(t *testing.T, name string, test func(t *testing.T, cluster bool)) {
	for _, cluster := range []bool{false, true} {
		t.Run(fmt.Sprintf("%s, cluster: %v", name, cluster), func(t *testing.T) {
			t.Parallel()
			test(t, cluster)
		})
	}
}

// kind gives the name that a call or parameter has for a cluster's snapshot, if it is one.
func kind(call string, cluster bool) string {
	if cluster {
		return strings.Replace(call, "BSnapshot", "BClusterSnapshot", 1)
	}
	return call
}

func TestRead(t *testing.T) {
	t.Parallel()
	bothKinds(t, "shared", func(t *testing.T, cluster bool) {
		got, err := storeOf(full(cluster)).Read(t.Context(), of(cluster))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fullState, got); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
	})
	bothKinds(t, "private and without tags", func(t *testing.T, cluster bool) {
		got, err := storeOf(newFake(cluster)).Read(t.Context(), of(cluster))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(State{Shared: []string{}}, got); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
	})
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	fails := func(call, code string) func(*fake) {
		return func(f *fake) { f.fail[kind(call, f.cluster)] = code }
	}
	tests := []struct {
		name    string
		change  func(*fake)
		wantErr string // of an instance's snapshot
		gone    bool
	}{
		{name: "no such snapshot", change: func(f *fake) { f.snapshot = "" }, wantErr: "DBSnapshotNotFound", gone: true},
		{name: "one of the other kind has the name", change: func(f *fake) { f.cluster = !f.cluster }, wantErr: "DBSnapshotNotFound", gone: true},
		{name: "look-up refused", change: fails("DescribeDBSnapshots", "AccessDenied"), wantErr: "grant rds:DescribeDBSnapshots "},
		{name: "attributes refused", change: fails("DescribeDBSnapshotAttributes", "AccessDenied"), wantErr: "grant rds:DescribeDBSnapshotAttributes "},
		{name: "throttled", change: fails("DescribeDBSnapshotAttributes", "Throttling"), wantErr: "Throttling"},
		{name: "busy", change: fails("DescribeDBSnapshots", "InvalidDBSnapshotState"), wantErr: "InvalidDBSnapshotState"},
		{name: "an answer without snapshots", change: func(f *fake) { f.copies = -1 }, wantErr: "holds 0 snapshots"},
		{name: "an answer with two", change: func(f *fake) { f.copies = 1 }, wantErr: "holds 2 snapshots"},
		{name: "no attribute restore is not private", change: func(f *fake) { f.other = "export" }, wantErr: "no attribute restore"},
	}
	for _, tt := range tests {
		bothKinds(t, tt.name, func(t *testing.T, cluster bool) {
			f := full(cluster)
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), of(cluster))
			wantErr := tt.wantErr
			if !strings.HasPrefix(wantErr, "Invalid") {
				wantErr = kind(wantErr, cluster)
			}
			if err == nil || !strings.Contains(err.Error(), wantErr) {
				t.Fatalf("error = %v, want one with %q", err, wantErr)
			}
			if errors.Is(err, remedy.ErrGone) != tt.gone || remedy.IsPermanent(err) {
				t.Errorf("error %v: gone %v, permanent %v; want gone %v", err, errors.Is(err, remedy.ErrGone), remedy.IsPermanent(err), tt.gone)
			}
			if diff := cmp.Diff(State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		add, remove []string
		want        []string
	}{
		"remove everybody":                    {nil, []string{everybody}, []string{unknown, partner, backup}},
		"remove an account that is not there": {nil, []string{"222233334444"}, fullState.Shared},
		"add one that is there":               {[]string{partner}, nil, fullState.Shared},
		"add and remove":                      {[]string{"222233334444"}, []string{everybody, unknown}, []string{"222233334444", partner, backup}},
	} {
		bothKinds(t, name, func(t *testing.T, cluster bool) {
			s := storeOf(full(cluster))
			for range 2 {
				if err := s.Apply(t.Context(), of(cluster), Change{of(cluster), tt.add, tt.remove}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := s.Read(t.Context(), of(cluster))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(State{tt.want, fullState.Tags}, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		{"refused", func(f *fake) { f.fail[kind("ModifyDBSnapshotAttribute", f.cluster)] = "AccessDenied" }, "grant rds:ModifyDB", false},
		{"busy is retried", func(f *fake) { f.fail[kind("ModifyDBSnapshotAttribute", f.cluster)] = "InvalidDBSnapshotState" }, "InvalidDBSnapshotState", false},
		{"too many to share with", func(f *fake) { f.fail[kind("ModifyDBSnapshotAttribute", f.cluster)] = "SharedSnapshotQuotaExceeded" }, "SharedSnapshotQuotaExceeded", false},
		{"gone", func(f *fake) { f.snapshot = "" }, "SnapshotNotFound", true},
	}
	for _, tt := range tests {
		bothKinds(t, tt.name, func(t *testing.T, cluster bool) {
			f := full(cluster)
			tt.change(f)
			err := storeOf(f).Apply(t.Context(), of(cluster), Change{of(cluster), nil, []string{everybody}})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || errors.Is(err, remedy.ErrGone) != tt.gone || remedy.IsPermanent(err) {
				t.Errorf("error = %v, want one with %q that a retry may mend, gone: %v", err, tt.wantErr, tt.gone)
			}
		})
	}
}
