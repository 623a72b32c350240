package report

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/page"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// OCSFVersion is the version of the Open Cybersecurity Schema Framework that
// [WriteOCSF] writes: https://schema.ocsf.io/1.6.0/classes/compliance_finding.
const OCSFVersion = "1.6.0"

// WriteOCSF writes every record of the window as an OCSF Compliance Finding (class
// 2003, profile cloud), one JSON object a line, the newest first. version is Ebb's.
func WriteOCSF(ctx context.Context, w io.Writer, src Source, o Options, version string) error {
	o = o.settled()
	enc := json.NewEncoder(w)
	err := each(ctx, src, remedy.Query{Since: o.Since, Until: o.Until}, o.Progress, func(r remedy.Record) error {
		return enc.Encode(finding(r, version))
	})
	if err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	return nil
}

// The classes' and values' numbers, as OCSF has them.
const (
	findingsCategory  = 2
	complianceFinding = 2003
	activityCreate    = 1
	activityClose     = 3
	statusNew         = 1
	statusInProgress  = 2
	statusSuppressed  = 3
	statusResolved    = 4
	compliancePass    = 1
	complianceFail    = 3
)

type ocsfFinding struct {
	ActivityID  int             `json:"activity_id"`
	CategoryUID int             `json:"category_uid"`
	ClassUID    int             `json:"class_uid"`
	TypeUID     int             `json:"type_uid"`
	Time        int64           `json:"time"` // milliseconds
	StartTime   int64           `json:"start_time,omitempty"`
	EndTime     int64           `json:"end_time,omitempty"`
	Duration    int64           `json:"duration,omitempty"`
	SeverityID  int             `json:"severity_id"`
	Severity    string          `json:"severity"`
	StatusID    int             `json:"status_id"`
	Status      string          `json:"status"`
	Message     string          `json:"message"`
	Metadata    ocsfMetadata    `json:"metadata"`
	Cloud       ocsfCloud       `json:"cloud"`
	FindingInfo ocsfFindingInfo `json:"finding_info"`
	Compliance  ocsfCompliance  `json:"compliance"`
	Remediation ocsfRemediation `json:"remediation"`
	Resources   []ocsfResource  `json:"resources,omitempty"`
	Evidences   []ocsfEvidence  `json:"evidences,omitempty"`
}

type ocsfMetadata struct {
	Version  string      `json:"version"`
	Profiles []string    `json:"profiles"`
	Product  ocsfProduct `json:"product"`
	UID      string      `json:"uid"`
	EventRef string      `json:"correlation_uid,omitempty"` // the trace
	Logged   int64       `json:"logged_time,omitempty"`
}

type ocsfProduct struct {
	Name    string `json:"name"`
	Vendor  string `json:"vendor_name"`
	Version string `json:"version"`
}

type ocsfCloud struct {
	Provider string       `json:"provider"`
	Region   string       `json:"region,omitempty"`
	Account  *ocsfAccount `json:"account,omitempty"`
}

type ocsfAccount struct {
	UID string `json:"uid"`
}

type ocsfFindingInfo struct {
	UID       string   `json:"uid"`
	Title     string   `json:"title"`
	Desc      string   `json:"desc"`
	Types     []string `json:"types,omitempty"`
	Created   int64    `json:"created_time,omitempty"`
	FirstSeen int64    `json:"first_seen_time,omitempty"`
	Modified  int64    `json:"modified_time,omitempty"`
}

type ocsfCompliance struct {
	Control  string      `json:"control"`
	Status   string      `json:"status"`
	StatusID int         `json:"status_id"`
	Details  []string    `json:"status_details,omitempty"`
	Checks   []ocsfCheck `json:"checks,omitempty"`
}

type ocsfCheck struct {
	UID  string `json:"uid"`
	Desc string `json:"desc"`
}

type ocsfRemediation struct {
	Desc string `json:"desc"`
}

type ocsfResource struct {
	UID    string    `json:"uid"`
	Type   string    `json:"type,omitempty"`
	Region string    `json:"region,omitempty"`
	Tags   []ocsfTag `json:"tags,omitempty"`
}

type ocsfTag struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type ocsfEvidence struct {
	Actor ocsfActor `json:"actor"`
	API   ocsfAPI   `json:"api"`
}

type ocsfActor struct {
	User ocsfUser `json:"user"`
}

type ocsfUser struct {
	UID  string `json:"uid"`
	Name string `json:"name,omitempty"`
	Type string `json:"type,omitempty"`
}

type ocsfAPI struct {
	Operation string `json:"operation"`
	Request   struct {
		UID string `json:"uid"`
	} `json:"request"`
}

