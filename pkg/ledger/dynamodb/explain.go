package dynamodb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ebb-ops/ebb/pkg/cloud"
)

// explained is a client whose errors say what to do about the table.
type explained struct {
	client API
	table  string
}

// explain wraps an error of the API. A table that is not there may be in another
// region, or be another stack's: the functions' settings say which they use.
func (e explained) explain(err error, action string) error {
	if cloud.HasCode(err, "ResourceNotFoundException") {
		return fmt.Errorf("there is no table %s in this region: the ledger must be in the region of its functions; ebb doctor --table %s looks for it in the others: %w", e.table, e.table, err)
	}
	if cloud.Denied(err) {
		return fmt.Errorf("table %s: %w", e.table, cloud.Explain(err, action))
	}
	return err
}

// BatchGetItem implements [API].
func (e explained) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	out, err := e.client.BatchGetItem(ctx, in, opts...)
	return out, e.explain(err, "dynamodb:BatchGetItem")
}

// Query implements [API].
func (e explained) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := e.client.Query(ctx, in, opts...)
	return out, e.explain(err, "dynamodb:Query")
}

// PutItem implements [API].
func (e explained) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	out, err := e.client.PutItem(ctx, in, opts...)
	return out, e.explain(err, "dynamodb:PutItem")
}

// DeleteItem implements [API].
func (e explained) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	out, err := e.client.DeleteItem(ctx, in, opts...)
	return out, e.explain(err, "dynamodb:DeleteItem")
}

// TransactWriteItems implements [API].
func (e explained) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	out, err := e.client.TransactWriteItems(ctx, in, opts...)
	return out, e.explain(err, "dynamodb:PutItem and dynamodb:UpdateItem")
}
