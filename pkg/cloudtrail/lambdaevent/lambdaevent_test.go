package lambdaevent_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/lambdaevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

type target = lambdaevent.Target

func event(detail string) remedy.Event {
	return remedy.Event{Name: "AddPermission20150331v2", Account: "111122223333", Region: "eu-west-1", Detail: []byte(detail)}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	named := func(name string) string { return `{"requestParameters":{"functionName":"` + name + `"}}` }
	with := func(name, qualifier string) string {
		return `{"requestParameters":{"functionName":"` + name + `","qualifier":"` + qualifier + `"}}`
	}
	web := func(qualifier string) []target {
		return []target{{Function: "web", Qualifier: qualifier, Account: "111122223333", Region: "eu-west-1"}}
	}
	const arn = "arn:aws:lambda:eu-west-1:111122223333:function:web"
	for name, c := range map[string]struct {
		detail  string
		want    []target
		wantErr string
	}{
		"a name":                     {named("web"), web(""), ""},
		"a name and an alias":        {named("web:live"), web("live"), ""},
		"a qualifier":                {with("web", "7"), web("7"), ""},
		"a qualifier in both":        {with("web:live", "live"), web("live"), ""},
		"the latest":                 {with("web", "$LATEST"), web(""), ""},
		"the latest in the name":     {named("web:$LATEST"), web(""), ""},
		"a partial ARN":              {named("111122223333:function:web"), web(""), ""},
		"a partial ARN and an alias": {named("111122223333:function:web:live"), web("live"), ""},
		"an ARN":                     {named(arn), web(""), ""},
		"an ARN and an alias":        {named(arn + ":live"), web("live"), ""},
		"an ARN elsewhere":           {named("arn:aws-cn:lambda:cn-north-1:111122223333:function:web"), []target{{Function: "web", Account: "111122223333", Region: "cn-north-1"}}, ""},
		"another account's":          {named("arn:aws:lambda:eu-west-1:210987654321:function:web"), nil, ""},
		"failed":                     {`{"errorCode":"AccessDenied","requestParameters":null}`, nil, ""},
		"no name":                    {`{"requestParameters":null}`, nil, "functionName is missing"},
		"a path":                     {named("../web"), nil, "is no name that a function can have"},
		"a line break behind it":     {named(`web\n`), nil, "is no name that a function can have"},
		"a layer":                    {named("arn:aws:lambda:eu-west-1:111122223333:layer:web"), nil, "is no name that a function can have"},
		"a bad qualifier":            {with("web", "a/b"), nil, "is no version and no alias"},
		"a number":                   {`{"requestParameters":{"functionName":7}}`, nil, "decode CloudTrail record"},
		"truncated":                  {`{"requestParameters":`, nil, "decode CloudTrail record"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := lambdaevent.Decode(event(c.detail))
			if c.wantErr == "" && err != nil || c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
				t.Errorf("err = %v, want %q", err, c.wantErr)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
	nowhere := event(named("web"))
	nowhere.Region = ""
	if _, err := lambdaevent.Decode(nowhere); err == nil {
		t.Error("an event without a region is no error")
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	plain := target{Function: "web", Account: "111122223333", Region: "cn-north-1"}
	alias := plain
	alias.Qualifier = "live"
	const arn = "arn:aws-cn:lambda:cn-north-1:111122223333:function:web"
	if plain.ARN() != arn || alias.ARN() != arn || plain.Ref().ID != arn || alias.Ref().ID != arn+":live" {
		t.Errorf("ARNs %s, %s; refs %v, %v", plain.ARN(), alias.ARN(), plain.Ref(), alias.Ref())
	}
	if plain.String() != "web" || alias.String() != "web:live" || plain.Q() != nil || *alias.Q() != "live" {
		t.Errorf("%s, %s, %v, %v", plain, alias, plain.Q(), alias.Q())
	}
	const record = `{"function":"web","qualifier":"live","account":"111122223333","region":"cn-north-1"}`
	if got, err := json.Marshal(alias); err != nil || string(got) != record {
		t.Errorf("written as %s, %v; want %s", got, err, record)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"requestParameters":{"functionName":"arn:aws:lambda:eu-west-1:111122223333:function:web:live","qualifier":"$LATEST"}}`))
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := lambdaevent.Decode(event(string(detail)))
		if err != nil && len(targets) > 0 {
			t.Fatalf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.Account != "111122223333" || strings.ContainsAny(target.Function+target.Qualifier, "/:%?*$ \n") {
				t.Fatalf("target %+v", target)
			}
		}
	})
}
