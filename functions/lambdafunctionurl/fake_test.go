package lambdafunctionurl

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// fakeLambda is a Lambda with one function, which has a URL, and so have its aliases.
type fakeLambda struct {
	mu       sync.Mutex
	function string // empty when it was deleted
	urls     map[string]lambda.UpdateFunctionUrlConfigInput
	tags     map[string]string
	fail     map[string]error // what an operation answers instead
}

// enter locks the fake and gives what Lambda checks before anything else.
func (f *fakeLambda) enter(op string, name *string) error {
	f.mu.Lock()
	switch {
	case f.fail[op] != nil:
		return f.fail[op]
	case f.function == "" || aws.ToString(name) != f.function:
		return apiError(codeNotFound)
	}
	return nil
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

func (f *fakeLambda) GetFunctionUrlConfig(_ context.Context, in *lambda.GetFunctionUrlConfigInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionUrlConfigOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetFunctionUrlConfig", in.FunctionName); err != nil {
		return nil, err
	}
	url, ok := f.urls[aws.ToString(in.Qualifier)]
	if !ok {
		return nil, apiError(codeNotFound)
	}
	return &lambda.GetFunctionUrlConfigOutput{AuthType: url.AuthType, Cors: url.Cors, InvokeMode: url.InvokeMode}, nil
}

func (f *fakeLambda) ListTags(_ context.Context, in *lambda.ListTagsInput, _ ...func(*lambda.Options)) (*lambda.ListTagsOutput, error) {
	defer f.mu.Unlock()
	_, name, _ := strings.Cut(*in.Resource, ":function:")
	if err := f.enter("ListTags", &name); err != nil {
		return nil, err
	}
	return &lambda.ListTagsOutput{Tags: f.tags}, nil
}

// UpdateFunctionUrlConfig keeps what the call does not name.
func (f *fakeLambda) UpdateFunctionUrlConfig(_ context.Context, in *lambda.UpdateFunctionUrlConfigInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionUrlConfigOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("UpdateFunctionUrlConfig", in.FunctionName); err != nil {
		return nil, err
	}
	url, ok := f.urls[aws.ToString(in.Qualifier)]
	if !ok {
		return nil, apiError(codeNotFound)
	}
	if in.AuthType != "" {
		url.AuthType = in.AuthType
	}
	if in.Cors != nil {
		url.Cors = in.Cors
	}
	if in.InvokeMode != "" {
		url.InvokeMode = in.InvokeMode
	}
	f.urls[aws.ToString(in.Qualifier)] = url
	return &lambda.UpdateFunctionUrlConfigOutput{}, nil
}

// cors is what no repair may touch.
func cors() *types.Cors { return &types.Cors{AllowOrigins: []string{"https://example.com"}} }
