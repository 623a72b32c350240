package rdspublicaccess

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"
)

// fake is one instance, with RDS's answers.
type fake struct {
	mu       sync.Mutex
	instance string // empty when there is none
	status   string
	public   *bool
	class    string
	pending  string // the class that it gets in the maintenance window
	tags     []types.Tag
	copies   int                         // how many more of it a look-up holds than there are
	fail     map[string]string           // calls that fail, and with which code
	modified []rds.ModifyDBInstanceInput // the calls that were made
}

func newFake() *fake {
	return &fake{
		instance: "orders", status: "available", public: aws.Bool(false), class: "db.t4g.micro", pending: "db.t4g.large",
		fail: map[string]string{},
	}
}

func (f *fake) enter(call string, id *string) error {
	f.mu.Lock()
	switch {
	case f.fail[call] != "":
		return &smithy.GenericAPIError{Code: f.fail[call], Message: "no"}
	case aws.ToString(id) != f.instance:
		return &types.DBInstanceNotFoundFault{}
	}
	return nil
}

func (f *fake) DescribeDBInstances(_ context.Context, in *rds.DescribeDBInstancesInput, _ ...func(*rds.Options)) (*rds.DescribeDBInstancesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeDBInstances", in.DBInstanceIdentifier); err != nil {
		return nil, err
	}
	found := types.DBInstance{
		DBInstanceIdentifier: &f.instance, DBInstanceStatus: aws.String(f.status), DBInstanceClass: aws.String(f.class), TagList: f.tags,
		PendingModifiedValues: &types.PendingModifiedValues{DBInstanceClass: aws.String(f.pending)},
	}
	if f.public != nil {
		found.PubliclyAccessible = aws.Bool(*f.public)
	}
	return &rds.DescribeDBInstancesOutput{DBInstances: slices.Repeat([]types.DBInstance{found}, 1+f.copies)}, nil
}

// ModifyDBInstance applies PubliclyAccessible at once, and with ApplyImmediately
// also what is pending.
func (f *fake) ModifyDBInstance(_ context.Context, in *rds.ModifyDBInstanceInput, _ ...func(*rds.Options)) (*rds.ModifyDBInstanceOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ModifyDBInstance", in.DBInstanceIdentifier); err != nil {
		return nil, err
	}
	if f.status != "available" {
		return nil, &types.InvalidDBInstanceStateFault{Message: aws.String("Database instance is not in available state.")}
	}
	f.modified = append(f.modified, *in)
	if in.PubliclyAccessible != nil {
		f.public = aws.Bool(*in.PubliclyAccessible)
	}
	if aws.ToBool(in.ApplyImmediately) {
		f.class, f.pending = f.pending, ""
	}
	return &rds.ModifyDBInstanceOutput{}, nil
}

func awsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}
