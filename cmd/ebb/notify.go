package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	_ "time/tzdata" // quiet hours need it where the machine has none

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	"github.com/ebb-ops/ebb/pkg/notify/outbox/dynamodb"
	"github.com/ebb-ops/ebb/pkg/notify/outbox/sqlite"
	"github.com/ebb-ops/ebb/pkg/notify/schema"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// The notify file, and where Slack and PagerDuty are, for tests against others.
const (
	settingNotify    = "EBB_NOTIFY"
	settingSlack     = "EBB_SLACK_URL"
	settingPagerDuty = "EBB_PAGERDUTY_URL"
)

func (a *app) notifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Check a notify file, print its schema, or send a sample",
		Args:  unknownCommand,
		RunE:  missingCommand,
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "check FILE",
			Short: "Print every problem of a notify file with its line and column",
			Args:  arguments(1, 1, "FILE"),
			RunE:  func(_ *cobra.Command, args []string) error { return a.checkNotify(args[0]) },
		},
		&cobra.Command{
			Use:   "schema",
			Short: "Print the JSON Schema of the notify file, for editors",
			Args:  arguments(0, 0, ""),
			RunE: func(*cobra.Command, []string) error {
				out, err := schema.Schema()
				if err != nil {
					return err
				}
				if _, err := a.Stdout.Write(out); err != nil {
					return fmt.Errorf("write output: %w", err)
				}
				return nil
			},
		},
		a.notifyTestCommand(),
	)
	return cmd
}

// loadNotify reads a notify file.
func loadNotify(path string) (*notify.Config, error) {
	c, err := notify.LoadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("--notify %s: there is no such file", path)
	}
	return c, err
}

// checkNotify prints what is wrong with a notify file.
func (a *app) checkNotify(path string) error {
	c, err := notify.LoadFile(path)
	var problems []*notify.Error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if p, ok := errors.AsType[*notify.Error](e); ok {
				problems = append(problems, p)
			}
		}
	} else if p, ok := errors.AsType[*notify.Error](err); ok {
		problems = append(problems, p)
	}
	if err != nil && len(problems) == 0 {
		return err
	}
	v := verdict{File: path, Valid: err == nil, Problems: []problem{}, Warnings: []string{}}
	var said []error
	for _, e := range problems {
		v.Problems = append(v.Problems, problem{e.Line, e.Column, e.Message})
		if !a.json("table") {
			said = append(said, a.printer().Say("%s", e))
		}
	}
	switch {
	case a.json("table"):
		said = append(said, console.JSON(a.Stdout, v))
	case err == nil:
		said = append(said, a.printer().Say("%s is valid: %s, %s.", path, plural(len(c.Channels), "channel"), plural(len(c.Routes), "route")))
	}
	if err != nil {
		said = append(said, fmt.Errorf("%s: %s", path, plural(len(problems), "problem")))
	}
	return errors.Join(said...)
}

// sender makes what sends notifications. Secrets are read from the environment
// whenever they are needed.
func (a *app) sender(ctx context.Context, c *notify.Config) (*notify.Sender, error) {
	o := notify.Options{
		Secret:   func(_ context.Context, name string) (string, error) { return a.Getenv(name), nil },
		SlackURL: a.Getenv(settingSlack), PagerDutyURL: a.Getenv(settingPagerDuty), Now: a.Now,
	}
	for _, ch := range c.Channels {
		if ch.SNS == nil {
			continue
		}
		cfg, err := cloud.LoadConfig(ctx, a.env())
		if err != nil {
			return nil, err
		}
		o.SNS = sns.NewFromConfig(cfg)
		break
	}
	return notify.NewSender(c, o), nil
}

func (a *app) notifyTestCommand() *cobra.Command {
	var file, channel string
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a sample to a channel",
		Long: `Send a sample to a channel: the made-up revert of a security group, marked as a
test. In PagerDuty it opens an incident, and resolves it at once.`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usagef("--notify is missing: name the notify file")
			}
			c, err := loadNotify(file)
			if err != nil {
				return err
			}
			ch, ok := c.Channels[channel]
			if !ok {
				var names []string
				for name := range c.Channels {
					names = append(names, name)
				}
				slices.Sort(names)
				return usagef("--channel %q: want one of %s", channel, strings.Join(names, ", "))
			}
			s, err := a.sender(cmd.Context(), c)
			if err != nil {
				return err
			}
			n := c.Sample(a.Now())
			if _, err := s.Send(cmd.Context(), channel, n, ""); err != nil {
				return err
			}
			if ch.PagerDuty != nil {
				n.Resolve = true
				if _, err := s.Send(cmd.Context(), channel, n, ""); err != nil {
					return err
				}
			}
			return a.printer().Say("A sample was sent to %s.", channel)
		},
	}
	cmd.Flags().StringVar(&file, "notify", "", "the notify file")
	fromEnv(cmd.Flags(), "notify", settingNotify)
	cmd.Flags().StringVar(&channel, "channel", "", "the channel's name in the file")
	return cmd
}

// isNotification reports whether a dead letter is a notification's.
func isNotification(d remedy.DeadLetter) bool {
	_, err := outbox.Channel(d)
	return err == nil
}

// replayNotification puts a notification's dead letter back into the outbox.
func (s *session) replayNotification(ctx context.Context, d remedy.DeadLetter) (_ string, err error) {
	back := func(in outbox.Store) error {
		return outbox.New(in, &notify.Config{}, outbox.Options{Now: s.Now}).Replay(ctx, d)
	}
	if s.table != "" {
		cfg, err := cloud.LoadConfig(ctx, s.env())
		if err != nil {
			return "", err
		}
		return "back in the outbox: the deployment sends it, within a minute", back(dynamodb.New(awsdynamodb.NewFromConfig(cfg), s.table))
	}
	file, err := sqlite.Open(ctx, s.data)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return "back in the outbox: ebb serve --notify on " + s.data + " sends it", back(file)
}
