package ec2imagesharing

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/ec2-image-sharing"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	composed := []Target{{"ami-0123456789abcdef0", "111122223333", "us-east-1"}}
	want := map[string][]Target{
		"share-with-account.json":       {{"ami-de1fbCab6ccB03e6D", "111122223333", "us-east-1"}},
		"make-public.json":              composed,
		"share-with-organizations.json": composed,
		"stop-sharing.json":             composed,
		"set-description.json":          composed,
		"modify-failed.json":            nil, // a failed call
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
	tests := []struct{ name, account, detail, wantErr string }{
		{"null parameters", "111122223333", `{"requestParameters":null}`, "requestParameters.imageId is missing"},
		{"no image", "111122223333", `{"requestParameters":{"attributeType":"launchPermission"}}`, "requestParameters.imageId is missing"},
		{"not an id", "111122223333", `{"requestParameters":{"imageId":"aki-1"}}`, "does not start with ami-"},
		{"wrong type", "111122223333", `{"requestParameters":{"imageId":["ami-1"]}}`, "decode CloudTrail record of ModifyImageAttribute"},
		{"truncated", "111122223333", `{"requestParameters":{"imageId":"am`, "unexpected end"},
		{"no account", "", `{"requestParameters":{"imageId":"ami-1"}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.ec2", Name: "ModifyImageAttribute", Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail),
			})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::EC2::Image", ID: "arn:aws-cn:ec2:cn-north-1::image/ami-1", Account: "111122223333", Region: "cn-north-1"}
	if got := (Target{"ami-1", "111122223333", "cn-north-1"}).Ref(); got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
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
		{"one of each", Params{[]string{partner}, []string{"o-a1b2c3d4e5"}, []string{"ou-ab12-cd34ef56"}}, ""},
		{"an account that is none", Params{AllowedAccounts: []string{"*"}}, `allowed_accounts: "*"`},
		{"an organization's ARN", Params{AllowedOrganizations: []string{ours}}, "allowed_organizations: "},
		{"a unit for an organization", Params{AllowedOrganizations: []string{"ou-ab12-cd34ef56"}}, "allowed_organizations: "},
		{"an organization for a unit", Params{AllowedUnits: []string{"o-a1b2c3d4e5"}}, "allowed_units: "},
		{"an empty unit", Params{AllowedUnits: []string{""}}, `allowed_units: ""`},
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
		targets, err := decode(remedy.Event{Name: "ModifyImageAttribute", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if !strings.HasPrefix(target.ImageID, "ami-") {
				t.Errorf("target %+v is no image", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "make-public.json")
	s := State{Public: true, Accounts: []string{partner, backup}, Organizations: []string{ours}}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], s, Params{})); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
