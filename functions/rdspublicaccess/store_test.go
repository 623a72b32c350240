package rdspublicaccess

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

var target = Target{"orders", "111122223333", "us-east-1"}

// public is a public instance whose class is to change.
func public() *fake {
	f := newFake()
	f.public, f.tags = aws.Bool(true), awsTags(map[string]string{"team": "data"})
	return f
}

func TestRead(t *testing.T) {
	t.Parallel()
	tags := map[string]string{"team": "data"}
	for name, tt := range map[string]struct {
		change func(*fake)
		want   State
	}{
		"public":           {func(*fake) {}, State{true, tags}},
		"private":          {func(f *fake) { f.public = aws.Bool(false) }, State{false, tags}},
		"without tags":     {func(f *fake) { f.tags = nil }, State{true, nil}},
		"still being made": {func(f *fake) { f.status = "creating" }, State{true, tags}},
		"stopped":          {func(f *fake) { f.status = "stopped" }, State{true, tags}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := public()
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	fails := func(code string) func(*fake) { return func(f *fake) { f.fail["DescribeDBInstances"] = code } }
	tests := []struct {
		name    string
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		{name: "no such instance", change: func(f *fake) { f.instance = "" }, wantErr: "DBInstanceNotFound", gone: true},
		{name: "being deleted", change: func(f *fake) { f.status = "deleting" }, wantErr: "being deleted", gone: true},
		{name: "refused", change: fails("AccessDenied"), wantErr: "grant rds:DescribeDBInstances "},
		{name: "throttled", change: fails("Throttling"), wantErr: "Throttling"},
		{name: "an answer without instances", change: func(f *fake) { f.copies = -1 }, wantErr: "holds 0 instances"},
		{name: "an answer with two", change: func(f *fake) { f.copies = 1 }, wantErr: "holds 2 instances"},
		{name: "an answer that does not say is not private", change: func(f *fake) { f.public = nil }, wantErr: "does not say"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := public()
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Fatalf("error = %v, want one with %q", err, tt.wantErr)
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

// Others send ApplyImmediately, and so restart the database for a class that
// was to change in the maintenance window.
func TestPendingChangesStayPending(t *testing.T) {
	t.Parallel()
	f := public()
	if err := storeOf(f).Apply(t.Context(), target, Change{"orders", false}); err != nil {
		t.Fatal(err)
	}
	want := []rds.ModifyDBInstanceInput{{DBInstanceIdentifier: aws.String("orders"), PubliclyAccessible: aws.Bool(false)}}
	if diff := cmp.Diff(want, f.modified, cmpopts.IgnoreUnexported(rds.ModifyDBInstanceInput{})); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if f.class != "db.t4g.micro" || f.pending != "db.t4g.large" {
		t.Errorf("the class is %s and %s is pending, want db.t4g.micro and db.t4g.large", f.class, f.pending)
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	for _, want := range []bool{false, true} {
		f := public()
		for range 2 {
			if err := storeOf(f).Apply(t.Context(), target, Change{"orders", want}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := storeOf(f).Read(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(State{want, map[string]string{"team": "data"}}, got); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
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
		{"refused", func(f *fake) { f.fail["ModifyDBInstance"] = "AccessDenied" }, "grant rds:ModifyDBInstance", false},
		{"still being made is retried", func(f *fake) { f.status = "creating" }, "InvalidDBInstanceState", false},
		{"busy is retried", func(f *fake) { f.status = "modifying" }, "InvalidDBInstanceState", false},
		{"its cluster is busy is retried", func(f *fake) { f.fail["ModifyDBInstance"] = "InvalidDBClusterStateFault" }, "InvalidDBClusterStateFault", false},
		{"gone", func(f *fake) { f.instance = "" }, "DBInstanceNotFound", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := public()
			tt.change(f)
			err := storeOf(f).Apply(t.Context(), target, Change{"orders", false})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || errors.Is(err, remedy.ErrGone) != tt.gone || remedy.IsPermanent(err) {
				t.Errorf("error = %v, want one with %q that a retry may mend, gone: %v", err, tt.wantErr, tt.gone)
			}
		})
	}
}