// finding gives a record as OCSF has it.
func finding(r remedy.Record, version string) ocsfFinding {
	f := ocsfFinding{
		ActivityID: activityCreate, CategoryUID: findingsCategory, ClassUID: complianceFinding,
		Time: milliseconds(r.Times.Received), StartTime: milliseconds(r.Times.Changed), EndTime: milliseconds(r.Times.Fixed),
		Duration: r.Times.BadFor().Milliseconds(), Message: r.Reason,
		Metadata: ocsfMetadata{
			Version: OCSFVersion, Profiles: []string{"cloud"}, Product: ocsfProduct{Name: "Ebb", Vendor: "Ebb", Version: version},
			UID: r.ID, EventRef: r.TraceID, Logged: milliseconds(r.Times.Recorded),
		},
		Cloud:       ocsfCloud{Provider: provider(r.Resource), Region: r.Resource.Region},
		FindingInfo: ocsfFindingInfo{UID: r.ID, Title: titleOf(r), Desc: r.Reason, Types: rules(r), Created: milliseconds(r.Times.Received), FirstSeen: milliseconds(r.Times.Changed), Modified: milliseconds(r.Times.Recorded)},
		Compliance:  ocsfCompliance{Control: r.Function, Status: "Fail", StatusID: complianceFail},
		Remediation: ocsfRemediation{Desc: remediation(r)},
	}
	f.SeverityID, f.Severity = severity(r.Severity)
	f.StatusID, f.Status = statusNew, "New"
	switch r.Outcome {
	case remedy.Pending:
		f.StatusID, f.Status = statusInProgress, "In Progress"
	case remedy.Exempt, remedy.Undone:
		f.StatusID, f.Status = statusSuppressed, "Suppressed"
	case remedy.Reverted, remedy.Compliant, remedy.Gone:
		f.ActivityID, f.StatusID, f.Status = activityClose, statusResolved, "Resolved"
		f.Compliance.Status, f.Compliance.StatusID = "Pass", compliancePass
	}
	f.TypeUID = complianceFinding*100 + f.ActivityID
	if account := r.Resource.Account; account != "" {
		f.Cloud.Account = &ocsfAccount{account}
	}
	for _, v := range r.Violations {
		f.Compliance.Details = append(f.Compliance.Details, v.Message)
		f.Compliance.Checks = append(f.Compliance.Checks, ocsfCheck{v.Rule, v.Message})
	}
	if r.Resource.ID != "" {
		res := ocsfResource{UID: r.Resource.ID, Type: r.Resource.Type, Region: r.Resource.Region}
		for _, name := range slices.Sorted(maps.Keys(r.Tags)) {
			res.Tags = append(res.Tags, ocsfTag{name, r.Tags[name]})
		}
		f.Resources = []ocsfResource{res}
	}
	e := ocsfEvidence{Actor: ocsfActor{ocsfUser{r.Event.Actor.String(), r.Event.Actor.Name, r.Event.Actor.Type}}}
	e.API.Operation, e.API.Request.UID = r.Event.Name, r.Event.ID
	f.Evidences = []ocsfEvidence{e}
	return f
}

// titleOf names a record in a line.
func titleOf(r remedy.Record) string {
	if len(r.Violations) > 0 {
		return r.Violations[0].Message
	}
	return r.Function + ": " + string(r.Outcome)
}

// remediation says what was done about a record's violations, or what can be.
func remediation(r remedy.Record) string {
	switch r.Outcome {
	case remedy.Reverted:
		s := fmt.Sprintf("Ebb put it back with %s.", number(int64(len(r.Changes)), "call"))
		if undo := page.Undo(r); undo != "" {
			s += " To undo it: " + undo
		}
		return s
	case remedy.Observed:
		return "Nothing was changed: the function only observes. Set its mode to enforce in the policy, or put it back by hand."
	case remedy.Held:
		return "Nothing was changed: a cap was reached. Find out who keeps making the change, then put it back by hand or replay the event."
	case remedy.Exempt:
		return "Nothing was changed: an exemption or the hold of an undo covers it."
	case remedy.Failed:
		return "Ebb could not put it back. See why with: ebb show " + console.Clean(r.ID)
	case remedy.Undone:
		return "A person undid the remediation."
	}
	return "See: ebb show " + console.Clean(r.ID)
}

func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// provider names whose resource it is.
func provider(r remedy.Ref) string {
	if kind, _, ok := strings.Cut(r.Type, "::"); ok && kind != "" {
		return kind
	}
	return "unknown"
}

func severity(s remedy.Severity) (int, string) {
	switch s {
	case remedy.Low:
		return 2, "Low"
	case remedy.Medium:
		return 3, "Medium"
	case remedy.High:
		return 4, "High"
	case remedy.Critical:
		return 5, "Critical"
	}
	return 0, "Unknown"
}
