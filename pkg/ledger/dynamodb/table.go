package dynamodb

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TableAPI is what [CreateTable] needs of a DynamoDB client.
type TableAPI interface {
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
}

// createFor is how long a new table may take to become usable.
const createFor = time.Minute

// CreateTable makes the ledger's table and waits until it can be used. It is
// for tests and the emulator: in production the template makes the table, with
// the same keys, index and time to live.
func CreateTable(ctx context.Context, client TableAPI, table string) error {
	if err := createTable(ctx, client, table); err != nil {
		return fmt.Errorf("ledger: create table %s: %w", table, err)
	}
	return nil
}

// Schema gives the ledger's table as DynamoDB is asked for it: its keys, its
// index and what its index holds.
func Schema(table string) *dynamodb.CreateTableInput {
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	keys := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: &hash, KeyType: types.KeyTypeHash},
			{AttributeName: &sort, KeyType: types.KeyTypeRange},
		}
	}
	return &dynamodb.CreateTableInput{
		TableName:            &table,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{attribute("pk"), attribute("sk"), attribute("list_pk"), attribute("list_sk")},
		KeySchema:            keys("pk", "sk"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: ptr(index),
			KeySchema: keys("list_pk", "list_sk"),
			Projection: &types.Projection{
				ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"rec_outcome", "rec_function"},
			},
		}},
	}
}

// Expiry is the attribute that holds when an item may be deleted.
const Expiry = "expires"

func createTable(ctx context.Context, client TableAPI, table string) error {
	if _, err := client.CreateTable(ctx, Schema(table)); err != nil {
		return err
	}
	if err := dynamodb.NewTableExistsWaiter(client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &table}, createFor); err != nil {
		return err
	}
	_, err := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               &table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: ptr(Expiry), Enabled: ptr(true)},
	})
	return err
}
