package main

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// tell says what to type.
func (s *stage) tell(ctx context.Context, out *printer) error {
	if s.trail != nil {
		if err := s.tellCommands(ctx, out); err != nil {
			return err
		}
	}
	out.line("  %-8s %s/api/records   (%s --data %s/data records)", "ebb", s.ebbURL, s.binary, s.dir)
	out.line("  %-8s %s", "GitHub", s.githubURL)
	out.line("  %-8s %s/webhooks/github   (its secret: %s)", "webhook", s.ebbURL, webhookSecret)
	out.line("\nWatching. Ctrl-C ends everything.")
	return nil
}

// tellCommands says which changes to try in AWS.
func (s *stage) tellCommands(ctx context.Context, out *printer) error {
	keys, err := s.person.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	aws := "aws --endpoint-url " + s.trail.URL
	out.line("\n%s In another terminal, change what you like:\n", out.paint("1", "Your turn."))
	for _, line := range []string{
		"export AWS_ACCESS_KEY_ID=" + keys.AccessKeyID + " AWS_SECRET_ACCESS_KEY=" + keys.SecretAccessKey + " AWS_DEFAULT_REGION=" + region,
		aws + " ec2 authorize-security-group-ingress --group-id " + s.group + " --protocol tcp --port 3389 --cidr 0.0.0.0/0",
		aws + " s3api delete-public-access-block --bucket acme-backups",
		aws + " iam create-access-key --user-name joe",
	} {
		out.line("  %s", out.paint("36", line))
	}
	out.line("")
	if _, err := exec.LookPath("aws"); err != nil {
		out.line("  %-8s there is none here: make tools-aws installs one as .tools/aws/bin/aws", "aws")
	}
	out.line("  %-8s any SDK does as well; the credentials are jane's, any others are root's", "AWS")
	return nil
}

// watch prints each change and what ebb does about it, until ctx ends.
func (s *stage) watch(ctx context.Context, out *printer) error {
	told := s.count()
	known := map[string]bool{}
	recs, err := s.records(ctx)
	if err != nil {
		return err
	}
	for _, r := range recs {
		known[r.ID] = true
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			out.line("")
			return nil
		case err := <-s.exited:
			s.exited <- err
			return errors.Join(errors.New("ebb stopped by itself"), err)
		case <-tick.C:
		}
		notes := s.since(told)
		told += len(notes)
		for _, n := range notes {
			text := n.Name
			if n.Error != "" {
				text += "  " + out.paint("33", "failed: "+n.Error)
			}
			if s.isLost(n.ID) {
				text += "  " + out.paint("33", "lost on its way")
			}
			out.line("  %s  %-8s %s", n.At.Local().Format(time.TimeOnly), s.who(n.Actor), text)
		}
		recs, err := s.records(ctx)
		if err != nil {
			continue // ebb is ending, or busy
		}
		for _, r := range recs {
			if known[r.ID] || r.Outcome == remedy.Pending {
				continue
			}
			known[r.ID] = true
			colour := "33"
			if r.Outcome == remedy.Reverted {
				colour = "32"
			}
			out.line("  %s  %-8s %s %s, bad for %s", r.Times.Recorded.Local().Format(time.TimeOnly), "ebb",
				out.paint(colour, string(r.Outcome)), r.Resource, period(r.Times.BadFor()))
			out.line("%s%s", strings.Repeat(" ", margin), out.paint("2", out.clip(r.Reason, margin)))
		}
	}
}

// margin is the width of the columns of time and actor.
const margin = 21

// who gives the name at the end of an ARN: jane, root; and ebb for its own role.
func (s *stage) who(arn string) string {
	if strings.Contains(arn, ":assumed-role/"+s.ebbARN[strings.LastIndex(s.ebbARN, "/")+1:]+"/") {
		return "ebb"
	}
	return arn[strings.LastIndexAny(arn, ":/")+1:]
}
