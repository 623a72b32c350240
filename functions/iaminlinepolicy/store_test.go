package iaminlinepolicy

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

var kinds = []string{"user", "group", "role"}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		f := newFake(kind)
		f.path, f.tags = "/staff/", []types.Tag{{Key: aws.String("team"), Value: aws.String("100% web")}}
		f.policies["x"], f.policies["y"] = text(logs), text(all)
		want := State{Policy: doc(t, text(logs)), ARN: "arn:aws:iam::111122223333:" + kind + "/staff/ops"}
		if kind != "group" {
			want.Tags = map[string]string{"team": "100% web"}
		}
		for _, policy := range []string{"x", "none"} {
			got, err := storeOf(f).Read(t.Context(), Target{f.p, policy})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, policy %s (-want +got):\n%s", kind, policy, diff)
			}
			want.Policy = State{}.Policy
		}
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		"gone":            {change: func(f *fake) { f.gone = true }, wantErr: "NoSuchEntity", gone: true},
		"role refused":    {change: func(f *fake) { f.fail["GetRole"] = apiError("AccessDenied") }, wantErr: "grant iam:GetRole "},
		"policy refused":  {change: func(f *fake) { f.fail["GetRolePolicy"] = apiError("AccessDenied") }, wantErr: "grant iam:GetRolePolicy "},
		"throttled":       {change: func(f *fake) { f.fail["GetRolePolicy"] = apiError("Throttling") }, wantErr: "Throttling"},
		"not understood":  {change: func(f *fake) { f.policies["x"] = `{"Statement":[],"New":1}` }, wantErr: "New: is no member"},
		"nothing as text": {change: func(f *fake) { f.policies["x"] = "" }, wantErr: "parse policy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake("role")
			f.policies["x"] = text(all)
			c.change(f)
			got, err := storeOf(f).Read(t.Context(), Target{f.p, "x"})
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
	for _, kind := range kinds {
		f := newFake(kind)
		f.policies["x"], f.policies["y"] = text(all), text(bucket)
		target := Target{f.p, "x"}
		put, remove := Change{target, doc(t, text(logs))}, Change{Target: target}
		for _, c := range []Change{put, remove} {
			for range 2 {
				if err := storeOf(f).Apply(t.Context(), target, c); err != nil {
					t.Fatalf("%s: %v", c.Call().API, err)
				}
			}
			want := map[string]string{"x": c.Policy.String(), "y": text(bucket)}
			if c.Policy.IsZero() {
				delete(want, "x")
			}
			if diff := cmp.Diff(want, f.policies); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.Call().API, diff)
			}
			for code, want := range map[string]string{"AccessDenied": "grant " + c.Call().API, "ConcurrentModification": "ConcurrentModification"} {
				f.fail[strings.TrimPrefix(c.Call().API, "iam:")] = apiError(code)
				if err := storeOf(f).Apply(t.Context(), target, c); err == nil || !strings.Contains(err.Error(), want) || remedy.IsPermanent(err) {
					t.Errorf("%s: err = %v, want one with %q that a retry may mend", code, err, want)
				}
				clear(f.fail)
			}
		}
		f.gone = true
		if err := storeOf(f).Apply(t.Context(), target, remove); err != nil {
			t.Errorf("delete from who is gone: %v", err)
		}
		if err := storeOf(f).Apply(t.Context(), target, put); !errors.Is(err, remedy.ErrGone) {
			t.Errorf("put on who is gone: %v, want ErrGone", err)
		}
	}
}
