package s3publicaccessblock

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

var bucket = Target{Bucket: "ebb-bucket", Account: "111122223333", Region: "eu-central-1"}

func newFake() *fakeS3 {
	return &fakeS3{
		bucket: bucket.Bucket, owner: bucket.Account, block: configuration(flagged(true, false, true, false)),
		tags: map[string]string{"team": "web"}, fail: map[string]error{},
	}
}

func over(f *fakeS3) store { return store{func(remedy.Ref) client { return f }} }

func TestRead(t *testing.T) {
	t.Parallel()
	const on, off = true, false
	web := map[string]string{"team": "web"}
	for name, c := range map[string]struct {
		change    func(*fakeS3)
		want      State
		wantErr   string
		gone      bool
		permanent bool
	}{
		"block and tags":      {change: func(*fakeS3) {}, want: State{Block: flagged(on, off, on, off), Tags: web}},
		"the other flags":     {change: func(f *fakeS3) { f.block = configuration(flagged(off, on, off, on)) }, want: State{Block: flagged(off, on, off, on), Tags: web}},
		"neither":             {change: func(f *fakeS3) { f.block, f.tags = nil, nil }, want: State{}},
		"flags not mentioned": {change: func(f *fakeS3) { f.block = &types.PublicAccessBlockConfiguration{BlockPublicPolicy: aws.Bool(true)} }, want: State{Block: flagged(off, off, on, off), Tags: web}},
		"no such bucket":      {change: func(f *fakeS3) { f.bucket = "" }, wantErr: "NoSuchBucket", gone: true},
		"another account's":   {change: func(f *fakeS3) { f.owner = "210987654321" }, wantErr: "for a bucket that is not account 111122223333's"},
		"block unreadable":    {change: func(f *fakeS3) { f.fail["GetPublicAccessBlock"] = apiError("AccessDenied") }, wantErr: "grant s3:GetBucketPublicAccessBlock"},
		"tags unreadable":     {change: func(f *fakeS3) { f.fail["GetBucketTagging"] = apiError("AccessDenied") }, wantErr: "grant s3:GetBucketTagging"},
		"throttled":           {change: func(f *fakeS3) { f.fail["GetPublicAccessBlock"] = apiError("SlowDown") }, wantErr: "SlowDown"},
		"in another region":   {change: func(f *fakeS3) { f.fail["GetBucketTagging"] = apiError("PermanentRedirect") }, wantErr: "the bucket is not in eu-central-1", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := over(f).Read(t.Context(), bucket)
			wantError(t, err, c.wantErr, c.gone, c.permanent)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	const on, off = true, false
	old := flagged(on, off, on, off)
	all := flagged(on, on, on, on)
	for name, c := range map[string]struct {
		change    func(*fakeS3)
		block     *Block
		want      *Block
		wantErr   string
		gone      bool
		permanent bool
	}{
		"put":                       {block: all, want: all},
		"put each flag as it is":    {block: flagged(off, on, on, off), want: flagged(off, on, on, off)},
		"put all off":               {block: &Block{}, want: &Block{}},
		"delete":                    {},
		"delete what is not there":  {change: func(f *fakeS3) { f.block = nil }},
		"put, gone":                 {change: func(f *fakeS3) { f.bucket = "" }, block: all, want: old, wantErr: "NoSuchBucket", gone: true},
		"delete, gone":              {change: func(f *fakeS3) { f.bucket = "" }, want: old, wantErr: "NoSuchBucket", gone: true},
		"put, another account's":    {change: func(f *fakeS3) { f.owner = "210987654321" }, block: all, want: old, wantErr: "for a bucket that is not account 111122223333's"},
		"delete, another account's": {change: func(f *fakeS3) { f.owner = "210987654321" }, want: old, wantErr: "for a bucket that is not account 111122223333's"},
		"put, denied":               {change: func(f *fakeS3) { f.fail["PutPublicAccessBlock"] = apiError("AccessDenied") }, block: all, want: old, wantErr: "put the public access block of bucket ebb-bucket of account 111122223333: s3:PutBucketPublicAccessBlock: access denied"},
		"delete, denied":            {change: func(f *fakeS3) { f.fail["DeletePublicAccessBlock"] = apiError("AccessDenied") }, want: old, wantErr: "delete the public access block of bucket ebb-bucket of account 111122223333: s3:PutBucketPublicAccessBlock: access denied"},
		"put, in the way":           {change: func(f *fakeS3) { f.fail["PutPublicAccessBlock"] = apiError("OperationAborted") }, block: all, want: old, wantErr: "OperationAborted"},
		"put, in another region":    {change: func(f *fakeS3) { f.fail["PutPublicAccessBlock"] = apiError("AuthorizationHeaderMalformed") }, block: all, want: old, wantErr: "the bucket is not in eu-central-1", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			if c.change != nil {
				c.change(f)
			}
			wantError(t, over(f).Apply(t.Context(), bucket, Change{bucket, c.block}), c.wantErr, c.gone, c.permanent)
			if diff := cmp.Diff(c.want, flagsOf(f.block)); diff != "" {
				t.Errorf("block (-want +got):\n%s", diff)
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
	want := with(true, false, false, true)
	if err := opened.Apply(t.Context(), target, Change{target, want.Block}); err != nil {
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
