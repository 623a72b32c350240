package s3bucketversioning

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
		bucket: invoices.Bucket, owner: invoices.Account, status: suspended,
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
		"suspended, and tags":        {change: func(*fakeS3) {}, want: State{Status: suspended, Tags: web}},
		"enabled with MFA delete":    {change: func(f *fakeS3) { f.status, f.mfa = enabled, true }, want: State{Status: enabled, MFADelete: true, Tags: web}},
		"neither":                    {change: func(f *fakeS3) { f.status, f.tags = "", nil }, want: State{}},
		"a status that is not known": {change: func(f *fakeS3) { f.status = "Paused" }, wantErr: `the status is "Paused"`},
		"no such bucket":             {change: func(f *fakeS3) { f.bucket = "" }, wantErr: "NoSuchBucket", gone: true},
		"another account's":          {change: func(f *fakeS3) { f.owner = "210987654321" }, wantErr: "for a bucket that is not account 111122223333's"},
		"versioning unreadable":      {change: func(f *fakeS3) { f.fail["GetBucketVersioning"] = apiError("AccessDenied") }, wantErr: "grant s3:GetBucketVersioning"},
		"tags unreadable":            {change: func(f *fakeS3) { f.fail["GetBucketTagging"] = apiError("AccessDenied") }, wantErr: "grant s3:GetBucketTagging"},
		"throttled":                  {change: func(f *fakeS3) { f.fail["GetBucketVersioning"] = apiError("SlowDown") }, wantErr: "SlowDown"},
		"in another region":          {change: func(f *fakeS3) { f.fail["GetBucketTagging"] = apiError("PermanentRedirect") }, wantErr: "the bucket is not in us-east-1", permanent: true},
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
		status    string
		want      string
		wantErr   string
		gone      bool
		permanent bool
	}{
		"enable":                     {status: enabled, want: enabled},
		"enable what is enabled":     {change: func(f *fakeS3) { f.status = enabled }, status: enabled, want: enabled},
		"suspend":                    {change: func(f *fakeS3) { f.status = enabled }, status: suspended, want: suspended},
		"gone":                       {change: func(f *fakeS3) { f.bucket = "" }, status: enabled, want: suspended, wantErr: "NoSuchBucket", gone: true},
		"another account's":          {change: func(f *fakeS3) { f.owner = "210987654321" }, status: enabled, want: suspended, wantErr: "for a bucket that is not account 111122223333's"},
		"denied":                     {change: func(f *fakeS3) { f.fail["PutBucketVersioning"] = apiError("AccessDenied") }, status: enabled, want: suspended, wantErr: "set versioning of bucket acme-invoices of account 111122223333: s3:PutBucketVersioning: access denied"},
		"MFA delete came between":    {change: func(f *fakeS3) { f.mfa = true }, status: enabled, want: suspended, wantErr: "a bucket that has MFA delete to all but the root user"},
		"in the way is not for good": {change: func(f *fakeS3) { f.fail["PutBucketVersioning"] = apiError("OperationAborted") }, status: enabled, want: suspended, wantErr: "OperationAborted"},
		"no way back":                {status: "", want: suspended, wantErr: `S3 refuses the status ""`, permanent: true},
		"in another region":          {change: func(f *fakeS3) { f.fail["PutBucketVersioning"] = apiError("AuthorizationHeaderMalformed") }, status: enabled, want: suspended, wantErr: "the bucket is not in us-east-1", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			if c.change != nil {
				c.change(f)
			}
			wantError(t, over(f).Apply(t.Context(), invoices, Change{invoices, c.status}), c.wantErr, c.gone, c.permanent)
			if string(f.status) != c.want {
				t.Errorf("status = %s, want %s", f.status, c.want)
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
	if err := opened.Apply(t.Context(), target, Change{target, suspended}); err != nil {
		t.Fatal(err)
	}
	got, err := opened.Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(State{Status: suspended}, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if _, err := opened.Read(t.Context(), Target{Bucket: "ebb-missing-" + account.ID, Account: account.ID, Region: mototest.Region}); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("a missing bucket gives %v, want ErrGone", err)
	}
}
