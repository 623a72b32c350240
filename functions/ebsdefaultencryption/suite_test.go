package ebsdefaultencryption

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/regionevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// Keys, the first two of which policies list, and their twin in another region.
const (
	ours      = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	second    = "arn:aws:kms:us-east-1:111122223333:key/22222222-12ab-34cd-56ef-1234567890ab"
	other     = "arn:aws:kms:us-east-1:999999999999:key/99999999-12ab-34cd-56ef-1234567890ab"
	elsewhere = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

func suite() remedytest.Suite[Target, State, Change, Params] {
	const on, off = "ec2:" + enable, "encryption-off"
	listed := Params{Keys: []string{ours, second}}
	before := State{true, second}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "on", Live: State{true, managedKey}},
			{Name: "on, with a listed key", Params: &listed, Live: State{true, ours}},
			{Name: "off", Live: State{false, managedKey}, Rules: []string{off}, Calls: []string{on}, Want: State{true, managedKey}},
			{Name: "off, and a key of the account's own stays", Live: State{false, other}, Rules: []string{off}, Calls: []string{on}, Want: State{true, other}},
			{
				Name: "off, and reset to AWS's key", Params: &listed, Baseline: &before, Live: State{false, managedKey},
				Rules: []string{off, "foreign-key"}, Calls: []string{on, "ec2:" + modifyKey}, Want: before,
			},
			{
				Name: "another key, without a baseline", Params: &listed, Live: State{true, other},
				Rules: []string{"foreign-key"}, Calls: []string{"ec2:" + modifyKey}, Want: State{true, ours},
			},
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] { return world(newFake(), target) }
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		return world(ec2.NewFromConfig(account.Config), Target{regionevent.Place{Account: account.ID, Region: mototest.Region}})
	}
	remedytest.RunEmulated(t, s)
}

// world is the setting in an EC2, real enough.
func world(api client, target Target) remedytest.World[Target, State, Change] {
	must := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			name := enable
			_, err := api.ModifyEbsDefaultKmsKeyId(t.Context(), &ec2.ModifyEbsDefaultKmsKeyIdInput{KmsKeyId: &s.Key})
			if s.Key == managedKey {
				_, err = api.ResetEbsDefaultKmsKeyId(t.Context(), &ec2.ResetEbsDefaultKmsKeyIdInput{})
			}
			must(t, err)
			if s.Enabled {
				_, err = api.EnableEbsEncryptionByDefault(t.Context(), &ec2.EnableEbsEncryptionByDefaultInput{})
			} else {
				name = disable
				_, err = api.DisableEbsEncryptionByDefault(t.Context(), &ec2.DisableEbsEncryptionByDefaultInput{})
			}
			must(t, err)
			return remedy.Event{
				Source: "aws.ec2", Name: name, Account: target.Account, Region: target.Region,
				Detail: []byte(`{"requestParameters":{"` + name + `Request":""}}`),
			}
		},
		State: func(t testing.TB) State {
			setting, err := api.GetEbsEncryptionByDefault(t.Context(), &ec2.GetEbsEncryptionByDefaultInput{})
			must(t, err)
			key, err := api.GetEbsDefaultKmsKeyId(t.Context(), &ec2.GetEbsDefaultKmsKeyIdInput{})
			must(t, err)
			return State{aws.ToBool(setting.EbsEncryptionByDefault), aws.ToString(key.KmsKeyId)}
		},
	}
}
