package cloud

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

var errWebPage = errors.New("the answer is a web page, not one of AWS's: is there a proxy or a captive portal in between?")

// refusePages makes an error of a web page. The SDK's decoders skip what they do
// not know, so a page would pass as an answer in which everything is empty:
// "there is no such group", "no flag is on".
func refusePages(stack *middleware.Stack) error {
	return stack.Deserialize.Insert(middleware.DeserializeMiddlewareFunc("ebb.RefusePages", refusePage), "OperationDeserializer", middleware.After)
}

func refusePage(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	out, meta, err := next.HandleDeserialize(ctx, in)
	res, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || res.Body == nil {
		return out, meta, err
	}
	body := bufio.NewReader(res.Body)
	start, _ := body.Peek(64) // fewer bytes when the body is shorter
	start = bytes.ToLower(bytes.TrimSpace(start))
	if bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html")) {
		return out, meta, errWebPage
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{body, res.Body}
	return out, meta, nil
}
