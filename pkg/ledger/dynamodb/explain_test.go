package dynamodb_test

import (
	"strings"
	"testing"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// TestTableInAnotherRegion has every kind of call meet a region without the table.
func TestTableInAnotherRegion(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	if err := dynamodb.CreateTable(t.Context(), awsdynamodb.NewFromConfig(account.Config), "ledger"); err != nil {
		t.Fatal(err)
	}
	cfg := account.Config.Copy()
	cfg.Region = "eu-west-1"
	l := dynamodb.New(awsdynamodb.NewFromConfig(cfg), "ledger")
	ref := remedy.Ref{Type: "T", ID: "r"}
	calls := map[string]func() error{
		"look":    func() error { _, err := l.Look(t.Context(), "f", ref, "r1"); return err },
		"records": func() error { _, _, err := l.Records(t.Context(), remedy.Query{}); return err },
		"save":    func() error { return l.SaveRecord(t.Context(), remedy.Record{ID: "r1", Function: "f", Resource: ref}) },
		"letter":  func() error { return l.SaveDeadLetter(t.Context(), remedy.DeadLetter{ID: "d1", Payload: []byte("x")}) },
	}
	for name, call := range calls {
		err := call()
		if err == nil || !strings.Contains(err.Error(), "there is no table ledger in this region") || !strings.Contains(err.Error(), "ebb doctor --table ledger") || remedy.IsPermanent(err) {
			t.Errorf("%s: error = %v, want one that says where to look, for a retry", name, err)
		}
		if !cloud.HasCode(err, "ResourceNotFoundException") {
			t.Errorf("%s: error = %v hides its cause", name, err)
		}
	}
}
