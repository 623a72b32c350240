package kmskey

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store {
	return store{func(remedy.Ref) client { return f }, func() time.Time { return now }}
}

func TestRead(t *testing.T) {
	t.Parallel()
	tags := map[string]string{"stage": "prod", "team": "web"} // on two pages
	for name, c := range map[string]struct {
		change func(*fake)
		want   State
	}{
		"enabled":        {func(*fake) {}, State{KeyState: enabled, Tags: tags}},
		"no tags":        {func(f *fake) { f.tags = nil }, State{KeyState: enabled}},
		"AWS's":          {func(f *fake) { f.manager = types.KeyManagerTypeAws }, State{KeyState: enabled, ByAWS: true, Tags: tags}},
		"just scheduled": {func(f *fake) { f.state, f.date = "PendingDeletion", now.Add(10*24*time.Hour-2*time.Second) }, State{KeyState: pending, Window: 10, Tags: tags}},
		"KMS's clock is ahead": {func(f *fake) { f.state, f.date = "PendingDeletion", now.Add(10*24*time.Hour+2*time.Second) },
			State{KeyState: pending, Window: 10, Tags: tags}},
		"scheduled long ago":     {func(f *fake) { f.state, f.date = "PendingDeletion", now.Add(time.Hour) }, State{KeyState: pending, Window: 7, Tags: tags}},
		"waits for its replicas": {func(f *fake) { f.state, f.window = "PendingReplicaDeletion", aws.Int32(30) }, State{KeyState: pendingReplicas, Window: 30, Tags: tags}},
		"without its material":   {func(f *fake) { f.state = "PendingImport" }, State{KeyState: "PendingImport", Tags: tags}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.tags = awsTags(tags)
			c.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		"gone":          {change: func(f *fake) { f.id = "" }, wantErr: "NotFoundException", gone: true},
		"key refused":   {change: func(f *fake) { f.fail["DescribeKey"] = apiError("AccessDeniedException") }, wantErr: "grant kms:DescribeKey "},
		"tags refused":  {change: func(f *fake) { f.fail["ListResourceTags"] = apiError("AccessDeniedException") }, wantErr: "grant kms:ListResourceTags "},
		"throttled":     {change: func(f *fake) { f.fail["DescribeKey"] = apiError("ThrottlingException") }, wantErr: "ThrottlingException"},
		"being made":    {change: func(f *fake) { f.state = types.KeyStateCreating }, wantErr: "the key is Creating, and will be in another state soon"},
		"being moved":   {change: func(f *fake) { f.state = types.KeyStateUpdating }, wantErr: "the key is Updating"},
		"empty answer":  {change: func(f *fake) { f.state = "" }, wantErr: "does not say in which state"},
		"KMS is broken": {change: func(f *fake) { f.fail["ListResourceTags"] = apiError("KMSInternalException") }, wantErr: "kms:ListResourceTags: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err == nil || !strings.Contains(err.Error(), c.wantErr) {
				t.Fatalf("err = %v, want one with %q", err, c.wantErr)
			}
			if errors.Is(err, remedy.ErrGone) != c.gone || remedy.IsPermanent(err) {
				t.Errorf("gone %v, permanent %v: %v", errors.Is(err, remedy.ErrGone), remedy.IsPermanent(err), err)
			}
			if diff := cmp.Diff(State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from types.KeyState
		want types.KeyState
	}{
		cancelDeletion: {"PendingDeletion", "Disabled"}, enable: {"Disabled", "Enabled"},
		disable: {"Enabled", "Disabled"}, scheduleDeletion: {"Enabled", "PendingDeletion"},
	} {
		f := newFake()
		f.state = c.from
		change := Change{key, name, 0} // a waiting period that KMS does not take
		for range 2 {
			if err := storeOf(f).Apply(t.Context(), target, change); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if f.state != c.want || name == scheduleDeletion && !f.date.Equal(now.AddDate(0, 0, shortest)) {
			t.Errorf("%s leads to %s, %s; want %s", name, f.state, f.date, c.want)
		}
		for code, want := range map[string]string{"AccessDeniedException": "grant kms:" + name, "ThrottlingException": "ThrottlingException", "DependencyTimeoutException": "Dependency"} {
			f.fail[name] = apiError(code)
			if err := storeOf(f).Apply(t.Context(), target, change); err == nil || !strings.Contains(err.Error(), want) || remedy.IsPermanent(err) {
				t.Errorf("%s, %s: err = %v, want one with %q that a retry may mend", name, code, err, want)
			}
		}
		clear(f.fail)
		f.id = ""
		if err := storeOf(f).Apply(t.Context(), target, change); !errors.Is(err, remedy.ErrGone) {
			t.Errorf("%s of a key that is gone: %v, want ErrGone", name, err)
		}
	}
}

// A key that is still to be deleted, or has no material, can't be enabled:
// that is an error, and no success.
func TestEnableInTheWrongState(t *testing.T) {
	t.Parallel()
	for _, state := range []types.KeyState{"PendingDeletion", "PendingImport"} {
		f := newFake()
		f.state = state
		if err := storeOf(f).Apply(t.Context(), target, Change{key, enable, 0}); err == nil || !strings.Contains(err.Error(), "KMSInvalidStateException") {
			t.Errorf("%s: err = %v, want KMS's own", state, err)
		}
	}
	if err := storeOf(newFake()).Apply(t.Context(), target, Change{key, "DeleteKey", 0}); err == nil {
		t.Error("a call that this function does not make is no error")
	}
}
