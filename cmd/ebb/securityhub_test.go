package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
)

// TestSecurityHub imports into the emulated Security Hub, twice. The emulator
// enables none, and does not look at whose findings they are, nor at their size:
// that a finding is as AWS asks for is held by package report's tests, what AWS
// refuses by the tests below.
func TestSecurityHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.revert()
	w.fill(230)
	account := mototest.New(t)
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"} {
		w.env[name] = account.Env.Getenv(name)
	}
	w.env["AWS_ENDPOINT_URL"] = account.Env.AWSEndpoint
	hub := account.ID + "/" + mototest.Region
	for range 2 {
		contains(t, "stdout", w.must("report", "--security-hub", "--since", "30d").stdout, "231 findings imported into the Security Hub of "+hub+".")
	}
	var ids []string
	mine := false
	pages := securityhub.NewGetFindingsPaginator(securityhub.NewFromConfig(account.Config), &securityhub.GetFindingsInput{MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Findings {
			if ids = append(ids, *f.Id); *f.Id != "ebb/"+rec.ID {
				continue
			}
			mine = true
			want := []string{account.ID, "arn:aws:securityhub:us-east-1:" + account.ID + ":product/" + account.ID + "/default", "PASSED"}
			if diff := cmp.Diff(want, []string{*f.AwsAccountId, *f.ProductArn, string(f.Compliance.Status)}); diff != "" {
				t.Errorf("finding (-want +got):\n%s", diff)
			}
		}
	}
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); len(ids) != 231 || n != 231 || !mine {
		t.Errorf("%d findings of %d records, the revert's among them: %v; want 231 of 231", len(ids), n, mine)
	}
	// With --hub it is that one, or none.
	var done imported
	if err := json.Unmarshal([]byte(w.must("report", "--security-hub", "--since", "30d", "--hub", hub, "-o", "json").stdout), &done); err != nil || done != (imported{hub, 231, 0}) {
		t.Errorf("with --hub: %+v, %v", done, err)
	}
	r := w.run("report", "--security-hub", "--hub", "999999999999/us-east-1")
	if r.code != exitUsage {
		t.Errorf("exit code %d", r.code)
	}
	contains(t, "stderr", r.stderr, "are of account "+account.ID+", and an account's Security Hub takes findings from that account only: use credentials of 999999999999")
}

// securityHub answers as AWS does where the emulator can't.
type securityHub struct {
	answers []string // of BatchImportFindings, in turn: a status and a body; the last one stays
	calls   int
}

func (h *securityHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if strings.Contains(string(body), "Action=GetCallerIdentity") {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/ann</Arn><UserId>A</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		return
	}
	answer := h.answers[min(h.calls, len(h.answers)-1)]
	h.calls++
	var status int
	var code, said string
	if _, err := fmt.Sscanf(answer, "%d %s", &status, &code); err == nil && status != http.StatusOK {
		w.Header().Set("X-Amzn-Errortype", code)
		said = fmt.Sprintf(`{"Code": %q, "Message": "The text of it."}`, code)
	} else {
		status, said = http.StatusOK, answer
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, said)
}

func TestSecurityHubRefuses(t *testing.T) {
	t.Parallel()
	taken := `{"FailedCount": 0, "SuccessCount": 1, "FailedFindings": []}`
	for name, tt := range map[string]struct {
		answers []string
		code    int
		calls   int
		stdout  string
		stderr  string
	}{
		"throttled, then not": {[]string{"429 TooManyRequestsException", taken}, exitDone, 2, "1 finding imported into the Security Hub of 111122223333/eu-west-1.", ""},
		"a finding": {
			[]string{`{"FailedCount": 1, "SuccessCount": 0, "FailedFindings": [{"Id": "ebb/\u001b[2Jx", "ErrorCode": "InvalidInput", "ErrorMessage": "Types is malformed."}]}`},
			exitFailed, 1, `ebb/\x1b[2Jx is refused: InvalidInput: Types is malformed.`, "Security Hub of 111122223333/eu-west-1 refused 1 finding",
		},
		"not enabled": {[]string{"401 InvalidAccessException"}, exitFailed, 1, "", "import findings, of which 0 are imported: securityhub:BatchImportFindings: Security Hub takes none: enable it in account 111122223333, region eu-west-1"},
		"not allowed": {[]string{"403 AccessDeniedException"}, exitFailed, 1, "", "securityhub:BatchImportFindings: access denied: grant it to the credentials"},
		"bad input":   {[]string{"400 InvalidInputException"}, exitFailed, 1, "", "securityhub:BatchImportFindings: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.revert()
			hub := &securityHub{answers: tt.answers}
			srv := httptest.NewServer(hub)
			t.Cleanup(srv.Close)
			w.env["AWS_ACCESS_KEY_ID"], w.env["AWS_SECRET_ACCESS_KEY"] = "id", "key"
			w.env["AWS_REGION"], w.env["AWS_ENDPOINT_URL"] = "eu-west-1", srv.URL
			r := w.run("report", "--security-hub")
			if r.code != tt.code || hub.calls != tt.calls {
				t.Errorf("exit code %d after %d calls, want %d after %d\n%s%s", r.code, hub.calls, tt.code, tt.calls, r.stdout, r.stderr)
			}
			contains(t, "stdout", r.stdout, tt.stdout)
			contains(t, "stderr", r.stderr, tt.stderr)
		})
	}
}
