package doctor_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/doctor"
)

// stacks is a stand-in for CloudFormation: it knows the resources of stacks, in
// pages, each resource as "type id".
type stacks struct {
	pages   map[string][][]string
	outputs map[string]string
	denied  bool
}

func (s stacks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	name := r.Form.Get("StackName")
	w.Header().Set("Content-Type", "text/xml")
	pages, ok := s.pages[name]
	switch {
	case s.denied:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
	case !ok:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id %s does not exist</Message></Error></ErrorResponse>`, name)
	case r.Form.Get("Action") == "DescribeStacks":
		var b strings.Builder
		for k, v := range s.outputs {
			fmt.Fprintf(&b, `<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>`, k, v)
		}
		_, _ = fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>%s</StackName><Outputs>%s</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, name, b.String())
	default:
		page, next := 0, ""
		_, _ = fmt.Sscanf(r.Form.Get("NextToken"), "%d", &page)
		if page+1 < len(pages) {
			next = fmt.Sprintf("<NextToken>%d</NextToken>", page+1)
		}
		var b strings.Builder
		for _, resource := range pages[page] {
			kind, id, _ := strings.Cut(resource, " ")
			fmt.Fprintf(&b, `<member><ResourceType>%s</ResourceType><PhysicalResourceId>%s</PhysicalResourceId></member>`, kind, id)
		}
		_, _ = fmt.Fprintf(w, `<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>%s</StackResourceSummaries>%s</ListStackResourcesResult></ListStackResourcesResponse>`, b.String(), next)
	}
}

func (s stacks) find(t *testing.T, name string) (doctor.Deployment, error) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return doctor.FromStack(t.Context(), aws.Config{
		Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	}, name)
}

func TestFromStack(t *testing.T) {
	t.Parallel()
	s := stacks{
		pages: map[string][][]string{
			"ebb": {
				{"AWS::Events::EventBus ebb", "AWS::DynamoDB::Table ebb-Ledger-1", "AWS::SQS::Queue https://sqs/1/dead", "AWS::S3::Bucket b"},
				{"AWS::CloudFormation::Stack arn:ec2", "AWS::Logs::LogGroup api", "AWS::Lambda::Function ebb_github-webhook"},
			},
			"arn:ec2": {
				{"AWS::Events::Rule ebb_b", "AWS::Lambda::Function ebb_b", "AWS::Logs::LogGroup b"},
				{"AWS::Events::Rule ebb|ebb_a", "AWS::Lambda::Function ebb_a", "AWS::SQS::Queue https://sqs/1/other"},
			},
		},
		outputs: map[string]string{"DeadLetterQueue": "https://sqs/1/dead", "LedgerTable": "ebb-Ledger-1", "EventBus": "ebb", "Else": "x"},
	}
	want := doctor.Deployment{
		Stack: "ebb", Table: "ebb-Ledger-1", Bus: "ebb", Queue: "https://sqs/1/dead",
		Rules: []string{"ebb_a", "ebb_b"}, Lambdas: []string{"ebb_a", "ebb_b", "ebb_github-webhook"}, LogGroups: []string{"api", "b"},
	}
	got, err := s.find(t, "ebb")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deployment (-want +got):\n%s", diff)
	}
}

func TestFromStack_that_can_not_be_read(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		stacks stacks
		want   string
	}{
		"not there":        {stacks{}, `there is no stack "ebb" in eu-west-1: --stack names another`},
		"not allowed":      {stacks{denied: true}, "grant cloudformation:DescribeStacks"},
		"nested, but gone": {stacks{pages: map[string][][]string{"ebb": {{"AWS::CloudFormation::Stack arn:gone"}}}}, "list resources of stack arn:gone"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := tt.stacks.find(t, "ebb"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}
