package iamaccesskey

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/iam-access-key"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	const key, account = "AKIAI44QH8DHBEXAMPLE", "111122223333"
	want := map[string][]Target{
		"create-for-user.json": {{"stratus-red-team-backdoor-u-user", key, account, "us-east-1"}},
		"create-own.json":      {{"christophe", key, account, "us-east-1"}},
		"create-for-root.json": {{"", key, account, "us-east-1"}},
		"create-denied.json":   nil, // a failed call
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

func TestDecodeUser(t *testing.T) {
	t.Parallel()
	root := remedy.Actor{Type: "Root", Name: "company-alias"}
	jane := remedy.Actor{Type: "IAMUser", Name: "jane"}
	role := remedy.Actor{Type: "AssumedRole", Name: "Admin"}
	tests := []struct {
		name          string
		actor         remedy.Actor
		account       string
		detail        string
		want, wantErr string
	}{
		{"the answer names the user", role, "1", `{"requestParameters":{"userName":"bob"},"responseElements":{"accessKey":{"accessKeyId":"AKIA1","userName":"Bob"}}}`, "Bob", ""},
		{"only the request does", role, "1", `{"requestParameters":{"userName":"bob"},"responseElements":{"accessKey":{"accessKeyId":"AKIA1"}}}`, "bob", ""},
		{"only the caller does", jane, "1", `{"requestParameters":null,"responseElements":{"accessKey":{"accessKeyId":"AKIA1"}}}`, "jane", ""},
		{"root makes a key for a user", root, "1", `{"requestParameters":{"userName":"bob"},"responseElements":{"accessKey":{"accessKeyId":"AKIA1","userName":"bob"}}}`, "bob", ""},
		{"root makes its own", root, "1", `{"requestParameters":null,"responseElements":{"accessKey":{"accessKeyId":"AKIA1"}}}`, "", ""},
		{"root's alias is no user", root, "1", `{"requestParameters":null,"responseElements":{"accessKey":{"accessKeyId":"AKIA1","userName":"company-alias"}}}`, "", ""},
		{"nobody names the user", role, "1", `{"requestParameters":null,"responseElements":{"accessKey":{"accessKeyId":"AKIA1"}}}`, "", "does not say whose access key AKIA1 is"},
		{"no answer", jane, "1", `{"requestParameters":{"userName":"bob"},"responseElements":null}`, "", "responseElements.accessKey.accessKeyId is missing"},
		{"wrong type", jane, "1", `{"requestParameters":{"userName":{}},"responseElements":{}}`, "", "decode CloudTrail record of CreateAccessKey"},
		{"truncated", jane, "1", `{"requestParameters":{"userName":`, "", "unexpected end"},
		{"no account", jane, "", `{"responseElements":{"accessKey":{"accessKeyId":"AKIA1","userName":"bob"}}}`, "", `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.iam", Name: "CreateAccessKey", Actor: tt.actor, Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail),
			})
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
					t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Target{{tt.want, "AKIA1", tt.account, "us-east-1"}}, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	for want, target := range map[string]Target{
		"arn:aws:iam::111122223333:user/jane/access-key/AKIA1":     {"jane", "AKIA1", "111122223333", "us-east-1"},
		"arn:aws:iam::111122223333:root/access-key/AKIA1":          {"", "AKIA1", "111122223333", "us-east-1"},
		"arn:aws-us-gov:iam::111122223333:user/j/access-key/AKIA1": {"j", "AKIA1", "111122223333", "us-gov-west-1"},
	} {
		got := target.Ref()
		if diff := cmp.Diff(remedy.Ref{Type: "AWS::IAM::AccessKey", ID: want, Account: target.Account, Region: target.Region}, got); diff != "" {
			t.Errorf("Ref (-want +got):\n%s", diff)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		ev := sample(f, filepath.Base(path))
		f.Add([]byte(ev.Detail), ev.Actor.Type)
	}
	f.Fuzz(func(t *testing.T, detail []byte, actor string) {
		targets, err := decode(remedy.Event{
			Name: "CreateAccessKey", Account: "111122223333", Region: "us-east-1", Detail: detail, Actor: remedy.Actor{Type: actor, Name: "jane"},
		})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.KeyID == "" || target.User == "" && actor != "Root" {
				t.Errorf("target %+v is no key of a user, and %q is not root", target, actor)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "create-for-user.json")
	p := Params{ForbiddenUsers: []string{"*"}, AllowedUsers: []string{"ci-*", "legacy-?"}}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], State{Status: active}, p)); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
