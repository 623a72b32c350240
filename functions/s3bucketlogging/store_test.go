package s3bucketlogging

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func newFake() *fakeS3 {
	return &fakeS3{
		bucket: invoices.Bucket, owner: invoices.Account, logging: toAPI(full.Logging),
		tags: map[string]string{"team": "web"}, fail: map[string]error{},
	}
}

func over(f *fakeS3) store { return store{func(remedy.Ref) client { return f }} }

func TestRead(t *testing.T) {
	t.Parallel()
	web := map[string]string{"team": "web"}
	for name, c := range map[string]struct {
		change    func(*fakeS3)
		want      State
		wantErr   string
		gone      bool
		permanent bool
	}{
		"logging and tags":   {change: func(*fakeS3) {}, want: State{Logging: full.Logging, Tags: web}},
		"neither":            {change: func(f *fakeS3) { f.logging, f.tags = nil, nil }},
		"no target":          {change: func(f *fakeS3) { f.logging.TargetBucket = nil }, wantErr: "the answer names no target bucket"},
		"a grant to nobody":  {change: func(f *fakeS3) { f.logging.TargetGrants[0].Grantee = nil }, wantErr: "a target grant names nobody"},
		"no such bucket":     {change: func(f *fakeS3) { f.bucket = "" }, wantErr: "NoSuchBucket", gone: true},
		"another account's":  {change: func(f *fakeS3) { f.owner = "210987654321" }, wantErr: "for a bucket that is not account 111122223333's"},
		"logging unreadable": {change: func(f *fakeS3) { f.fail["GetBucketLogging"] = apiError("AccessDenied") }, wantErr: "grant s3:GetBucketLogging"},
		"tags unreadable":    {change: func(f *fakeS3) { f.fail["GetBucketTagging"] = apiError("AccessDenied") }, wantErr: "grant s3:GetBucketTagging"},
		"throttled":          {change: func(f *fakeS3) { f.fail["GetBucketLogging"] = apiError("SlowDown") }, wantErr: "SlowDown"},
		"in another region":  {change: func(f *fakeS3) { f.fail["GetBucketTagging"] = apiError("PermanentRedirect") }, wantErr: "the bucket is not in us-east-1", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := over(f).Read(t.Context(), invoices)
			wantError(t, err, c.wantErr, c.gone, c.permanent)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change    func(*fakeS3)
		to        *Logging
		want      *Logging
		wantErr   string
		gone      bool
		permanent bool
	}{
		"turn on, all of it":              {to: full.Logging, want: full.Logging},
		"turn on, simply":                 {to: on.Logging, want: on.Logging},
		"turn on, partitioned":            {to: partitioned.Logging, want: partitioned.Logging},
		"turn off":                        {change: func(f *fakeS3) { f.logging = toAPI(on.Logging) }},
		"gone":                            {change: func(f *fakeS3) { f.bucket = "" }, to: on.Logging, wantErr: "NoSuchBucket", gone: true},
		"another account's":               {change: func(f *fakeS3) { f.owner = "210987654321" }, to: on.Logging, wantErr: "for a bucket that is not account 111122223333's"},
		"denied":                          {change: func(f *fakeS3) { f.fail["PutBucketLogging"] = apiError("AccessDenied") }, to: on.Logging, wantErr: "set the access logging of bucket acme-invoices of account 111122223333: s3:PutBucketLogging: access denied: grant s3:PutBucketLogging"},
		"in the way is not for good":      {change: func(f *fakeS3) { f.fail["PutBucketLogging"] = apiError("OperationAborted") }, to: on.Logging, wantErr: "OperationAborted"},
		"the target bucket is gone":       {change: func(f *fakeS3) { f.fail["PutBucketLogging"] = apiError("InvalidTargetBucketForLogging") }, to: on.Logging, wantErr: "S3 takes no logs to bucket acme-logs: it is gone", permanent: true},
		"the target is in another region": {change: func(f *fakeS3) { f.fail["PutBucketLogging"] = apiError("CrossLocationLoggingProhibitted") }, to: on.Logging, wantErr: "not in this account and region", permanent: true},
		"in another region":               {change: func(f *fakeS3) { f.fail["PutBucketLogging"] = apiError("PermanentRedirect") }, to: on.Logging, wantErr: "the bucket is not in us-east-1", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.logging = nil
			if c.change != nil {
				c.change(f)
			}
			wantError(t, over(f).Apply(t.Context(), invoices, Change{invoices, c.to}), c.wantErr, c.gone, c.permanent)
			got, err := fromAPI(f.logging)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("logging (-want +got):\n%s", diff)
			}
		})
	}
}

func wantError(t *testing.T, err error, want string, gone, permanent bool) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("err = %v, want %q", err, want)
	}
	if errors.Is(err, remedy.ErrGone) != gone {
		t.Errorf("is gone = %v, want %v: %v", !gone, gone, err)
	}
	if remedy.IsPermanent(err) != permanent {
		t.Errorf("is permanent = %v, want %v: %v", !permanent, permanent, err)
	}
}

// TestFunctionOnEmulator opens the function as a host does, with nothing but an
// endpoint and credentials.
func TestFunctionOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	target := Target{Bucket: "ebb-opened-" + account.ID, Account: account.ID, Region: mototest.Region}
	api := s3.NewFromConfig(account.Config, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := api.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(target.Bucket)}); err != nil {
		t.Fatal(err)
	}
	if _, err := remedy.Open(t.Context(), Function, account.Env); err != nil {
		t.Fatal(err)
	}
	opened, err := newStore(t.Context(), account.Env)
	if err != nil {
		t.Fatal(err)
	}
	want := State{Logging: &Logging{TargetBucket: logs(t, api, account.ID), TargetPrefix: "x/"}}
	if err := opened.Apply(t.Context(), target, Change{target, want.Logging}); err != nil {
		t.Fatal(err)
	}
	got, err := opened.Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if _, err := opened.Read(t.Context(), Target{Bucket: "ebb-missing-" + account.ID, Account: account.ID, Region: mototest.Region}); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("a missing bucket gives %v, want ErrGone", err)
	}
}
