package report_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/report"
)

// TestDigest holds the digest to the report in Markdown: the same questions, in
// the same order, and the same sentences.
func TestDigest(t *testing.T) {
	t.Parallel()
	r := collect(t, sample(), week())
	d := r.Digest("weekly")
	var page bytes.Buffer
	if err := report.WriteMarkdown(&page, r); err != nil {
		t.Fatal(err)
	}
	var titles, want []string
	for _, p := range d.Parts {
		titles = append(titles, p.Title)
		if plain := strings.ReplaceAll(page.String(), `\`, ""); !strings.Contains(plain, p.Text) {
			t.Errorf("the report does not say %q", p.Text)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(page.String(), -1) {
		want = append(want, m[1])
	}
	if diff := cmp.Diff(append([]string{""}, want...), titles); diff != "" {
		t.Errorf("titles (-want +got):\n%s", diff)
	}
	wantLines := []string{
		"By function: iam-access-key 6, s3-bucket-policy 6, ec2-security-group 3, all others 4.",
		"By who made the change: arn:aws:sts::111122223301:assumed-role/deploy-3 4, arn:aws:sts::111122223301:assumed-role/deploy-1 3, " +
			"arn:aws:sts::111122223306:assumed-role/deploy-1 3, all others 9.",
	}
	if diff := cmp.Diff(wantLines, d.Parts[2].Lines); diff != "" {
		t.Errorf("lines of what was put back (-want +got):\n%s", diff)
	}
	if d.ID != "msg_report-weekly-20261121T0900Z" || d.Open != r.Open.Total || d.PutBack != r.PutBack.Total {
		t.Errorf("digest %+v", d)
	}
	if again := collect(t, sample(), week()).Digest("weekly"); cmp.Diff(d, again) != "" {
		t.Errorf("of the same report (-first +again):\n%s", cmp.Diff(d, again))
	}
}

// What a report says is what its event's reader takes, whatever the names are.
func TestDigestIsTaken(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]digest.Digest{
		"plausible": collect(t, sample(), week()).Digest("daily"),
		"hostile":   collect(t, hostile(), week()).Digest("weekly"),
		"empty":     (&report.Report{Since: week().Since, Until: week().Until}).Digest("daily"),
	} {
		d.Where = "s3://bucket/key"
		detail, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := digest.Of(detail)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(d, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
