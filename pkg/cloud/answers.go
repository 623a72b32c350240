package cloud

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// KeepAnswers gives an HTTP client that loses no answers where there is little of
// a processor, as in a small function. The SDK closes a request's body when the
// head of the answer is there. Where net/http has not looked yet whether more of
// the body is to come, the closed body's WriteTo says io.EOF, which is an error
// there: the connection is closed while the answer is read, and the SDK repeats a
// call that was carried out. That Read says io.EOF is no error. Where c is nil it
// gives a client as the SDK's own.
func KeepAnswers(c aws.HTTPClient) aws.HTTPClient {
	if c == nil {
		c = awshttp.NewBuildableClient()
	}
	return keeper{c}
}

type keeper struct{ aws.HTTPClient }

func (k keeper) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = readCloser{r.Body}
	}
	return k.HTTPClient.Do(r)
}

// readCloser has no WriteTo.
type readCloser struct{ io.ReadCloser }
