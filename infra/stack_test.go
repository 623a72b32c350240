package infra_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/infra"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
)

// What CloudFormation and Lambda take.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxResources   = 500
	maxParameters  = 200
	maxTemplate    = 1 << 20 // bytes
	maxEnvironment = 4 << 10 // bytes of a function's variables
	maxName        = 64      // of a function, a rule and a role
	maxRegion      = len("ap-northeast-1")
	maxStack       = 20 // of the stack's name: the template says so
)

// TestStacksHaveRoom holds that a hundred functions fit: as many for each of
// four sources of events, and the hundredth where it is tightest.
func TestStacksHaveRoom(t *testing.T) {
	t.Parallel()
	const hundred, perSource = 100, 25
	tmpls := templates(t)
	bySource := map[string][]deployed{}
	for _, d := range all(t) {
		if !d.receives {
			bySource[d.path] = append(bySource[d.path], d)
		}
		if n := maxStack + 1 + maxRegion + 1 + len(d.name); n > maxName {
			t.Errorf("%s: the name of its role may have %d characters, IAM takes %d", d.name, n, maxName)
		}
	}
	for path, tmpl := range tmpls {
		functions, own := len(bySource[path]), 0
		for _, d := range bySource[path] {
			for id := range tmpl.Resources {
				if d.owns(id) {
					own++
				}
			}
		}
		resources, size := len(tmpl.Resources), tmpl.Size
		switch {
		case functions > 0: // what is not a function's stays as it is
			perFunction := (own + functions - 1) / functions
			resources += (perSource - functions) * perFunction
			size += (perSource - functions) * tmpl.Size / functions
			if perFunction > 7 {
				t.Errorf("%s: a function has %d resources, want 7", path, perFunction)
			}
			t.Logf("%s: %d resources for each function", path, perFunction)
		case path == infra.Spoke: // a role for each
			resources += hundred
			size += hundred * 2000
		}
		t.Logf("%-32s %3d resources, %3d with a hundred functions; %7d bytes", path, len(tmpl.Resources), resources, size)
		if resources > maxResources || size > maxTemplate || len(tmpl.Parameters) > maxParameters {
			t.Errorf("%s: %d resources, %d bytes, %d parameters; CloudFormation takes %d, %d, %d",
				path, resources, size, len(tmpl.Parameters), maxResources, maxTemplate, maxParameters)
		}
	}
}

// TestEnvironmentHasRoom holds that a source may have 50 functions: each knows
// the roles of all of them, in both forms.
func TestEnvironmentHasRoom(t *testing.T) {
	t.Parallel()
	const perSource = 50
	longest := 0
	for _, d := range all(t) {
		if d.awsSource != "" {
			longest = max(longest, len(d.name))
		}
	}
	const account = "111122223333"
	self := len("arn:aws-us-gov:iam::"+account+":role/") + maxStack + 1 + maxRegion + 1 + len("{},arn:aws-us-gov:iam::*:role/ebb-{}") + 2*perSource*(longest+1)
	const others = 600 // table, bus, spoke role, external id, and the names of all variables
	if self+others > maxEnvironment {
		t.Errorf("%d functions of one source have %d bytes of variables, Lambda takes %d", perSource, self+others, maxEnvironment)
	}
}

