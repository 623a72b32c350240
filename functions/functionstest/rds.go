package functionstest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// database makes an instance in a VPC.
func database(ctx context.Context, account Account, name string) (*rds.Client, error) {
	api := rds.NewFromConfig(account.Config)
	_, err := api.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: &name, Engine: aws.String("postgres"), DBInstanceClass: aws.String("db.t4g.micro"),
		AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("admin1"), MasterUserPassword: aws.String("not-a-secret"), PubliclyAccessible: aws.Bool(false),
	})
	return api, err
}

func databaseSnapshot(ctx context.Context, events samples, account Account) (Stage, error) {
	api, err := database(ctx, account, "orders")
	if err != nil {
		return Stage{}, err
	}
	name := "orders-snapshot"
	if _, err := api.CreateDBSnapshot(ctx, &rds.CreateDBSnapshotInput{DBInstanceIdentifier: aws.String("orders"), DBSnapshotIdentifier: &name}); err != nil {
		return Stage{}, err
	}
	share := func(ctx context.Context, with string) error {
		_, err := api.ModifyDBSnapshotAttribute(ctx, &rds.ModifyDBSnapshotAttributeInput{
			DBSnapshotIdentifier: &name, AttributeName: aws.String("restore"), ValuesToAdd: []string{with},
		})
		return err
	}
	if err := share(ctx, "444455556666"); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, name,
		"rds-snapshot-sharing/make-public.json", "orders-2026-03",
		"rds-snapshot-sharing/modify-denied.json", "orders-2026-03")
	s.Spoil = func(ctx context.Context) error { return share(ctx, "all") }
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.DescribeDBSnapshotAttributes(ctx, &rds.DescribeDBSnapshotAttributesInput{DBSnapshotIdentifier: &name})
		if err != nil {
			return nil, err
		}
		return out.DBSnapshotAttributesResult.DBSnapshotAttributes[0].AttributeValues, nil
	}
	s.Bad = []string{"444455556666", "all"}
	s.Good = []string{"444455556666"}
	return s, err
}
