package remedytest

import (
	"testing"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestMisworded(t *testing.T) {
	t.Parallel()
	bucket := remedy.Ref{ID: "arn:aws:s3:::site", Account: "111122223333"}
	account := remedy.Ref{ID: "arn:aws:iam::111122223333:account-password-policy", Account: "111122223333"}
	for message, tt := range map[string]struct {
		of   remedy.Ref
		want string
	}{
		"Bucket site is public.":                              {bucket, ""},
		"Bucket site is public. Only its owner can close it.": {bucket, ""},
		"Account 111122223333 has no password policy.":        {account, ""},
		"":                                 {bucket, "is missing"},
		"bucket site is public.":           {bucket, "does not begin with a capital letter"},
		"Bucket site is public":            {bucket, "does not end with one full stop"},
		"Bucket site is public..":          {bucket, "does not end with one full stop"},
		"Bucket site  is public.":          {bucket, "has more white space than single spaces"},
		"Bucket site\nis public.":          {bucket, "has more white space than single spaces"},
		" Bucket site is public.":          {bucket, "does not begin with a capital letter"},
		"Bucket site is public. A. B.":     {bucket, "has too many sentences"},
		"Bucket site is public; close it.": {bucket, "runs on after a semicolon"},
		"The bucket is public.":            {bucket, "does not name the resource"},
		"The account has no policy.":       {account, "does not name the resource"},
	} {
		if got := misworded(message, tt.of); got != tt.want {
			t.Errorf("%q: %q, want %q", message, got, tt.want)
		}
	}
}
