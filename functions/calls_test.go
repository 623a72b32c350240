//go:build linux

package functions_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// counting counts the calls that go through it.
type counting struct{ calls atomic.Int64 }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

// TestRemoteCalls holds how many remote calls each function makes for an event,
// the ledger's in DynamoDB included, to the list in testdata.
func TestRemoteCalls(t *testing.T) {
	const file = "testdata/calls.golden"
	var got strings.Builder
	fmt.Fprintf(&got, "%-30s %9s %9s %9s\n", "remote calls", "observed", "reverted", "compliant")
	for _, f := range functions.All {
		account := mototest.New(t)
		st := stageFor(t, f.Name, account)
		client := awsdynamodb.NewFromConfig(account.Config)
		check(t, dynamodb.CreateTable(t.Context(), client, "ebb"))
		transport := &counting{}
		env := withSettings(account.Env, st.settings)
		env.Transport = transport
		cfg := account.Config.Copy()
		cfg.HTTPClient = &http.Client{Transport: transport}
		h, err := remedy.Open(t.Context(), f, env)
		check(t, err)
		m, err := bus.Decode(st.event)
		check(t, err)
		handle := func(payload []byte, id string, observe bool, want remedy.Outcome) int64 {
			before := transport.calls.Load()
			e := remedy.New(dynamodb.New(awsdynamodb.NewFromConfig(cfg), "ebb"), enforcing(t), remedy.Options{Observe: observe})
			recs, err := host.Invoker{Engine: e, Handler: h}.Invoke(t.Context(), host.Delivery{
				Payload: bytes.ReplaceAll(payload, []byte(m.Event.ID), []byte(id)),
			})
			check(t, err)
			if len(recs) != 1 || recs[0].Outcome != want {
				t.Errorf("%s: records = %+v, want one %s", f.Name, recs, want)
			}
			return transport.calls.Load() - before
		}
		if st.learn != nil {
			handle(st.learn, "learned", false, remedy.Compliant)
		}
		st.spoil(t)
		fmt.Fprintf(&got, "%-30s %9d %9d %9d\n", f.Name,
			handle(st.event, "observed", true, remedy.Observed),
			handle(st.event, "reverted", false, remedy.Reverted),
			handle(st.event, "compliant", false, remedy.Compliant))
	}
	if *update {
		check(t, os.WriteFile(file, []byte(got.String()), 0o600))
		return
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("remote calls have changed; if that is meant, run `go test ./functions -run TestRemoteCalls -update` (-file +code):\n%s", diff)
	}
}