// TestNestedStacksGetTheirParameters compares what is passed with what is asked for.
func TestNestedStacksGetTheirParameters(t *testing.T) {
	t.Parallel()
	tmpls := templates(t)
	for path, tmpl := range tmpls {
		for name, p := range tmpl.Parameters {
			if p.Description == "" || p.Type == "" {
				t.Errorf("%s: parameter %s has no type or no description", path, name)
			}
			if path == infra.Root && p.Default == nil {
				t.Errorf("%s: parameter %s has no default: nothing else must need to be written", path, name)
			}
		}
		for id, r := range tmpl.Resources {
			if r.Type != "AWS::CloudFormation::Stack" {
				continue
			}
			child := r.Properties["TemplateURL"].(string)
			want := slices.Sorted(maps.Keys(tmpls[child].Parameters))
			got := slices.Sorted(maps.Keys(r.Properties["Parameters"].(object)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: parameters of %s (-want +got):\n%s", path, id, diff)
			}
		}
	}
}

// TestBusStays holds what an update must not replace: rules of others may be on
// the bus, and senders know its name.
func TestBusStays(t *testing.T) {
	t.Parallel()
	root := templates(t)[infra.Root].Resources
	want := resource{Type: "AWS::Events::EventBus", Properties: object{"Name": "AWS::StackName"}}
	if diff := cmp.Diff(want, root["Bus"]); diff != "" {
		t.Errorf("the bus (-want +got):\n%s", diff)
	}
	archive := object{"Description": "What the bus took, for a replay", "SourceArn": "Bus.Arn", "RetentionDays": "ArchiveDays"}
	if diff := cmp.Diff(archive, root["BusArchive"].Properties); diff != "" {
		t.Errorf("its archive (-want +got):\n%s", diff)
	}
}

// TestKeptThingsAreRetained holds that deleting the stack deletes nothing that
// can't be made again.
func TestKeptThingsAreRetained(t *testing.T) {
	t.Parallel()
	var got []string
	for path, tmpl := range templates(t) {
		for id, r := range tmpl.Resources {
			if r.DeletionPolicy == "Retain" {
				got = append(got, path+" "+id)
			}
		}
	}
	slices.Sort(got)
	want := []string{"infra/backup.yaml Vault", "template.yaml Bucket", "template.yaml DeadLetters", "template.yaml Key", "template.yaml Ledger"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("retained (-want +got):\n%s", diff)
	}
}

// TestTableIsTheLedgers compares the table with the one that the ledger makes
// for itself in tests.
func TestTableIsTheLedgers(t *testing.T) {
	t.Parallel()
	var made tableMaker
	if err := dynamodb.CreateTable(t.Context(), &made, "ebb"); err != nil {
		t.Fatal(err)
	}
	index := made.table.GlobalSecondaryIndexes[0]
	var attributes list
	for _, a := range made.table.AttributeDefinitions {
		attributes = append(attributes, object{"AttributeName": *a.AttributeName, "AttributeType": string(a.AttributeType)})
	}
	want := object{
		"BillingMode":          string(made.table.BillingMode),
		"AttributeDefinitions": attributes,
		"KeySchema":            keys(made.table.KeySchema),
		"GlobalSecondaryIndexes": list{object{
			"IndexName": *index.IndexName, "KeySchema": keys(index.KeySchema),
			"Projection": object{"ProjectionType": string(index.Projection.ProjectionType), "NonKeyAttributes": strs(index.Projection.NonKeyAttributes...)},
		}},
		"TimeToLiveSpecification": object{"AttributeName": *made.ttl.AttributeName, "Enabled": *made.ttl.Enabled},
		// What production has beyond that.
		"PointInTimeRecoverySpecification": object{"PointInTimeRecoveryEnabled": true},
		"SSESpecification": object{
			"SSEEnabled": true, "SSEType": "KMS",
			"KMSMasterKeyId": object{"Fn::If": list{"CustomerKey", "Key.Arn", "AWS::NoValue"}},
		},
		"DeletionProtectionEnabled": true,
	}
	table := templates(t)[infra.Root].Resources["Ledger"]
	if diff := cmp.Diff(want, table.Properties); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
	if len(made.table.GlobalSecondaryIndexes) != 1 {
		t.Errorf("%d indexes, want one", len(made.table.GlobalSecondaryIndexes))
	}
}

// tableMaker notes how the ledger makes its table.
type tableMaker struct {
	table *awsdynamodb.CreateTableInput
	ttl   *types.TimeToLiveSpecification
}

func (m *tableMaker) CreateTable(_ context.Context, in *awsdynamodb.CreateTableInput, _ ...func(*awsdynamodb.Options)) (*awsdynamodb.CreateTableOutput, error) {
	m.table = in
	return &awsdynamodb.CreateTableOutput{}, nil
}

func (m *tableMaker) DescribeTable(context.Context, *awsdynamodb.DescribeTableInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.DescribeTableOutput, error) {
	return &awsdynamodb.DescribeTableOutput{Table: &types.TableDescription{TableStatus: types.TableStatusActive}}, nil
}

func (m *tableMaker) UpdateTimeToLive(_ context.Context, in *awsdynamodb.UpdateTimeToLiveInput, _ ...func(*awsdynamodb.Options)) (*awsdynamodb.UpdateTimeToLiveOutput, error) {
	m.ttl = in.TimeToLiveSpecification
	return &awsdynamodb.UpdateTimeToLiveOutput{}, nil
}

func keys(schema []types.KeySchemaElement) list {
	var out list
	for _, k := range schema {
		out = append(out, object{"AttributeName": aws.ToString(k.AttributeName), "KeyType": string(k.KeyType)})
	}
	return out
}
