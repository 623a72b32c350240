package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

const overlaid = `
version: 1
functions:
  buckets:
    mode: observe
    scopes:
      - name: production
        accounts: ["111111111111"]
        mode: observe
exemptions:
  - {id: file, function: buckets, resource: "arn:aws:s3:::site", owner: web, reason: A site., expires: 2030-01-01}
`

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func newOverlay(t *testing.T, now *time.Time) *Overlay {
	t.Helper()
	fs := []remedy.Function{{Name: "buckets"}, {Name: "keys"}}
	p, err := Load([]byte(overlaid), "policy.yaml", fs, noon)
	if err != nil {
		t.Fatal(err)
	}
	return NewOverlay(p, func() time.Time { return *now })
}

func modeOf(function string, m remedy.Mode, created time.Time) remedy.Override {
	return remedy.Override{ID: "m", Function: function, Mode: m, Reason: "r", Created: created, Expires: created.Add(time.Hour)}
}

func TestOverlayMode(t *testing.T) {
	t.Parallel()
	ended := modeOf("buckets", remedy.Off, noon)
	ended.Ended = noon
	elsewhere, production := remedy.Ref{Account: "2"}, remedy.Ref{Account: "111111111111"}
	for name, tt := range map[string]struct {
		set                   []remedy.Override
		at                    time.Time
		elsewhere, production remedy.Mode
	}{
		"none":                     {nil, noon, remedy.Observe, remedy.Observe},
		"raised leaves the scopes": {[]remedy.Override{modeOf("buckets", remedy.Enforce, noon)}, noon, remedy.Enforce, remedy.Observe},
		"lowered holds everywhere": {[]remedy.Override{modeOf("buckets", remedy.Off, noon)}, noon, remedy.Off, remedy.Off},
		"of another function":      {[]remedy.Override{modeOf("keys", remedy.Off, noon)}, noon, remedy.Observe, remedy.Observe},
		"the newest counts": {
			[]remedy.Override{modeOf("buckets", remedy.Off, noon), modeOf("buckets", remedy.Enforce, noon.Add(time.Minute))},
			noon.Add(2 * time.Minute), remedy.Enforce, remedy.Observe,
		},
		"an hour later": {[]remedy.Override{modeOf("buckets", remedy.Off, noon)}, noon.Add(time.Hour), remedy.Observe, remedy.Observe},
		"ended":         {[]remedy.Override{ended}, noon, remedy.Observe, remedy.Observe},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := noon
			o := newOverlay(t, &now)
			o.Set(tt.set)
			now = tt.at // it ends by the clock, without another Set
			got := []remedy.Mode{o.Decide("buckets", elsewhere).Mode, o.Decide("buckets", production).Mode}
			if diff := cmp.Diff([]remedy.Mode{tt.elsewhere, tt.production}, got); diff != "" {
				t.Errorf("modes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOverlayOfAnUnknownFunction(t *testing.T) {
	t.Parallel()
	now := noon
	o := newOverlay(t, &now)
	o.Set([]remedy.Override{modeOf("nothing", remedy.Enforce, noon)})
	if got := o.Decide("nothing", remedy.Ref{}).Mode; got != remedy.Off {
		t.Errorf("mode = %s, want off", got)
	}
}

func exempting(resource string) remedy.Override {
	return remedy.Override{
		ID: "c1", Function: "buckets", Reason: "r", Created: noon, Expires: noon.Add(time.Hour),
		Exemption: &remedy.Exemption{ID: "c1", Function: "buckets", Resource: resource, Owner: "ann", Reason: "r", Expires: noon.Add(time.Hour)},
	}
}

func TestOverlayExempt(t *testing.T) {
	t.Parallel()
	now := noon
	o := newOverlay(t, &now)
	o.Set([]remedy.Override{exempting("arn:aws:s3:::s*")})
	find := func(function, resource string, at time.Time) string {
		x := o.Exempt(remedy.ExemptionQuery{Function: function, Resource: remedy.Ref{ID: resource}, Now: at})
		if x == nil {
			return ""
		}
		return x.ID
	}
	got := []string{
		find("buckets", "arn:aws:s3:::site", noon), find("buckets", "arn:aws:s3:::shop", noon), find("buckets", "arn:aws:s3:::x", noon),
		find("keys", "arn:aws:s3:::shop", noon), find("buckets", "arn:aws:s3:::shop", noon.Add(time.Hour)),
	}
	if diff := cmp.Diff([]string{"file", "c1", "", "", ""}, got); diff != "" {
		t.Errorf("exemptions (-want +got):\n%s", diff)
	}
}

func TestOverlayCheck(t *testing.T) {
	t.Parallel()
	with := func(change func(*remedy.Override)) remedy.Override {
		v := exempting("arn:aws:s3:::shop")
		change(&v)
		return v
	}
	for name, tt := range map[string]struct {
		v    remedy.Override
		want string
	}{
		"a good one":           {with(func(*remedy.Override) {}), ""},
		"a good mode":          {modeOf("keys", remedy.Off, noon), ""},
		"an unknown function":  {with(func(v *remedy.Override) { v.Function = "doors" }), "choose one of buckets, keys"},
		"no reason":            {with(func(v *remedy.Override) { v.Reason = " " }), "the reason is missing"},
		"an end that is past":  {with(func(v *remedy.Override) { v.Expires = noon }), "lies in the past"},
		"an end that is late":  {with(func(v *remedy.Override) { v.Expires = noon.Add(remedy.MaxOverride + 1) }), "more than 30 days"},
		"every resource":       {exempting(""), "would cover every resource"},
		"a pattern of all":     {exempting("**"), "would cover everything"},
		"a mode that is none":  {modeOf("keys", "loud", noon), `no mode "loud"`},
		"no mode and no other": {modeOf("keys", "", noon), "choose off, observe or enforce"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := noon
			err := newOverlay(t, &now).Check(tt.v)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}
