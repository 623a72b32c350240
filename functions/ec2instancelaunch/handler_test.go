package ec2instancelaunch

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/ec2-instance-launch"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"autoscaling.json":        {{InstanceID: "i-784cdacd", Account: "111122223333", Region: "us-west-1"}, {InstanceID: "i-7b4cdace", Account: "111122223333", Region: "us-west-1"}},
		"public-with-imdsv1.json": {{InstanceID: "i-0123456789abcdef0", Account: "111122223333", Region: "us-east-1"}},
		"run-failed.json":         nil, // failed calls
		"dry-run.json":            nil,
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file := filepath.Base(path)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			ev := sample(t, file)
			if !Function.Handles(ev) {
				t.Errorf("no trigger matches %s %s", ev.Source, ev.Name)
			}
			got, err := decode(ev)
			if err != nil {
				t.Fatal(err)
			}
			wanted, ok := want[file]
			if !ok {
				t.Fatal("the sample is not in the test's table")
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	const two = `{"responseElements":{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":""}]}}}`
	tests := []struct{ name, account, detail, wantErr string }{
		{"null elements", "111122223333", `{"responseElements":null}`, "responseElements.instancesSet: the event names no instance"},
		{"elements that were left out of a large record", "111122223333", `{"responseElements":{"omitted":true,"originalSize":300000,"reason":"responseElements too large"}}`, "names no instance"},
		{"one of two has no id", "111122223333", two, `instance id ""`},
		{"not an id", "111122223333", `{"responseElements":{"instancesSet":{"items":[{"instanceId":"ami-1"}]}}}`, `instance id "ami-1"`},
		{"wrong type", "111122223333", `{"responseElements":{"instancesSet":"i-1"}}`, "decode CloudTrail record of RunInstances"},
		{"truncated", "111122223333", `{"responseElements":{"instancesSet":{"it`, "unexpected end"},
		{"no account", "", `{"responseElements":{"instancesSet":{"items":[{"instanceId":"i-1"}]}}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.ec2", Name: "RunInstances", Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail),
			})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		params  Params
		wantErr string
	}{
		{"the defaults", Params{}, ""},
		{"one of each", Params{[]string{"subnet-1"}, []string{"vpc-1"}, []string{"tier=public", "bastion"}}, ""},
		{"a VPC for a subnet", Params{PublicSubnets: []string{"vpc-1"}}, "public_subnets: "},
		{"a subnet without its id", Params{PublicSubnets: []string{"subnet-"}}, "public_subnets: "},
		{"any VPC", Params{PublicVPCs: []string{"*"}}, "public_vpcs: "},
		{"a tag without a key", Params{PublicTags: []string{"=public"}}, "public_tags: "},
		{"an empty tag", Params{PublicTags: []string{""}}, "public_tags: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.params.Validate()
			if (err == nil) != (tt.wantErr == "") || err != nil && !strings.HasPrefix(err.Error(), tt.wantErr) {
				t.Errorf("Validate = %v, want %q", err, tt.wantErr)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		f.Add([]byte(sample(f, filepath.Base(path)).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := decode(remedy.Event{Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		seen := map[Target]bool{}
		for _, target := range targets {
			if !strings.HasPrefix(target.InstanceID, "i-") || strings.ContainsAny(target.InstanceID, "/:*") || seen[target] {
				t.Errorf("targets %+v", targets)
			}
			seen[target] = true
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "public-with-imdsv1.json")
	s := State{Options: v1, Interfaces: []Interface{{ID: "eni-1", Assigned: true}}}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], s, Params{})); n != 2 {
			b.Fatalf("%d violations, want 2", n)
		}
	}
}
