package ec2securitygroup

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/ec2-security-group"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	group := func(id string) []Target { return []Target{{id, "111122223333", "us-east-1"}} }
	want := map[string][]Target{
		"authorize-world-ssh.json":  group("sg-003dc7f1f1c686164"),
		"authorize-many-rules.json": group("sg-0a1b2c3d4e5f60718"),
		"modify-rule.json":          group("sg-0a1b2c3d4e5f60718"),
		"authorize-denied.json":     nil, // a failed call
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

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, detail, region string
		want                 []string
		wantErr              string
	}{
		{name: "named by group name, id in the answer", region: "eu-west-1", detail: `{"requestParameters":{"groupName":"web","ipPermissions":{}},
			"responseElements":{"securityGroupRuleSet":{"items":[{"groupId":"sg-1"},{"groupId":"sg-1"}]}}}`, want: []string{"sg-1"}},
		{name: "empty rule set", region: "eu-west-1", detail: `{"requestParameters":{"groupId":"sg-1"},"responseElements":{"securityGroupRuleSet":{}}}`, want: []string{"sg-1"}},
		{name: "several rules modified", region: "eu-west-1", detail: `{"requestParameters":{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-1","SecurityGroupRule":[{"tag":1},{"tag":2}]}}}`, want: []string{"sg-1"}},
		{name: "dry run", region: "eu-west-1", detail: `{"errorCode":"Client.DryRunOperation","requestParameters":{"groupId":"sg-1"}}`},
		{name: "rule set of another shape", region: "eu-west-1", detail: `{"requestParameters":{"groupName":"web"},"responseElements":{"securityGroupRuleSet":"none"}}`, wantErr: "responseElements: json:"},
		{name: "only a group name", region: "eu-west-1", detail: `{"requestParameters":{"groupName":"web"},"responseElements":{"_return":true}}`, wantErr: `"web" but holds no group id`},
		{name: "null parameters", region: "eu-west-1", detail: `{"requestParameters":null,"responseElements":null}`, wantErr: "holds no security group id"},
		{name: "not an id", region: "eu-west-1", detail: `{"requestParameters":{"groupId":"web"}}`, wantErr: "does not start with sg-"},
		{name: "wrong type", region: "eu-west-1", detail: `{"requestParameters":{"groupId":7}}`, wantErr: "decode CloudTrail record of AuthorizeSecurityGroupIngress"},
		{name: "no region", detail: `{"requestParameters":{"groupId":"sg-1"}}`, wantErr: `region ""`},
		{name: "truncated", region: "eu-west-1", detail: `{"requestParameters":{"groupId":"sg-1"`, wantErr: "unexpected end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.ec2", Name: "AuthorizeSecurityGroupIngress", Account: "111122223333", Region: tt.region, Detail: json.RawMessage(tt.detail),
			})
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
					t.Fatalf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, g := range got {
				ids = append(ids, g.GroupID)
			}
			if diff := cmp.Diff(tt.want, ids, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("group ids (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{
		Type: "AWS::EC2::SecurityGroup", ID: "arn:aws-cn:ec2:cn-north-1:111122223333:security-group/sg-1",
		Account: "111122223333", Region: "cn-north-1",
	}
	if got := (Target{"sg-1", "111122223333", "cn-north-1"}).Ref(); got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
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
		targets, err := decode(remedy.Event{Name: "AuthorizeSecurityGroupIngress", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if !strings.HasPrefix(target.GroupID, "sg-") {
				t.Errorf("target %+v is no security group", target)
			}
			b, err := json.Marshal(target)
			if err != nil {
				t.Fatal(err)
			}
			var back Target
			if err := json.Unmarshal(b, &back); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "authorize-many-rules.json")
	s := state(
		rule("sgr-1", "tcp", 443, 443, "0.0.0.0/0"), rule("sgr-2", "tcp", 443, 443, "::/0"),
		rule("sgr-3", "tcp", 0, 65535, "10.0.0.0/8"), rule("sgr-4", "tcp", 0, 65535, "::/0"))
	p := Defaults()
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], s, p)); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
