package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Hub is the account and region whose Security Hub takes findings.
type Hub struct {
	Partition string // "aws"
	Region    string
	Account   string
}

// String gives it as [ParseHub] takes it.
func (h Hub) String() string { return h.Account + "/" + h.Region }

// ErrNoHub means that what is given is no Security Hub.
var ErrNoHub = errors.New("want the account and the region of a Security Hub, such as 111122223333/eu-west-1")

var hubForm = regexp.MustCompile(`^([0-9]{12})/([a-z]{2}(-[a-z]+)+-[0-9])$`)

// ParseHub takes "ACCOUNT/REGION".
func ParseHub(s string) (Hub, error) {
	m := hubForm.FindStringSubmatch(s)
	if m == nil {
		return Hub{}, fmt.Errorf("hub %q: %w", s, ErrNoHub)
	}
	h := Hub{Partition: "aws", Account: m[1], Region: m[2]}
	switch {
	case strings.HasPrefix(h.Region, "us-gov-"):
		h.Partition = "aws-us-gov"
	case strings.HasPrefix(h.Region, "cn-"):
		h.Partition = "aws-cn"
	}
	return h, nil
}

// What one call of BatchImportFindings takes. No finding is near the 240 KB that
// it takes of one: each text in it is bounded.
// https://docs.aws.amazon.com/securityhub/latest/partnerguide/guidelines-batchimportfindings.html
const (
	asffBatch     = 100
	asffBatchSize = 6_000_000 // bytes
)

// WriteASFF writes every record of the window as a finding in AWS's Security
// Finding Format, the newest first: in each line the input of one call of
// BatchImportFindings. A resource of another account than the hub's is named as
// such in the finding, which itself is the hub's: an account takes its own only.
func WriteASFF(ctx context.Context, w io.Writer, src Source, o Options, hub Hub) error {
	enc := json.NewEncoder(w)
	err := EachASFF(ctx, src, o, hub, func(findings []json.RawMessage) error {
		return enc.Encode(struct{ Findings []json.RawMessage }{findings})
	})
	if err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	return nil
}

// EachASFF gives take the findings of [WriteASFF], as many at a time as one call
// of BatchImportFindings takes; they are take's until it returns. It ends with the
// first error of take, which it returns as it is.
func EachASFF(ctx context.Context, src Source, o Options, hub Hub, take func(findings []json.RawMessage) error) error {
	o = o.settled()
	var batch []json.RawMessage
	size := 0
	err := each(ctx, src, remedy.Query{Since: o.Since, Until: o.Until}, o.Progress, func(r remedy.Record) error {
		finding, err := json.Marshal(asff(r, hub))
		if err != nil {
			return err
		}
		if len(batch) == asffBatch || len(batch) > 0 && size+len(finding) > asffBatchSize {
			if err := take(batch); err != nil {
				return err
			}
			batch, size = batch[:0], 0
		}
		batch, size = append(batch, finding), size+len(finding)+len(",")
		return nil
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return take(batch)
}

// The members have the format's own names.
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html
type asffFinding struct {
	SchemaVersion string
	ID            string `json:"Id"`
	ProductArn    string
	GeneratorID   string `json:"GeneratorId"`
	AwsAccountID  string `json:"AwsAccountId"`
	Types         []string
	CreatedAt     string
	UpdatedAt     string
	Severity      struct{ Label string }
	Title         string
	Description   string
	Remediation   struct{ Recommendation struct{ Text string } }
	ProductFields map[string]string
	Resources     []asffResource
	Compliance    struct{ Status string }
	Workflow      struct{ Status string }
	RecordState   string
}

type asffResource struct {
	Type      string
	ID        string `json:"Id"`
	Partition string
	Region    string            `json:",omitempty"`
	Tags      map[string]string `json:",omitempty"`
}

// How long the format lets texts be, in characters.
const (
	maxTitle       = 256
	maxDescription = 1024
	maxText        = 512
	maxField       = 2048
	maxTags        = 50 // of a resource
	maxTagName     = 128
	maxTagValue    = 256
	maxResource    = 512
)

func asff(r remedy.Record, hub Hub) asffFinding {
	f := asffFinding{
		SchemaVersion: "2018-10-08", ID: "ebb/" + console.Clean(r.ID), GeneratorID: "ebb/" + orNone(r.Function), AwsAccountID: hub.Account,
		ProductArn: fmt.Sprintf("arn:%s:securityhub:%s:%s:product/%s/default", hub.Partition, hub.Region, hub.Account, hub.Account),
		Types:      []string{"Software and Configuration Checks/Policy Violations/Ebb"},
		CreatedAt:  console.Exactly(r.Times.Received), UpdatedAt: console.Exactly(latest(r.Times.Recorded, r.Times.Received)),
		Title: shorten(titleOf(r), maxTitle), Description: shorten(orNone(r.Reason), maxDescription), RecordState: "ACTIVE",
		ProductFields: map[string]string{
			"aws/securityhub/ProductName": "Ebb", "aws/securityhub/CompanyName": "Ebb", "ebb/outcome": string(r.Outcome),
			"ebb/account": r.Resource.Account, "ebb/actor": r.Event.Actor.String(), "ebb/event": r.Event.ID,
		},
	}
	for name, value := range f.ProductFields {
		f.ProductFields[name] = shorten(orNone(value), maxField)
	}
	_, label := severity(r.Severity)
	if f.Severity.Label = strings.ToUpper(label); label == "Unknown" {
		f.Severity.Label = "INFORMATIONAL"
	}
	f.Remediation.Recommendation.Text = shorten(remediation(r), maxText)
	f.Compliance.Status, f.Workflow.Status = "FAILED", "NEW"
	switch r.Outcome {
	case remedy.Exempt, remedy.Undone:
		f.Workflow.Status = "SUPPRESSED"
	case remedy.Reverted, remedy.Compliant, remedy.Gone:
		f.Compliance.Status, f.Workflow.Status = "PASSED", "RESOLVED"
	}
	f.Resources = []asffResource{{Type: asffType(r.Resource.Type), ID: shorten(orNone(r.Resource.ID), maxResource), Partition: hub.Partition, Region: r.Resource.Region, Tags: tagsOf(r)}}
	return f
}

// asffType gives the format's own word for a type, which is CloudFormation's
// without its colons; "Other" for products.
func asffType(t string) string {
	service, ok := strings.CutPrefix(t, "AWS::")
	if !ok {
		return "Other"
	}
	service, kind, _ := strings.Cut(service, "::")
	if service == "" || kind == "" {
		return "Other"
	}
	return "Aws" + strings.ToUpper(service[:1]) + strings.ToLower(service[1:]) + kind
}

// tagsOf gives the tags that have a value: the format takes no empty one.
func tagsOf(r remedy.Record) map[string]string {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(r.Tags)) {
		if value := r.Tags[name]; name != "" && value != "" && len(out) < maxTags {
			out[shorten(name, maxTagName)] = shorten(value, maxTagValue)
		}
	}
	return out
}

func orNone(s string) string {
	if strings.TrimSpace(s) == "" {
		return "none"
	}
	return s
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// shorten gives clean text of at most most characters.
func shorten(s string, most int) string {
	s = console.Clean(s)
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
