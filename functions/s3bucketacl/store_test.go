package s3bucketacl

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func newFake() *fakeS3 {
	return &fakeS3{
		bucket: invoices.Bucket, owner: invoices.Account, canonical: owner, grants: awsGrants([]Grant{full, everyoneReads}),
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
		"grants and tags":   {change: func(*fakeS3) {}, want: State{Owner: owner, Grants: []Grant{full, everyoneReads}, Tags: web}},
		"no grants":         {change: func(f *fakeS3) { f.grants, f.tags = nil, nil }, want: State{Owner: owner, Grants: []Grant{}}},
		"no owner":          {change: func(f *fakeS3) { f.canonical = "" }, wantErr: "the answer names no owner"},
		"a grantee by mail": {change: func(f *fakeS3) { f.grants[1].Grantee = &types.Grantee{EmailAddress: aws.String("a@example.com")} }, wantErr: "neither a group nor an account"},
		"no grantee":        {change: func(f *fakeS3) { f.grants[1].Grantee = nil }, wantErr: "neither a group nor an account"},
		"no such bucket":    {change: func(f *fakeS3) { f.bucket = "" }, wantErr: "NoSuchBucket", gone: true},
		"another account's": {change: func(f *fakeS3) { f.owner = "210987654321" }, wantErr: "for a bucket that is not account 111122223333's"},
		"ACL unreadable":    {change: func(f *fakeS3) { f.fail["GetBucketAcl"] = apiError("AccessDenied") }, wantErr: "grant s3:GetBucketAcl"},
		"tags unreadable":   {change: func(f *fakeS3) { f.fail["GetBucketTagging"] = apiError("AccessDenied") }, wantErr: "grant s3:GetBucketTagging"},
		"throttled":         {change: func(f *fakeS3) { f.fail["GetBucketAcl"] = apiError("SlowDown") }, wantErr: "SlowDown"},
		"in another region": {change: func(f *fakeS3) { f.fail["GetBucketTagging"] = apiError("PermanentRedirect") }, wantErr: "the bucket is not in us-east-1", permanent: true},
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
	old, want := []Grant{full, everyoneReads}, []Grant{full, logsWrite}
	for name, c := range map[string]struct {
		change    func(*fakeS3)
		owner     string
		want      []Grant
		wantErr   string
		gone      bool
		permanent bool
	}{
		"put":                          {want: want},
		"put what is there":            {change: func(f *fakeS3) { f.grants = awsGrants(want) }, want: want},
		"gone":                         {change: func(f *fakeS3) { f.bucket = "" }, want: old, wantErr: "NoSuchBucket", gone: true},
		"another account's":            {change: func(f *fakeS3) { f.owner = "210987654321" }, want: old, wantErr: "for a bucket that is not account 111122223333's"},
		"denied":                       {change: func(f *fakeS3) { f.fail["PutBucketAcl"] = apiError("AccessDenied") }, want: old, wantErr: "put the ACL of bucket acme-invoices of account 111122223333: s3:PutBucketAcl: access denied: grant s3:PutBucketAcl"},
		"blocked":                      {change: func(f *fakeS3) { f.fail["PutBucketAcl"] = apiError("AccessDenied") }, want: old, wantErr: "under a public access block with BlockPublicAcls"},
		"in the way is not for good":   {change: func(f *fakeS3) { f.fail["PutBucketAcl"] = apiError("OperationAborted") }, want: old, wantErr: "OperationAborted"},
		"throttling is not for good":   {change: func(f *fakeS3) { f.fail["PutBucketAcl"] = apiError("SlowDown") }, want: old, wantErr: "SlowDown"},
		"ownership was enforced since": {change: func(f *fakeS3) { f.fail["PutBucketAcl"] = apiError("AccessControlListNotSupported") }, want: old, wantErr: "ownership is enforced", permanent: true},
		"an account is closed":         {change: func(f *fakeS3) { f.fail["PutBucketAcl"] = apiError("InvalidArgument") }, want: old, wantErr: "may have been closed since", permanent: true},
		"in another region":            {change: func(f *fakeS3) { f.fail["PutBucketAcl"] = apiError("PermanentRedirect") }, want: old, wantErr: "the bucket is not in us-east-1", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			if c.change != nil {
				c.change(f)
			}
			wantError(t, over(f).Apply(t.Context(), invoices, Change{invoices, owner, want}), c.wantErr, c.gone, c.permanent)
			got, err := grants(f.grants)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("grants (-want +got):\n%s", diff)
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
	want := acl(logsWrite)
	if err := opened.Apply(t.Context(), target, Change{target, owner, want.Grants}); err != nil {
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
