package main

import (
	"context"
	"errors"
	"net"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/logs"
)

// The webhook secrets come from the environment only: a command line can be
// seen by all users of a machine.
const (
	settingToken       = "EBB_TOKEN"                 // #nosec G101 -- the names of secrets
	settingSecret      = "EBB_GITHUB_WEBHOOK_SECRET" // #nosec G101
	settingGiteaSecret = "EBB_GITEA_WEBHOOK_SECRET"  // #nosec G101
	previous           = "_PREVIOUS"                 // after either: the secret before it, while it is replaced
)

func (a *app) serveCommand() *cobra.Command {
	var listen, token, self, reports, notifyFile string
	var people people
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run all functions in one process, with an HTTP side for events",
		Long: `Run all functions in one process. What is accepted over HTTP is durable in the
inbox of --data before it is answered, and then handled with retries; what fails
for good becomes a dead letter.

  GET  /                     the console, for a browser
  POST /webhooks/github      GitHub's webhooks, signed
  POST /webhooks/gitea       Gitea's and Forgejo's webhooks, signed
  POST /events               EventBridge events: one, an array, or JSON lines
  POST /                     EventBridge's PutEvents, for aws --endpoint-url
  GET  /api/records[/ID]     what was done
  GET  /metrics              the metrics, for Prometheus
  GET  /healthz, /readyz

/events, PutEvents, /api and /metrics are for this machine only, unless a token
is set. ` + settingSecret + ` and ` + settingGiteaSecret + ` hold the
webhooks' secrets, and the same names with ` + previous + ` the ones before, while they
are replaced. The secrets of --notify's channels are in variables of their names.
The console only shows things, to this machine, until people can sign in: with
--operator-token, or at an OpenID Connect provider that ` + settingIssuer + `
and the settings beside it name. Logs go to the standard error as JSON. SIGTERM finishes what runs
and keeps the rest.`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if _, _, err := net.SplitHostPort(listen); err != nil {
				return usagef("--listen %q: want host:port, such as 127.0.0.1:8484", listen)
			}
			if a.table != "" {
				return usagef("ebb serve keeps its ledger in --data: --table is for looking at a deployment")
			}
			log := logs.New(a.Stderr, logs.Options{Getenv: a.Getenv})
			p, err := a.loadPolicy(func(w string) { log.Warn("policy", "warning", w) })
			if err != nil {
				return err
			}
			cfg := local.Config{
				Listen: listen, Data: a.data, Policy: p, Functions: a.Functions, Env: a.env(), Token: token,
				Self: ownIdentities(self), Keeper: a.Keeper, Log: log,
			}
			cfg.Console, err = a.console(listen, &people)
			if err != nil {
				return err
			}
			if notifyFile != "" {
				c, err := loadNotify(notifyFile)
				if err != nil {
					return err
				}
				sender, err := a.sender(cmd.Context(), c)
				if err != nil {
					return err
				}
				cfg.Notify, cfg.Send = c, sender.Send
				if len(c.Digests) > 0 && reports == "" {
					log.Warn("nobody is told of reports, for none are written: --reports is missing", "file", notifyFile)
				}
			}
			cfg.Secrets, cfg.Gitea = a.secrets(settingSecret), a.secrets(settingGiteaSecret)
			if a.StartMetrics != nil {
				page, stop, err := a.StartMetrics(cmd.Context(), a.Getenv)
				if err != nil {
					return err
				}
				cfg.Metrics = page
				defer func() {
					last, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), flushFor)
					defer cancel()
					if err := stop(last); err != nil { // what was done stands without its figures
						complain(a.Stderr, err)
					}
				}()
			}
			h, err := local.Open(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, h.Close()) }()
			if reports != "" {
				stop, err := a.startReports(cmd.Context(), reports, schedules(), h.Tell, log)
				if err != nil {
					return err
				}
				defer stop()
			}
			return h.Run(cmd.Context(), func(addr net.Addr) {
				// Serving goes on also when nobody reads this.
				_ = a.printer().Say("ebb serves on http://%s", addr)
				if people.made != "" {
					_ = a.printer().Say("operator's token, until ebb serve stops: %s", people.made)
				}
			})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8484", "host and port; port 0 picks a free one")
	fromEnv(cmd.Flags(), "listen", "EBB_LISTEN")
	cmd.Flags().StringVar(&token, "token", "", "bearer token that events and records ask for; better set in the environment")
	fromEnv(cmd.Flags(), "token", settingToken)
	people.addFlags(cmd)
	cmd.Flags().StringVar(&reports, "reports", "", "folder for a report of each day, and of each week; none is written when empty")
	fromEnv(cmd.Flags(), "reports", "EBB_REPORTS")
	cmd.Flags().StringVar(&notifyFile, "notify", "", "file that says who is told of results; without one nobody is")
	fromEnv(cmd.Flags(), "notify", settingNotify)
	addSelf(cmd, &self)
	return cmd
}

// secrets gives the secrets of a webhook: the current one and the one before.
func (a *app) secrets(name string) (secrets []string) {
	for _, name := range []string{name, name + previous} {
		if s := a.Getenv(name); s != "" {
			secrets = append(secrets, s)
		}
	}
	return secrets
}
