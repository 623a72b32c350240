package cloud_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ebb-ops/ebb/pkg/cloud"
)

// late is net/http on a busy machine: the request's body is closed before it
// looks for more of it.
type late struct{ err error }

func (l *late) Do(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	if err := r.Body.Close(); err != nil {
		return nil, err
	}
	_, l.err = io.Copy(io.Discard, r.Body)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(`<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)),
	}, nil
}

func TestKeepAnswers(t *testing.T) {
	t.Parallel()
	client := &late{}
	api := sts.New(sts.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""), HTTPClient: cloud.KeepAnswers(client),
	})
	out, err := api.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || aws.ToString(out.Account) != "111122223333" {
		t.Errorf("answer %+v, %v", out, err)
	}
	if client.err != nil {
		t.Errorf("reading the closed body: %v, which would close the connection", client.err)
	}
}
