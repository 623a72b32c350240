package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
)

func TestParseHub(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]report.Hub{
		"111122223333/eu-west-1":     {Partition: "aws", Account: "111122223333", Region: "eu-west-1"},
		"111122223333/us-gov-west-1": {Partition: "aws-us-gov", Account: "111122223333", Region: "us-gov-west-1"},
		"111122223333/cn-north-1":    {Partition: "aws-cn", Account: "111122223333", Region: "cn-north-1"},
	} {
		if got, err := report.ParseHub(s); err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "x", "111122223333", "111122223333/", "1/eu-west-1", "111122223333/eu-west-1/x", "111122223333/EU"} {
		if _, err := report.ParseHub(s); !errors.Is(err, report.ErrNoHub) {
			t.Errorf("%q: error %v, want %v", s, err, report.ErrNoHub)
		}
	}
}

// TestASFFIsTaken reads the lines as AWS's own SDK has the format, strictly, and
// imports them into an emulated Security Hub.
func TestASFFIsTaken(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	hub := report.Hub{Partition: "aws", Account: account.ID, Region: mototest.Region}
	client := securityhub.NewFromConfig(account.Config)
	many := reporttest.Source{Make: reporttest.Make{Every: time.Minute}, N: 230}
	bare := reporttest.Source{Older: []remedy.Record{{ID: "x", Times: remedy.Times{Received: reporttest.Until().Add(-1)}}}}
	for name, src := range map[string]reporttest.Source{"many": many, "hostile": hostile(), "bare": bare} {
		var b bytes.Buffer
		if err := report.WriteASFF(t.Context(), &b, src, week(), hub); err != nil {
			t.Fatal(err)
		}
		imported := 0
		for line := range strings.Lines(b.String()) {
			dec := json.NewDecoder(strings.NewReader(line))
			dec.DisallowUnknownFields()
			var in struct{ Findings []types.AwsSecurityFinding }
			if err := dec.Decode(&in); err != nil {
				t.Fatalf("%s: %v in %.300s", name, err, line)
			}
			for _, f := range in.Findings {
				checkFinding(t, name, f)
			}
			out, err := client.BatchImportFindings(t.Context(), &securityhub.BatchImportFindingsInput{Findings: in.Findings})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if *out.FailedCount > 0 {
				t.Errorf("%s: %d findings are refused: %v", name, *out.FailedCount, out.FailedFindings[0])
			}
			imported += int(*out.SuccessCount)
		}
		if want := src.N + len(src.Older); imported != want {
			t.Errorf("%s: %d findings are imported, want %d", name, imported, want)
		}
	}
	var b bytes.Buffer
	src := sample()
	src.N = 11
	if err := report.WriteASFF(t.Context(), &b, src, week(), report.Hub{Partition: "aws", Account: "111122223333", Region: "eu-west-1"}); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.asff.json", b.String())
}

// TestEachASFF makes the largest findings there can be: no batch is more than one
// call takes, and no finding is missing. A batch is taken before more are read.
func TestEachASFF(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat("\U0001F30A", 2100)
	src := reporttest.Source{}
	tags := map[string]string{}
	for k := range 60 {
		tags[fmt.Sprint(k, wide[:800])] = wide[:1600]
	}
	for i := range 120 {
		r := (reporttest.Make{Text: func(int) string { return wide }}).Record(i)
		r.Tags = tags
		src.Older = append(src.Older, r)
	}
	hub := report.Hub{Partition: "aws", Account: "111122223333", Region: "eu-west-1"}
	seen, most := map[string]bool{}, 0
	err := report.EachASFF(t.Context(), src, week(), hub, func(findings []json.RawMessage) error {
		size := 0
		for _, f := range findings {
			if len(f) > 240<<10 {
				t.Errorf("a finding has %d bytes", len(f))
			}
			var finding types.AwsSecurityFinding
			if err := json.Unmarshal(f, &finding); err != nil {
				return err
			}
			checkFinding(t, "wide", finding)
			seen[*finding.Id] = true
			size += len(f) + len(",")
		}
		if most = max(most, size); len(findings) > 100 || size > 6_000_000 {
			t.Errorf("a batch has %d findings and %d bytes", len(findings), size)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 120 || most < 5_000_000 {
		t.Errorf("%d findings, the largest batch has %d bytes; want 120, and about 6 MB", len(seen), most)
	}
	stop, calls := errors.New("stop"), 0
	if err := report.EachASFF(t.Context(), src, week(), hub, func([]json.RawMessage) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
		t.Errorf("error %v after %d batches, want %v after one", err, calls, stop)
	}
}

// checkFinding holds what AWS asks for and the emulator does not.
// https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html
func checkFinding(t *testing.T, name string, f types.AwsSecurityFinding) {
	t.Helper()
	texts := map[string]struct {
		text *string
		most int
	}{
		"Title": {f.Title, 256}, "Description": {f.Description, 1024}, "GeneratorId": {f.GeneratorId, 512}, "Id": {f.Id, 512},
		"Recommendation": {f.Remediation.Recommendation.Text, 512}, "resource": {f.Resources[0].Id, 512}, "type": {f.Resources[0].Type, 256},
	}
	for what, x := range texts {
		if x.text == nil || strings.TrimSpace(*x.text) == "" || utf8.RuneCountInString(*x.text) > x.most {
			t.Errorf("%s: %s is %v", name, what, x.text)
		}
	}
	for _, at := range []*string{f.CreatedAt, f.UpdatedAt} {
		if _, err := time.Parse(time.RFC3339, *at); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for field, value := range f.ProductFields {
		if value == "" {
			t.Errorf("%s: product field %s is empty", name, field)
		}
	}
	if diff := cmp.Diff("2018-10-08", *f.SchemaVersion); diff != "" {
		t.Error(diff)
	}
}
