package imds_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/imds"
)

// all are the options that an instance can have.
func all() []imds.Options {
	var out []imds.Options
	for _, endpoint := range []string{imds.Enabled, imds.Disabled} {
		for _, tokens := range []string{imds.Optional, imds.Required} {
			out = append(out, imds.Options{Endpoint: endpoint, Tokens: tokens})
		}
	}
	return out
}

func TestV1(t *testing.T) {
	t.Parallel()
	for _, o := range append(all(), imds.Options{}) {
		want := o == imds.Options{Endpoint: "enabled", Tokens: "optional"} || o == imds.Options{}
		if got := o.V1(); got != want || len(o.Check("i-1")) > 0 != want {
			t.Errorf("%+v: the first version answers: %v, violations %v; want %v", o, got, o.Check("i-1"), want)
		}
		fixed := o.Repaired()
		if fixed.V1() || fixed.Endpoint != o.Endpoint || !want && fixed != o {
			t.Errorf("%+v is repaired to %+v", o, fixed)
		}
	}
}

func TestDiffNamesOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	for _, from := range all() {
		for _, to := range all() {
			got := from
			changes := imds.Diff("i-1", from, to)
			if len(changes) > 1 || len(changes) == 0 && from != to || len(changes) > 0 && from == to {
				t.Fatalf("from %+v to %+v: %v", from, to, changes)
			}
			for _, c := range changes {
				if c.Endpoint != "" {
					got.Endpoint = c.Endpoint
				}
				if c.Tokens != "" {
					got.Tokens = c.Tokens
				}
			}
			if got != to {
				t.Errorf("the changes from %+v to %+v lead to %+v", from, to, got)
			}
		}
	}
	call, err := json.Marshal(imds.Diff("i-1", imds.Options{Endpoint: "enabled", Tokens: "optional"}, imds.Options{Endpoint: "enabled", Tokens: "required"})[0].Call())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"api":"ec2:ModifyInstanceMetadataOptions","params":{"HttpTokens":"required","InstanceId":"i-1"}}`
	if diff := cmp.Diff(want, string(call)); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
}
