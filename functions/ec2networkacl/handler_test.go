package ec2networkacl

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/ec2-network-acl"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	acl := []Target{{"acl-0a1b2c3d4e5f60718", "111122223333", "us-east-1"}}
	want := map[string][]Target{
		"create-world-ssh.json": acl,
		"create-v6-all.json":    acl,
		"replace-old.json":      acl,
		"delete-deny.json":      acl,
		"create-denied.json":    nil, // failed calls
		"delete-denied.json":    nil,
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(want) {
		t.Errorf("%d samples, %d are expected", len(files), len(want))
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
			if diff := cmp.Diff(want[file], got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, account, detail, wantErr string }{
		{"null parameters", "111122223333", `{"requestParameters":null}`, "requestParameters.networkAclId is missing"},
		{"no ACL", "111122223333", `{"requestParameters":{"ruleNumber":100}}`, "requestParameters.networkAclId is missing"},
		{"not an id", "111122223333", `{"requestParameters":{"networkAclId":"aclassoc"}}`, "does not start with acl-"},
		{"wrong type", "111122223333", `{"requestParameters":{"networkAclId":["acl-1"]}}`, "decode CloudTrail record of CreateNetworkAclEntry"},
		{"truncated", "111122223333", `{"requestParameters":{"networkAclId":"ac`, "unexpected end"},
		{"no account", "", `{"requestParameters":{"networkAclId":"acl-1"}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.ec2", Name: "CreateNetworkAclEntry", Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail),
			})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{
		Type: "AWS::EC2::NetworkAcl", ID: "arn:aws-us-gov:ec2:us-gov-west-1:111122223333:network-acl/acl-1",
		Account: "111122223333", Region: "us-gov-west-1",
	}
	if got := (Target{"acl-1", "111122223333", "us-gov-west-1"}).Ref(); got != want {
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
		targets, err := decode(remedy.Event{Name: "CreateNetworkAclEntry", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if !strings.HasPrefix(target.ACL, "acl-") {
				t.Errorf("target %+v is no network ACL", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "create-world-ssh.json")
	s := state(
		ports(90, deny, tcp, 3389, 3389, "0.0.0.0/0"), ports(100, allow, tcp, 443, 443, "0.0.0.0/0"),
		ports(110, allow, tcp, 22, 22, "0.0.0.0/0"), everything(120, allow, "10.0.0.0/8"))
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
