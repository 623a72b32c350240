package dynamodb

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

type item = map[string]types.AttributeValue

// key is an item's primary key.
type key struct{ pk, sk string }

func (k key) item() item { return item{"pk": str(k.pk), "sk": str(k.sk)} }

func keyOf(it item) key { return key{text(it, "pk"), text(it, "sk")} }

func entryKey(r remedy.Ref) key { return key{"RES#" + r.Key(), "ENTRY"} }

func baselineKey(r remedy.Ref, function string) key { return key{"RES#" + r.Key(), "BASE#" + function} }

func recordKey(id string) key { return key{"REC#" + id, "REC"} }

func deadLetterKey(id string) key { return key{"DEAD", id} }

// numberedKey is the key of one of several: a slot, a part.
func numberedKey(pk string, n int) key { return key{pk, fmt.Sprintf("%04d", n)} }

// holdName is the entry's attribute for a function's hold.
func holdName(function string) string { return "hold#" + function }

func ptr[T any](v T) *T { return &v }

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func bin(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// text gives a string attribute, or "" when there is none.
func text(it item, name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// number gives a number attribute, or 0 when there is none.
func number(it item, name string) (int64, error) {
	n, ok := it[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0, nil
	}
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("attribute %s: %w", name, err)
	}
	return v, nil
}

// timeOf gives a time attribute, or the zero time when there is none.
func timeOf(it item, name string) (time.Time, error) {
	s := text(it, name)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := stored.ParseTime(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("attribute %s: %w", name, err)
	}
	return t, nil
}
