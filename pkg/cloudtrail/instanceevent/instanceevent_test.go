package instanceevent_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/instanceevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestTargets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		account string
		ids     []string
		want    []instanceevent.Target
		wantErr string
	}{
		"two":         {"111122223333", []string{"i-784cdacd", "i-0123456789abcdef0"}, []instanceevent.Target{{"i-784cdacd", "111122223333", "eu-west-1"}, {"i-0123456789abcdef0", "111122223333", "eu-west-1"}}, ""},
		"none":        {"111122223333", nil, nil, "names no instance"},
		"an empty id": {"111122223333", []string{"i-1", ""}, nil, `instance id ""`},
		"another id":  {"111122223333", []string{"eni-1"}, nil, `instance id "eni-1"`},
		"a path":      {"111122223333", []string{"i-1/../2"}, nil, "instance id"},
		"no account":  {"", []string{"i-1"}, nil, `account ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := instanceevent.Targets(remedy.Event{Account: c.account, Region: "eu-west-1"}, c.ids...)
			if (err == nil) != (c.wantErr == "") || err != nil && !strings.Contains(err.Error(), c.wantErr) {
				t.Errorf("error = %v, want %q", err, c.wantErr)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::EC2::Instance", ID: "arn:aws-cn:ec2:cn-north-1:111122223333:instance/i-1", Account: "111122223333", Region: "cn-north-1"}
	if got := (instanceevent.Target{InstanceID: "i-1", Account: "111122223333", Region: "cn-north-1"}).Ref(); got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
	}
}
