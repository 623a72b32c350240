package iampolicyversion

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

func TestRead(t *testing.T) {
	t.Parallel()
	docs := []string{buckets, queues, powerUser, everything, butBuckets}
	want := of(t, 5, docs...)
	want.Tags = map[string]string{"team": "web"}
	for _, hint := range []string{"v5", "v1", "v9", ""} {
		f := newFake(docs...)
		f.tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}
		f.attached, f.boundary = 1, 1
		got, err := storeOf(f).Read(t.Context(), at(hint))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("with hint %q (-want +got):\n%s", hint, diff)
		}
		slices.Sort(f.read)
		if once := slices.Compact(slices.Clone(f.read)); len(once) != len(f.read) {
			t.Errorf("with hint %q versions are read twice: %v", hint, f.read)
		}
	}
}

func TestReadBoundary(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		attached, boundary int32
		want               bool
	}{{0, 0, false}, {0, 2, true}, {1, 2, false}, {1, 0, false}} {
		f := newFake(everything)
		f.attached, f.boundary = c.attached, c.boundary
		got, err := storeOf(f).Read(t.Context(), at("v1"))
		if err != nil {
			t.Fatal(err)
		}
		if got.Boundary != c.want {
			t.Errorf("attached to %d, a boundary of %d: Boundary = %v", c.attached, c.boundary, got.Boundary)
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
		"gone":                      {change: func(f *fake) { f.arn = "" }, wantErr: "NoSuchEntity", gone: true},
		"policy refused":            {change: func(f *fake) { f.fail["GetPolicy"] = apiError("AccessDenied") }, wantErr: "grant iam:GetPolicy "},
		"versions refused":          {change: func(f *fake) { f.fail["ListPolicyVersions"] = apiError("AccessDenied") }, wantErr: "grant iam:ListPolicyVersions "},
		"document refused":          {change: func(f *fake) { f.fail["GetPolicyVersion"] = apiError("AccessDenied") }, wantErr: "grant iam:GetPolicyVersion "},
		"throttled":                 {change: func(f *fake) { f.fail["GetPolicyVersion"] = apiError("Throttling") }, wantErr: "Throttling"},
		"document not understood":   {change: func(f *fake) { f.docs["v1"] = `{"Statement":[],"New":1}` }, wantErr: "version v1: parse policy: New: is no member"},
		"listed but not there":      {change: func(f *fake) { delete(f.docs, "v1") }, wantErr: "iam:GetPolicyVersion: "},
		"the default is not listed": {change: func(f *fake) { f.fallback = "v7" }, wantErr: "its default is v7, which is not among its versions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(buckets, everything)
			c.change(f)
			got, err := storeOf(f).Read(t.Context(), at("v2"))
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

func TestApply(t *testing.T) {
	t.Parallel()
	f := newFake(buckets, everything)
	for range 2 {
		if err := storeOf(f).Apply(t.Context(), at("v2"), Change{deploy, "v1"}); err != nil {
			t.Fatal(err)
		}
	}
	if f.fallback != "v1" || len(f.docs) != 2 {
		t.Errorf("default %s, versions %v", f.fallback, f.docs)
	}
	for name, c := range map[string]struct {
		change  func()
		wantErr string
	}{
		"refused":          {func() { f.fail["SetDefaultPolicyVersion"] = apiError("AccessDenied") }, "grant iam:SetDefaultPolicyVersion"},
		"busy":             {func() { f.fail["SetDefaultPolicyVersion"] = apiError("ServiceFailure") }, "ServiceFailure"},
		"version deleted":  {func() { delete(f.docs, "v2") }, "make v2 the default version of policy " + deploy},
		"policy deleted":   {func() { f.arn = "" }, "NoSuchEntity"},
		"nothing about it": {func() { f.fail["SetDefaultPolicyVersion"] = errors.New("broken pipe") }, "broken pipe"},
	} {
		clear(f.fail)
		c.change()
		err := storeOf(f).Apply(t.Context(), at("v2"), Change{deploy, "v2"})
		if err == nil || !strings.Contains(err.Error(), c.wantErr) && f.arn != "" || remedy.IsPermanent(err) || errors.Is(err, remedy.ErrGone) {
			t.Errorf("%s: err = %v, want one with %q that a retry may mend", name, err, c.wantErr)
		}
	}
}
