package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// The index lists all records in one partition, in the order of Records. That
// bears the 1,000 writes a second of a partition; one partition a day would
// bear no more, because a day's writes would still meet in one, and a listing
// would have to find out which days there are.
const (
	index     = "records"
	partition = "REC"
)

// recordPut writes a record over any earlier form of it.
func (l *Ledger) recordPut(ctx context.Context, rec remedy.Record) (*types.Put, error) {
	body, err := stored.EncodeRecord(rec)
	if err != nil {
		return nil, err
	}
	it := recordKey(rec.ID).item()
	if err := l.pack(ctx, it, blob("body"), body); err != nil {
		return nil, err
	}
	it["rec_form"], it["rec_outcome"], it["rec_function"] = str(stored.Form(rec)), str(string(rec.Outcome)), str(rec.Function)
	it["list_pk"], it["list_sk"] = str(partition), str(listKey(stored.PositionOf(rec)))
	it["undone_by"] = str(rec.UndoneBy) // beside the body, because another record's transaction sets it
	return &types.Put{TableName: &l.table, Item: it}, nil
}

func (l *Ledger) decodeRecord(ctx context.Context, it item) (rec remedy.Record, err error) {
	body, err := l.unpack(ctx, it, blob("body"))
	if err == nil {
		rec, err = stored.DecodeRecord(body)
	}
	if err != nil {
		return remedy.Record{}, fmt.Errorf("read %s: %w", text(it, "pk"), err)
	}
	rec.UndoneBy = text(it, "undone_by")
	return rec, nil
}

func listKey(p stored.Position) string { return p.Received + "#" + p.ID }

// SaveRecord implements [remedy.Ledger].
func (l *Ledger) SaveRecord(ctx context.Context, rec remedy.Record) error {
	put, err := l.recordPut(ctx, rec)
	if err == nil {
		put.ExpressionAttributeValues = item{}
		var names []string
		for _, o := range stored.Closed() {
			name := ":" + string(o)
			names = append(names, name)
			put.ExpressionAttributeValues[name] = str(string(o))
		}
		put.ConditionExpression = ptr("attribute_not_exists(pk) OR NOT (rec_outcome IN (" + strings.Join(names, ", ") + "))")
		_, err = l.put(ctx, put)
	}
	var closed *types.ConditionalCheckFailedException
	if errors.As(err, &closed) {
		err = remedy.ErrStale
	}
	if err != nil {
		return fmt.Errorf("ledger: save record %s: %w", rec.ID, err)
	}
	return nil
}

// Record implements [remedy.Ledger].
func (l *Ledger) Record(ctx context.Context, id string) (remedy.Record, error) {
	recs, err := l.readRecords(ctx, recordKey(id))
	if err == nil && len(recs) == 0 {
		err = remedy.ErrNoRecord
	}
	if err != nil {
		return remedy.Record{}, fmt.Errorf("ledger: record %s: %w", id, err)
	}
	return recs[0], nil
}

// readRecords gives the records that are there, in the order of their keys.
func (l *Ledger) readRecords(ctx context.Context, keys ...key) ([]remedy.Record, error) {
	items, err := l.fetch(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var recs []remedy.Record
	for _, k := range keys {
		if it := items[k]; it != nil {
			rec, err := l.decodeRecord(ctx, it)
			if err != nil {
				return nil, err
			}
			recs = append(recs, rec)
		}
	}
	return recs, nil
}

// Records implements [remedy.Ledger]. A record that was written within the
// last second may be missing from the list: indexes follow their table.
func (l *Ledger) Records(ctx context.Context, q remedy.Query) ([]remedy.Record, string, error) {
	page, next, err := l.records(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("ledger: list records: %w", err)
	}
	return page, next, nil
}

func (l *Ledger) records(ctx context.Context, q remedy.Query) (page []remedy.Record, next string, err error) {
	query, err := l.listQuery(q)
	if err != nil || query == nil {
		return nil, "", err
	}
	size := stored.PageSize(q)
	for {
		out, err := l.client.Query(ctx, query)
		if err != nil {
			return nil, "", err
		}
		var keys []key
		for _, it := range out.Items {
			if text(it, "list_sk") != text(query.ExpressionAttributeValues, ":to") {
				keys = append(keys, keyOf(it))
			}
		}
		// One record more than the page holds tells whether there is a next one.
		for len(keys) > 0 && len(page) <= size {
			n := min(len(keys), size+1-len(page))
			recs, err := l.readRecords(ctx, keys[:n]...)
			if err != nil {
				return nil, "", err
			}
			keys = keys[n:]
			for _, rec := range recs {
				// The index may still have an earlier form.
				if (q.Outcome == "" || q.Outcome == rec.Outcome) && (q.Function == "" || q.Function == rec.Function) {
					page = append(page, rec)
				}
			}
		}
		if len(page) > size {
			return page[:size], stored.PositionOf(page[size-1]).Cursor(), nil
		}
		if len(out.LastEvaluatedKey) == 0 {
			return page, "", nil
		}
		query.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// listQuery gives the query of the index, or nil when nothing can match.
func (l *Ledger) listQuery(q remedy.Query) (*dynamodb.QueryInput, error) {
	from, to := stored.Time(q.Since), ":" // a colon sorts after every digit
	if q.After != "" {
		p, err := stored.ParseCursor(q.After)
		if err != nil {
			return nil, err
		}
		to = listKey(p)
	}
	// An end without an id sorts before every record of its moment.
	if !q.Until.IsZero() {
		to = min(to, stored.Time(q.Until))
	}
	if to < from {
		return nil, nil
	}
	query := &dynamodb.QueryInput{
		TableName: &l.table, IndexName: ptr(index), ScanIndexForward: ptr(false),
		KeyConditionExpression:    ptr("list_pk = :list AND list_sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{":list": str(partition), ":from": str(from), ":to": str(to)},
	}
	var filters []string
	if q.Outcome != "" {
		filters = append(filters, "rec_outcome = :outcome")
		query.ExpressionAttributeValues[":outcome"] = str(string(q.Outcome))
	}
	if q.Function != "" {
		filters = append(filters, "rec_function = :function")
		query.ExpressionAttributeValues[":function"] = str(q.Function)
	}
	if len(filters) > 0 {
		query.FilterExpression = ptr(strings.Join(filters, " AND "))
		return query, nil
	}
	// Without a filter every key counts: the page, where it goes on, and the
	// one that the page comes after. Two pages of that suffice.
	query.Limit = ptr(int32(stored.PageSize(q) + 2)) // #nosec G115 -- at most remedy.MaxPage
	return query, nil
}
