package ec2securitygroup

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/securitygroup"
)

const samples = "../../events/ec2-security-group"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	group := func(id string) []Target { return []Target{{GroupID: id, Account: "111122223333", Region: "us-east-1"}} }
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
			got, err := securitygroup.Decode(ev)
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

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		f.Add([]byte(sample(f, filepath.Base(path)).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := securitygroup.Decode(remedy.Event{Name: "AuthorizeSecurityGroupIngress", Account: "111122223333", Region: "us-east-1", Detail: detail})
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
		targets, err := securitygroup.Decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], s, p)); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
