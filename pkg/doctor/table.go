package doctor

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/ebb-ops/ebb/pkg/cloud"
	ledger "github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
)

// deployAgain is what mends a resource that the template makes.
const deployAgain = "Deploy the template again."

func (e *exam) checkTable(ctx context.Context) []Finding {
	if e.Table == "" {
		if e.Stack == "" {
			return nil
		}
		return []Finding{about{"table", e.Stack}.fail(deployAgain, "The stack has no table.")}
	}
	a := about{"table", e.Table}
	client := dynamodb.NewFromConfig(e.cfg)
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &e.Table})
	switch {
	case cloud.HasCode(err, "ResourceNotFoundException"):
		return []Finding{e.tableElsewhere(ctx, a)}
	case err != nil:
		return []Finding{a.unknown(err, "dynamodb:DescribeTable")}
	}
	found := e.schema(a, out.Table)
	if !aws.ToBool(out.Table.DeletionProtectionEnabled) {
		found = append(found, a.fail(fmt.Sprintf("aws dynamodb update-table --table-name %s --deletion-protection-enabled", e.Table), "Anybody who may delete tables can delete it: deletion protection is off."))
	}
	found = append(found, e.expiry(ctx, client, a)...)
	found = append(found, e.recovery(ctx, client, a)...)
	if len(found) == 0 {
		return []Finding{a.ok("Its keys and its index are the ledger's; items expire, can be recovered, and are protected.")}
	}
	return found
}

// tableElsewhere looks in the account's other regions for a table of that name.
func (e *exam) tableElsewhere(ctx context.Context, a about) Finding {
	const here = "There is no such table in %s"
	regions, err := ec2.NewFromConfig(e.cfg).DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
	if err != nil {
		return a.fail("Deploy the template, or name the table of the deployment with --table; AWS_REGION names another region.", here+".", e.cfg.Region)
	}
	var (
		group  sync.WaitGroup
		mu     sync.Mutex
		others []string
	)
	for _, r := range regions.Regions {
		region := aws.ToString(r.RegionName)
		if region == e.cfg.Region {
			continue
		}
		group.Go(func() {
			cfg := e.cfg.Copy()
			cfg.Region = region
			if _, err := dynamodb.NewFromConfig(cfg).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &e.Table}); err == nil {
				mu.Lock()
				defer mu.Unlock()
				others = append(others, region)
			}
		})
	}
	group.Wait()
	if len(others) == 0 {
		return a.fail("Deploy the template, or name the table of the deployment with --table.", here+", nor in another region.", e.cfg.Region)
	}
	slices.Sort(others)
	return a.fail("A ledger must be in its functions' region: set AWS_REGION to the deployment's, or deploy where the table is.", here+"; there is one in %s.", e.cfg.Region, list(others))
}

// schema compares the table with the one that the ledger asks for.
func (e *exam) schema(a about, table *types.TableDescription) (found []Finding) {
	want := ledger.Schema(e.Table)
	const fix = "This is not a ledger's table: name the deployment's with --table, or deploy the template."
	if table.TableStatus != types.TableStatusActive && table.TableStatus != types.TableStatusUpdating {
		found = append(found, a.fail("Wait until it is active, then try again.", "Its status is %s.", table.TableStatus))
	}
	if got, want := keys(table.KeySchema), keys(want.KeySchema); got != want {
		found = append(found, a.fail(fix, "Its keys are %s, a ledger's are %s.", got, want))
	}
	index := want.GlobalSecondaryIndexes[0]
	i := slices.IndexFunc(table.GlobalSecondaryIndexes, func(g types.GlobalSecondaryIndexDescription) bool {
		return aws.ToString(g.IndexName) == aws.ToString(index.IndexName)
	})
	if i < 0 {
		return append(found, a.fail(deployAgain, "It has no index %q: records can't be listed.", aws.ToString(index.IndexName)))
	}
	if got, want := keys(table.GlobalSecondaryIndexes[i].KeySchema), keys(index.KeySchema); got != want {
		found = append(found, a.fail(deployAgain, "The keys of its index %q are %s, a ledger's are %s.", aws.ToString(index.IndexName), got, want))
	}
	return found
}

func keys(schema []types.KeySchemaElement) string {
	var names []string
	for _, k := range schema {
		names = append(names, fmt.Sprintf("%s (%s)", aws.ToString(k.AttributeName), k.KeyType))
	}
	return list(names)
}

func (e *exam) expiry(ctx context.Context, client *dynamodb.Client, a about) []Finding {
	out, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &e.Table})
	if err != nil {
		return []Finding{a.unknown(err, "dynamodb:DescribeTimeToLive")}
	}
	ttl := out.TimeToLiveDescription
	if ttl == nil || ttl.TimeToLiveStatus != types.TimeToLiveStatusEnabled && ttl.TimeToLiveStatus != types.TimeToLiveStatusEnabling || aws.ToString(ttl.AttributeName) != ledger.Expiry {
		return []Finding{a.fail(fmt.Sprintf("aws dynamodb update-time-to-live --table-name %s --time-to-live-specification Enabled=true,AttributeName=%s", e.Table, ledger.Expiry), "Items never expire, so it grows: time to live on the attribute %q is off.", ledger.Expiry)}
	}
	return nil
}

func (e *exam) recovery(ctx context.Context, client *dynamodb.Client, a about) []Finding {
	out, err := client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &e.Table})
	if err != nil {
		return []Finding{a.unknown(err, "dynamodb:DescribeContinuousBackups")}
	}
	d := out.ContinuousBackupsDescription
	if d == nil || d.PointInTimeRecoveryDescription == nil || d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
		return []Finding{a.fail(fmt.Sprintf("aws dynamodb update-continuous-backups --table-name %s --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true", e.Table), "Records can't be recovered: point-in-time recovery is off.")}
	}
	return nil
}
