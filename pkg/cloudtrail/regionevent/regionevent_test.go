package regionevent_test

import (
	"testing"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/regionevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		account, region, detail string
		changed, fails          bool
	}{
		"null parameters":    {"111122223333", "eu-west-1", `{"requestParameters":null}`, true, false},
		"an empty request":   {"111122223333", "eu-west-1", `{"requestParameters":{"DisableEbsEncryptionByDefaultRequest":""}}`, true, false},
		"any parameters":     {"111122223333", "eu-west-1", `{"requestParameters":[1]}`, true, false},
		"a call that failed": {"111122223333", "eu-west-1", `{"errorCode":"Client.UnauthorizedOperation"}`, false, false},
		"no account":         {"", "eu-west-1", `{}`, false, true},
		"no region":          {"111122223333", "", `{}`, false, true},
		"no record":          {"111122223333", "eu-west-1", `{"errorCode":`, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, changed, err := regionevent.Decode(remedy.Event{Account: c.account, Region: c.region, Detail: []byte(c.detail)})
			if changed != c.changed || (err != nil) != c.fails {
				t.Fatalf("Decode = %v, %v, %v; want changed %v, an error %v", got, changed, err, c.changed, c.fails)
			}
			want := regionevent.Place{}
			if changed {
				want = regionevent.Place{Account: c.account, Region: c.region}
			}
			if got != want {
				t.Errorf("place = %+v, want %+v", got, want)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	got := regionevent.Place{Account: "111122223333", Region: "us-gov-west-1"}.Ref("AWS::EC2::Setting", "setting")
	want := remedy.Ref{Type: "AWS::EC2::Setting", ID: "arn:aws-us-gov:ec2:us-gov-west-1:111122223333:setting", Account: "111122223333", Region: "us-gov-west-1"}
	if got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
	}
}
