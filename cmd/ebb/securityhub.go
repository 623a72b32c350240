package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/report"
)

// refused is a finding that Security Hub did not take, as --output json prints it.
type refused struct {
	Finding string `json:"finding"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// imported is what an import came to, likewise.
type imported struct {
	Hub      string `json:"hub"`
	Imported int64  `json:"imported"`
	Refused  int64  `json:"refused"`
}

// importFindings imports the report's findings into the Security Hub of the
// caller's account, a batch at a time, and prints those that it refuses. It is an
// error when there are some. asked is the hub of --hub, or the zero value.
func (a *app) importFindings(ctx context.Context, s store, o report.Options, asked report.Hub) error {
	cfg, hub, err := a.ownHub(ctx, asked)
	if err != nil {
		return err
	}
	client := securityhub.NewFromConfig(cfg)
	done := imported{Hub: hub.String()}
	err = report.EachASFF(ctx, s, o, hub, func(findings []json.RawMessage) error {
		in := &securityhub.BatchImportFindingsInput{Findings: make([]types.AwsSecurityFinding, len(findings))}
		for i, f := range findings { // the SDK's names are the format's
			if err := json.Unmarshal(f, &in.Findings[i]); err != nil {
				return fmt.Errorf("encode a finding: %w", err)
			}
		}
		out, err := client.BatchImportFindings(ctx, in)
		if err != nil {
			return explainHub(err, hub)
		}
		done.Imported += int64(aws.ToInt32(out.SuccessCount))
		done.Refused += int64(aws.ToInt32(out.FailedCount))
		return a.printRefused(out.FailedFindings)
	})
	if err != nil {
		return fmt.Errorf("import findings, of which %d are imported: %w", done.Imported, err)
	}
	if a.json("table") {
		err = console.JSON(a.Stdout, done)
	} else {
		err = a.printer().Say("%s imported into the Security Hub of %s.", plural(int(done.Imported), "finding"), hub)
	}
	if done.Refused > 0 {
		err = errors.Join(err, fmt.Errorf("import findings: Security Hub of %s refused %s", hub, plural(int(done.Refused), "finding")))
	}
	return err
}

// ownHub gives the configuration of the calls, and the hub that takes them: the
// caller's account takes its own findings only.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
func (a *app) ownHub(ctx context.Context, asked report.Hub) (aws.Config, report.Hub, error) {
	cfg, err := cloud.LoadConfig(ctx, a.env())
	if err != nil {
		return cfg, asked, err
	}
	if asked.Region != "" {
		cfg.Region = asked.Region
	}
	if cfg.Region == "" {
		return cfg, asked, usagef("--security-hub: no AWS region is known: set AWS_REGION, or name the hub with --hub ACCOUNT/REGION")
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return cfg, asked, fmt.Errorf("find out whose Security Hub it is: %w", err)
	}
	account := aws.ToString(who.Account)
	if asked.Account != "" && asked.Account != account {
		return cfg, asked, usagef("--hub %s: the credentials (%s) are of account %s, and an account's Security Hub takes findings from that account only: use credentials of %s",
			asked, aws.ToString(who.Arn), account, asked.Account)
	}
	hub, err := report.ParseHub(account + "/" + cfg.Region)
	return cfg, hub, err
}

// explainHub says what a person can do about a call that failed as a whole.
func explainHub(err error, hub report.Hub) error {
	const action = "securityhub:BatchImportFindings"
	switch {
	case cloud.HasCode(err, "InvalidAccessException"):
		return fmt.Errorf("%s: Security Hub takes none: enable it in account %s, region %s: %w", action, hub.Account, hub.Region, err)
	case cloud.Denied(err):
		return fmt.Errorf("%s: access denied: grant it to the credentials that ebb report runs with: %w", action, err)
	}
	return fmt.Errorf("%s: %w", action, err)
}

func (a *app) printRefused(all []types.ImportFindingsError) error {
	for _, f := range all {
		r := refused{aws.ToString(f.Id), aws.ToString(f.ErrorCode), aws.ToString(f.ErrorMessage)}
		var err error
		if a.json("table") {
			err = console.JSON(a.Stdout, r)
		} else {
			err = a.printer().Say("%s is refused: %s: %s", r.Finding, r.Code, r.Message)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
