package s3bucketpolicy

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

var bucket = Target{Bucket: "ebb-bucket", Account: "111122223333", Region: "eu-central-1"}

func newFake() *fakeS3 {
	return &fakeS3{
		bucket: bucket.Bucket, owner: bucket.Account, policy: " {\"Statement\":[]}\n",
		tags: map[string]string{"team": "web"}, fail: map[string]error{},
	}
}

func over(f *fakeS3) store { return store{func(remedy.Ref) client { return f }} }

func TestRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change    func(*fakeS3)
		want      State
		wantErr   string
		gone      bool
		permanent bool
	}{
		"policy and tags":       {change: func(*fakeS3) {}, want: State{Policy: parsed(t, " {\"Statement\":[]}\n"), Tags: map[string]string{"team": "web"}}},
		"neither":               {change: func(f *fakeS3) { f.policy, f.tags = "", nil }, want: State{}},
		"no such bucket":        {change: func(f *fakeS3) { f.bucket = "" }, wantErr: "NoSuchBucket", gone: true},
		"another account's":     {change: func(f *fakeS3) { f.owner = "210987654321" }, wantErr: "for a bucket that is not account 111122223333's"},
		"policy unreadable":     {change: func(f *fakeS3) { f.fail["GetBucketPolicy"] = apiError("AccessDenied") }, wantErr: "grant s3:GetBucketPolicy"},
		"tags unreadable":       {change: func(f *fakeS3) { f.fail["GetBucketTagging"] = apiError("AccessDenied") }, wantErr: "grant s3:GetBucketTagging"},
		"throttled":             {change: func(f *fakeS3) { f.fail["GetBucketPolicy"] = apiError("SlowDown") }, wantErr: "SlowDown"},
		"in another region":     {change: func(f *fakeS3) { f.fail["GetBucketPolicy"] = apiError("PermanentRedirect") }, wantErr: "the bucket is not in eu-central-1", permanent: true},
		"policy not understood": {change: func(f *fakeS3) { f.policy = `{"Statement":[],"New":1}` }, wantErr: "parse policy: New: is no member"},
		"empty policy":          {change: func(f *fakeS3) { f.policy = " " }, wantErr: "parse policy"},
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
	text := doc(t, partner)
	for name, c := range map[string]struct {
		change    func(*fakeS3)
		policy    Change
		want      string
		wantErr   string
		gone      bool
		permanent bool
	}{
		"put":                       {policy: Change{bucket, text}, want: text.String()},
		"delete":                    {policy: Change{Target: bucket}, want: ""},
		"delete what is not there":  {change: func(f *fakeS3) { f.policy = "" }, policy: Change{Target: bucket}, want: ""},
		"put, gone":                 {change: func(f *fakeS3) { f.bucket = "" }, policy: Change{bucket, text}, want: "old", wantErr: "NoSuchBucket", gone: true},
		"delete, gone":              {change: func(f *fakeS3) { f.bucket = "" }, policy: Change{Target: bucket}, want: "old", wantErr: "NoSuchBucket", gone: true},
		"put, another account's":    {change: func(f *fakeS3) { f.owner = "210987654321" }, policy: Change{bucket, text}, want: "old", wantErr: "for a bucket that is not account 111122223333's"},
		"delete, another account's": {change: func(f *fakeS3) { f.owner = "210987654321" }, policy: Change{Target: bucket}, want: "old", wantErr: "for a bucket that is not account 111122223333's"},
		"put, denied or blocked":    {change: func(f *fakeS3) { f.fail["PutBucketPolicy"] = apiError("AccessDenied") }, policy: Change{bucket, text}, want: "old", wantErr: "a public access block with BlockPublicPolicy"},
		"put, a principal is gone":  {change: func(f *fakeS3) { f.fail["PutBucketPolicy"] = apiError("MalformedPolicy") }, policy: Change{bucket, text}, want: "old", wantErr: "a principal that it names may have been deleted", permanent: true},
		"put, in the way":           {change: func(f *fakeS3) { f.fail["PutBucketPolicy"] = apiError("OperationAborted") }, policy: Change{bucket, text}, want: "old", wantErr: "put the policy of bucket ebb-bucket"},
		"delete, in another region": {change: func(f *fakeS3) { f.fail["DeleteBucketPolicy"] = apiError("AuthorizationHeaderMalformed") }, policy: Change{Target: bucket}, want: "old", wantErr: "the bucket is not in eu-central-1", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.policy = "old"
			if c.change != nil {
				c.change(f)
			}
			wantError(t, over(f).Apply(t.Context(), bucket, c.policy), c.wantErr, c.gone, c.permanent)
			if f.policy != c.want {
				t.Errorf("policy = %q, want %q", f.policy, c.want)
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
	want := State{Policy: doc(t, tlsOnly, partner)}
	if err := opened.Apply(t.Context(), target, Change{target, want.Policy}); err != nil {
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
